#include "dns/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <mutex>
#include <unordered_map>

#include "base/log.h"
#include "dns/message.h"

namespace lambari::dns {

namespace asio = boost::asio;

namespace {

using Descriptor = asio::posix::stream_descriptor;
constexpr std::chrono::seconds kTcpPatience{10};
constexpr int kPacketsInARow = 32;

void do_not_block(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }
bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// One listener. Lives on one loop, but for `closed`.
struct Station {
  Station(asio::io_context& context, std::shared_ptr<const Resolve> resolve, std::string name)
      : context(context), resolve(std::move(resolve)), name(std::move(name)), udp(context), tcp(context) {}

  asio::io_context& context;
  const std::shared_ptr<const Resolve> resolve;
  const std::string name;
  Descriptor udp, tcp;
  std::atomic<bool> closed{false};
  int queries = 0, connections = 0;
};
using Held = std::shared_ptr<Station>;

// False when the socket is closed.
async::Task<bool> wait(Descriptor& socket, Descriptor::wait_type what) {
  boost::system::error_code error;
  co_await socket.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

async::Task<std::string> ask(Held station, std::string query, Code problem) {
  if (problem != Code::ok) co_return answer(query, *read_query(query), problem);
  try {
    co_return co_await (*station->resolve)(station->name, std::move(query));
  } catch (const std::exception& error) {
    base::log_warn("dns", {{"error", error.what()}});
  }
  co_return "";
}

struct From {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
};

async::Task<> answer_packet(Held station, std::string packet, From from) {
  auto query = read_query(packet);
  auto said = query ? co_await ask(station, packet, query->problem) : "";
  --station->queries;
  if (said.empty() || station->closed) co_return;
  if (said.size() > query->udp_size) said = cut(packet, *query);
  // A full socket loses it, as the network might.
  (void)!::sendto(station->udp.native_handle(), said.data(), said.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<sockaddr*>(&from.address), from.size);
}

async::Task<> serve_udp(Held station) {
  std::array<char, kLargestQuery + 1> bytes;
  while (!station->closed) {
    if (!co_await wait(station->udp, Descriptor::wait_read)) co_return;
    for (int i = 0; i < kPacketsInARow && !station->closed; ++i) {
      From from;
      auto got = ::recvfrom(station->udp.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                            reinterpret_cast<sockaddr*>(&from.address), &from.size);
      if (got < 0) break;
      if (station->queries >= Server::kQueriesAtOnce) continue;
      ++station->queries;
      asio::co_spawn(station->context, answer_packet(station, std::string(bytes.data(), static_cast<std::size_t>(got)), from),
                     asio::detached);
    }
  }
}

async::Task<bool> receive(Descriptor& socket, char* to, std::size_t size) {
  while (size > 0) {
    auto got = ::recv(socket.native_handle(), to, size, MSG_DONTWAIT);
    if (got > 0) {
      to += got;
      size -= static_cast<std::size_t>(got);
    } else if (got == 0 || !would_block() || !co_await wait(socket, Descriptor::wait_read)) {
      co_return false;
    }
  }
  co_return true;
}

async::Task<bool> send(Descriptor& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (!would_block() || !co_await wait(socket, Descriptor::wait_write))
      co_return false;
  }
  co_return true;
}

struct TcpConnection {
  TcpConnection(Held station, int fd)
      : station(std::move(station)), socket(this->station->context, fd), timer(this->station->context) {
    ++this->station->connections;
  }
  ~TcpConnection() { --station->connections; }
  const Held station;
  Descriptor socket;
  asio::steady_timer timer;
};

// Queries one after another; the other end may stay silent for a while, not longer.
async::Task<> serve_connection(std::shared_ptr<TcpConnection> connection) {
  auto& c = *connection;
  auto arm = [weak = std::weak_ptr(connection)] {
    auto held = weak.lock();
    held->timer.expires_after(kTcpPatience);
    held->timer.async_wait([weak](boost::system::error_code error) {
      auto late = weak.lock();
      boost::system::error_code ignored;
      if (!error && late) late->socket.close(ignored);
    });
  };
  while (!c.station->closed) {
    arm();
    unsigned char length[2];
    if (!co_await receive(c.socket, reinterpret_cast<char*>(length), 2)) co_return;
    std::string packet(static_cast<std::size_t>(length[0] << 8 | length[1]), '\0');
    if (packet.size() > kLargestQuery || !co_await receive(c.socket, packet.data(), packet.size())) co_return;
    auto query = read_query(packet);
    if (!query) co_return;
    auto said = co_await ask(c.station, std::move(packet), query->problem);
    if (said.empty() || said.size() > kLargestMessage) co_return;
    const char prefix[2] = {static_cast<char>(said.size() >> 8), static_cast<char>(said.size() & 0xff)};
    if (!c.socket.is_open() || !co_await send(c.socket, std::string(prefix, 2) + said)) co_return;
  }
}

async::Task<> serve_tcp(Held station) {
  while (!station->closed) {
    if (!co_await wait(station->tcp, Descriptor::wait_read) || station->closed) co_return;
    int fd = ::accept4(station->tcp.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      if (!would_block()) co_await async::sleep_for(std::chrono::milliseconds(100));  // out of descriptors
      continue;
    }
    if (station->connections >= Server::kConnections) {
      ::close(fd);
      continue;
    }
    asio::co_spawn(station->context, serve_connection(std::make_shared<TcpConnection>(station, fd)), asio::detached);
  }
}

void close(const Held& station) {
  station->closed = true;
  asio::post(station->context, [station] {
    boost::system::error_code ignored;
    station->udp.close(ignored);
    station->tcp.close(ignored);
  });
}

}  // namespace

struct Server::State {
  State(async::Loops& loops, Resolve resolve) : loops(loops), resolve(std::make_shared<const Resolve>(std::move(resolve))) {}

  async::Loops& loops;
  const std::shared_ptr<const Resolve> resolve;
  std::mutex mutex;
  std::unordered_multimap<std::string, Held> stations;
  unsigned turn = 0;
};

Server::Server(async::Loops& loops, Resolve resolve) : state_(std::make_shared<State>(loops, std::move(resolve))) {}

Server::~Server() {
  for (auto& [name, station] : state_->stations) close(station);
}

void Server::adopt(int udp, int tcp, std::string listener) {
  std::unique_lock lock(state_->mutex);
  auto& context = state_->loops.context(state_->turn++ % state_->loops.size());
  auto station = std::make_shared<Station>(context, state_->resolve, listener);
  state_->stations.emplace(std::move(listener), station);
  lock.unlock();
  if (udp >= 0) {
    do_not_block(udp);
    station->udp.assign(udp);
    asio::co_spawn(context, serve_udp(station), asio::detached);
  }
  if (tcp >= 0) {
    do_not_block(tcp);
    station->tcp.assign(tcp);
    asio::co_spawn(context, serve_tcp(station), asio::detached);
  }
}

void Server::close_listener(const std::string& listener) {
  std::lock_guard lock(state_->mutex);
  auto [from, to] = state_->stations.equal_range(listener);
  for (auto each = from; each != to; ++each) close(each->second);
  state_->stations.erase(from, to);
}

}  // namespace lambari::dns
