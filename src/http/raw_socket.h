// A blocking socket for tests: says exactly the bytes it is told to, and shows exactly those it gets.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace lambari::http {

class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd_);
      throw std::runtime_error("connect failed");
    }
  }
  RawSocket(const RawSocket&) = delete;
  ~RawSocket() { close(); }

  int descriptor() const { return fd_; }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void end_writing() { ::shutdown(fd_, SHUT_WR); }

  // False when the peer is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Reads until what was read ends with `end`, the peer closes, or `patience` is over.
  std::string read_until(std::string_view end, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    std::string got;
    while (!(!end.empty() && got.ends_with(end)) && read_some(got, patience)) {
    }
    return got;
  }
  // Everything until the peer closes.
  std::string read_all(std::chrono::milliseconds patience = std::chrono::seconds(10)) { return read_until({}, patience); }

  bool read_some(std::string& to, std::chrono::milliseconds patience) {
    pollfd poll{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, static_cast<int>(patience.count())) <= 0) return false;
    char buffer[16384];
    auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      closed_ = true;
      return false;
    }
    to.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  // Whether a read saw the end of the connection.
  bool closed() const { return closed_; }

  std::string ask(std::string_view request, std::string_view until) { return send(request) ? read_until(until) : ""; }

 private:
  int fd_;
  bool closed_ = false;
};

}  // namespace lambari::http
