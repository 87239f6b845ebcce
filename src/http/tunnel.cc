#include "http/tunnel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <vector>

namespace lambari::http {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t kPiece = 16 * 1024;

async::Task<std::unique_ptr<Descriptor>> connected(std::string host, std::uint16_t port) {
  auto executor = co_await asio::this_coro::executor;
  boost::system::error_code error;
  asio::ip::tcp::resolver resolver(executor);
  auto found = co_await resolver.async_resolve(host, std::to_string(port), asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return nullptr;
  asio::ip::tcp::socket socket(executor);
  co_await asio::async_connect(socket, found, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return nullptr;
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  const int fd = ::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) co_return nullptr;
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  co_return std::make_unique<Descriptor>(executor, fd);
}

async::Task<> wait_for(Descriptor& socket, Descriptor::wait_type what) {
  co_await socket.async_wait(what, asio::use_awaitable);  // throws when it was cancelled or closed
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

async::Task<> send_all(Descriptor& to, const char* bytes, std::size_t size) {
  while (size > 0) {
    auto sent = ::send(to.native_handle(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      bytes += sent;
      size -= static_cast<std::size_t>(sent);
    } else if (!would_block()) {
      throw boost::system::system_error(asio::error::connection_reset);
    } else {
      co_await wait_for(to, Descriptor::wait_write);
    }
  }
}

async::Task<> copy(Descriptor& from, Descriptor& to, std::string ahead, const std::function<void()>& moved) {
  co_await send_all(to, ahead.data(), ahead.size());
  std::vector<char> bytes(kPiece);
  for (;;) {
    auto got = ::recv(from.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0) {
      ::shutdown(to.native_handle(), SHUT_WR);
      co_return;
    }
    if (got < 0) {
      if (!would_block()) throw boost::system::system_error(asio::error::connection_reset);
      co_await wait_for(from, Descriptor::wait_read);
      continue;
    }
    moved();
    co_await send_all(to, bytes.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

async::Task<std::unique_ptr<Descriptor>> connect_to(std::string host, std::uint16_t port, std::chrono::milliseconds patience) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, patience);
  auto first = co_await (connected(std::move(host), port) || timer.async_wait(asio::use_awaitable));
  auto* made = std::get_if<0>(&first);
  co_return made ? std::move(*made) : nullptr;
}

async::Task<> copy_both_ways(Descriptor& near, Descriptor& far, std::string ahead, std::function<void()> moved) {
  try {
    co_await (copy(near, far, std::move(ahead), moved) && copy(far, near, {}, moved));
  } catch (const boost::system::system_error&) {  // the other one is cancelled then
  }
}

}  // namespace lambari::http
