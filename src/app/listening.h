// The server's own socket: taken early, so that a taken address is found before anything is opened; opened last.
#pragma once

#include <cstdint>
#include <string>

namespace lambari::app {

class BoundSocket {
 public:
  // Throws std::system_error (EADDRINUSE, EADDRNOTAVAIL, EACCES). Port 0 picks one.
  BoundSocket(const std::string& address, std::uint16_t port);
  ~BoundSocket();
  BoundSocket(const BoundSocket&) = delete;

  std::uint16_t port() const { return port_; }
  // From now on peers get in. The caller owns the descriptor.
  int listen();

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace lambari::app
