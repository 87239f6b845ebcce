#include "http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <future>
#include <mutex>
#include <system_error>
#include <unordered_map>

#include "base/log.h"
#include "http/lane.h"

namespace lambari::http {

namespace asio = boost::asio;

namespace {

constexpr int kAcceptsInARow = 64;
constexpr unsigned kRefusedAtOnce = 64;  // connections over the limit that are told so; more are closed without a word

[[noreturn]] void fail(int error, const std::string& what) { throw std::system_error(error, std::generic_category(), what); }

// Closes a descriptor that nobody has taken.
struct Fd {
  int value;
  explicit Fd(int value) : value(value) {}
  Fd(const Fd&) = delete;
  ~Fd() {
    if (value >= 0) ::close(value);
  }
  int take() { return std::exchange(value, -1); }
};

std::uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

Peer peer_of(const sockaddr_storage& address) { return {.address = address_text(address), .port = port_of(address)}; }

int bind_tcp(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.empty() ? nullptr : address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || !found) {
    fail(EADDRNOTAVAIL, "listen on " + address);
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  Fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.value < 0) fail(errno, "socket");
  int on = 1;
  setsockopt(fd.value, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.value, found->ai_addr, found->ai_addrlen) != 0) fail(errno, "bind " + address + ":" + std::to_string(port));
  if (::listen(fd.value, 4096) != 0) fail(errno, "listen");
  return fd.take();
}

int bind_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) fail(ENAMETOOLONG, "listen on unix:" + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.value < 0) fail(errno, "socket");
  if (::bind(fd.value, generic, sizeof address) != 0) {
    if (errno != EADDRINUSE) fail(errno, "bind unix:" + path);
    // A socket whose owner died stays behind: take its place when nobody answers there.
    Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.value, generic, sizeof address) == 0 || errno != ECONNREFUSED) fail(EADDRINUSE, "bind unix:" + path);
    ::unlink(path.c_str());
    if (::bind(fd.value, generic, sizeof address) != 0) fail(errno, "bind unix:" + path);
  }
  if (::listen(fd.value, 4096) != 0) fail(errno, "listen");
  return fd.take();
}

// Takes in what waits to be accepted. False when the loop had better pause: the process is out of descriptors.
bool accept_waiting(const std::shared_ptr<Core>& core, const std::shared_ptr<Listener>& listener, unsigned& turn) {
  for (int i = 0; i < kAcceptsInARow && !listener->closed; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    int fd =
        ::accept4(listener->socket.native_handle(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      switch (errno) {
        case EAGAIN: return true;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return false;
        default: continue;  // that connection is gone already
      }
    }
    auto peer = peer_of(address);
    if (!core->admit(listener->share.get())) {
      if (core->refusing.fetch_add(1) >= kRefusedAtOnce) {
        core->refusing.fetch_sub(1);
        core->lanes[listener->lane]->refused.add(1);
        ::close(fd);
        continue;
      }
      peer.refused = true;
    }
    auto index = listener->spread ? turn++ % core->lanes.size() : listener->lane;
    auto& lane = *core->lanes[index];
    if (index == listener->lane) {
      lane.begin(core, listener, fd, std::move(peer));
    } else {
      asio::post(lane.context(), [&lane, core, listener, fd, peer = std::move(peer)]() mutable {
        lane.begin(std::move(core), listener, fd, std::move(peer));
      });
    }
  }
  return true;
}

async::Task<> accept_loop(std::shared_ptr<Core> core, std::shared_ptr<Listener> listener) {
  unsigned turn = listener->lane;
  while (!listener->closed) {
    boost::system::error_code error;
    co_await listener->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                         asio::redirect_error(asio::use_awaitable, error));
    if (listener->closed) break;
    if (accept_waiting(core, listener, turn)) continue;
    base::log_warn("no descriptor left for a connection");
    co_await async::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

std::size_t modest_connections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return Limits{}.connections;
  return std::min<std::size_t>(limit.rlim_cur / 8, Limits{}.connections);
}

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text, sizeof text);
  }
  return text;
}

struct Server::State {
  std::shared_ptr<Core> core;
  std::mutex mutex;
  std::unordered_multimap<std::string, std::shared_ptr<Listener>> listeners;

  // Takes ownership of `fd`.
  std::uint16_t start(int fd, std::string name, bool spread, std::string unix_path = {}) {
    Fd owned(fd);
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail(errno, "not a socket");
    int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) fail(errno, "fcntl");
    if (address.ss_family != AF_UNIX) {
      int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // connections inherit it
    }
    auto lane = core->loops.here();
    std::unique_lock lock(mutex);
    auto share = spread ? nullptr : std::make_shared<Share>();
    if (auto sibling = listeners.find(name); !spread && sibling != listeners.end()) share = sibling->second->share;
    auto listener = std::make_shared<Listener>(core->lanes[lane]->context(), fd, std::move(name), std::move(share));
    owned.take();
    listener->port = port_of(address);
    listener->unix_path = std::move(unix_path);
    listener->lane = lane;
    listener->spread = spread;
    listeners.emplace(listener->name, listener);
    lock.unlock();
    asio::co_spawn(core->lanes[lane]->context(), accept_loop(core, listener), asio::detached);
    return listener->port;
  }

  // Stops listening at once. With `connections`, those it has accepted are closed too.
  void close(std::shared_ptr<Listener> listener, bool connections) {
    // Shut down from here, so that the address is free when this returns; the lane closes the descriptor.
    if (listener->closed.exchange(true)) return;
    ::shutdown(listener->socket.native_handle(), SHUT_RDWR);
    if (!listener->unix_path.empty()) ::unlink(listener->unix_path.c_str());
    for (unsigned i = 0; i < core->lanes.size(); ++i) {
      bool home = i == listener->lane;
      if (!home && !listener->spread) continue;
      auto& lane = *core->lanes[i];
      asio::post(lane.context(), [&lane, core = core, listener, home, connections] {
        boost::system::error_code ignored;
        if (home) listener->socket.close(ignored);
        if (connections) lane.close_group(listener.get());
      });
    }
  }

  void close_every(bool connections) {
    decltype(listeners) taken;
    {
      std::lock_guard lock(mutex);
      taken.swap(listeners);
    }
    for (auto& [name, listener] : taken) close(listener, connections);
  }
};

Server::Server(async::Loops& loops, Handler handler, Limits limits, ChooseBody choose_body) : state_(std::make_shared<State>()) {
  state_->core = std::make_shared<Core>(loops, std::move(handler), limits, std::move(choose_body));
}

Server::~Server() {
  auto core = state_->core;
  core->closed = true;
  state_->close_every(true);
  // Waits until every lane has let go, so that no handler begins after this; unless this is a lane, or the loops have ended.
  for (auto& lane : core->lanes) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    auto& context = lane->context();
    bool inside = false;
    for (auto& each : core->lanes) inside = inside || each->context().get_executor().running_in_this_thread();
    asio::post(context, [core, lane = lane.get(), done] {
      lane->close_all();
      done->set_value();
    });
    while (!inside && !context.stopped() && future.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    }
  }
}

void Server::speak_tls(std::shared_ptr<const ServerTls> tls) { state_->core->tls = std::move(tls); }

void Server::be_proxy(Proxy proxy) { state_->core->proxy = std::move(proxy); }

std::uint16_t Server::listen(const std::string& address, std::uint16_t port) {
  if (address.starts_with("unix:")) {
    auto path = address.substr(5);
    state_->start(bind_unix(path), "", true, path);
    return 0;
  }
  return state_->start(bind_tcp(address, port), "", true);
}

void Server::adopt(int fd, std::string listener) { state_->start(fd, std::move(listener), false); }

void Server::close_listener(const std::string& listener) {
  std::vector<std::shared_ptr<Listener>> taken;
  {
    std::lock_guard lock(state_->mutex);
    auto [from, to] = state_->listeners.equal_range(listener);
    for (auto each = from; each != to; ++each) taken.push_back(each->second);
    state_->listeners.erase(from, to);
  }
  for (auto& each : taken) state_->close(std::move(each), true);
}

async::Task<> Server::drain(std::chrono::milliseconds grace) {
  auto core = state_->core;
  auto ticket = core->emptied.ticket();
  core->draining = true;
  state_->close_every(false);
  for (auto& lane : core->lanes) {
    asio::post(lane->context(), [core, lane = lane.get()] { lane->wake_all(); });
  }
  auto end = std::chrono::steady_clock::now() + grace;
  while (core->open > 0) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= std::chrono::milliseconds(0)) break;
    co_await core->emptied.wait(ticket, left);
    ticket = core->emptied.ticket();
  }
  core->closed = true;
  for (auto& lane : core->lanes) {
    asio::post(lane->context(), [core, lane = lane.get()] { lane->close_all(); });
  }
}

ServerCounters Server::counters() const {
  ServerCounters sum;
  for (const auto& lane : state_->core->lanes) {
    sum.accepted += lane->accepted.get();
    sum.refused += lane->refused.get();
    sum.requests += lane->requests.get();
    sum.bytes_in += lane->bytes_in.get();
    sum.bytes_out += lane->bytes_out.get();
    sum.handshakes += lane->handshakes.get();
    sum.handshakes_failed += lane->handshakes_failed.get();
  }
  sum.open = state_->core->open.load();
  return sum;
}

}  // namespace lambari::http
