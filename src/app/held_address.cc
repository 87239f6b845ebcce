#include "app/held_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace lambari::app {
namespace {

[[noreturn]] void fail(int fd, const char* what) {
  int error = errno;
  if (fd >= 0) close(fd);
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

HeldAddress::HeldAddress(const std::string& address, std::uint16_t port) : address_(address) {
  sockaddr_storage name{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&name);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&name);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    size = sizeof(*v4);
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    size = sizeof(*v6);
  } else {
    errno = EINVAL;
    fail(-1, "address");
  }
  int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail(fd, "socket");
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr*>(&name), size) != 0) fail(fd, "bind");
  size = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) fail(fd, "getsockname");
  port_ = ntohs(name.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
  fd_ = fd;
}

HeldAddress::~HeldAddress() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace lambari::app
