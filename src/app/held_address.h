// An address held before anything is opened, so that one that is taken is found first and peers are let in last.
#pragma once

#include <cstdint>
#include <string>

namespace lambari::app {

// Bound, but not listening: another socket of this program may bind and listen there meanwhile (SO_REUSEADDR), no other
// program's listener may begin unnoticed.
class HeldAddress {
 public:
  // Throws std::system_error (EADDRINUSE, EADDRNOTAVAIL, EACCES). Port 0 picks one.
  HeldAddress(const std::string& address, std::uint16_t port);
  ~HeldAddress();
  HeldAddress(const HeldAddress&) = delete;

  const std::string& address() const { return address_; }
  std::uint16_t port() const { return port_; }

 private:
  std::string address_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace lambari::app
