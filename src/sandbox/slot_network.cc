#include "sandbox/slot_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <optional>

#include "sandbox/protocol.h"
#include "sandbox/receive_record.h"
#include "sandbox/until_late.h"

namespace lambari::sandbox {

namespace asio = boost::asio;
using protocol::ConnectAsk;
using protocol::ConnectTell;

namespace {

Descriptor connect_here(std::uint16_t port) {
  Descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (made && ::connect(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)
    made.reset();
  return made;
}

bool is_tcp(const Descriptor& socket) {
  const auto option = [&](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  return option(SO_DOMAIN) == AF_INET && option(SO_PROTOCOL) == IPPROTO_TCP;
}

// One answer, without waiting; nothing when there is none yet.
std::optional<ConnectTell> take_answer(int line, Descriptor& socket) {
  ConnectTell told{};
  const auto size = receive_record(line, told, socket);
  if (size < 0) return std::nullopt;
  if (size != sizeof told) return ConnectTell{0, EPROTO};
  return told;
}

}  // namespace

async::Task<Descriptor> SlotNetwork::ask(std::uint16_t port, std::chrono::milliseconds timeout) {
  const ConnectAsk question{++asked_, port};
  if (::send(line_.get(), &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) co_return Descriptor();
  asio::steady_timer timer(context_, timeout);
  const auto readable = open_until_late(context_, timer, Descriptor(fcntl(line_.get(), F_DUPFD_CLOEXEC, 0)));
  if (!readable) co_return Descriptor();
  Descriptor socket;
  for (;;) {
    boost::system::error_code error;
    co_await readable->async_wait(asio::posix::stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    const auto told = take_answer(line_.get(), socket);
    if (!told && (errno == EAGAIN || errno == EINTR)) continue;
    if (told && told->error == 0 && told->number < question.number) continue;  // it comes too late
    if (!told || told->error != 0 || told->number != question.number) socket.reset();
    break;
  }
  timer.cancel();
  co_return socket;
}

async::Task<Descriptor> SlotNetwork::connect(std::shared_ptr<SlotNetwork> self, std::uint16_t port,
                                             std::chrono::milliseconds timeout) {
  if (!self->line_) co_return connect_here(port);
  if (!co_await self->turn_.acquire(timeout)) co_return Descriptor();
  auto socket = co_await self->ask(port, timeout);
  self->turn_.release();
  if (socket && !is_tcp(socket)) socket.reset();
  co_return socket;
}

}  // namespace lambari::sandbox
