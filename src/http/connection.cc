#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <charconv>
#include <limits>

#include "base/log.h"
#include "base/text.h"
#include "http/lane.h"
#include "http/tunnel.h"

namespace lambari::http {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLingerMs = 5'000;          // for the peer to read our refusal and go
constexpr std::size_t kGatherAtMost = 256 * 1024;  // answers to pipelined requests kept for one write
constexpr std::size_t kKeepCapacity = 4 * 1024;    // memory an idle connection may hold
constexpr std::size_t kSmall = 64 * 1024;          // a head, a body or an answer that is not worth to be counted
constexpr std::size_t kMostUnsent = 64 * 1024;     // what a TLS peer may make us say without listening
constexpr std::int64_t kTunnelIdleMs = 600'000;
constexpr std::chrono::milliseconds kConnectTime{10'000};
constexpr int kReadsInARow = 16;  // then the other connections of the loop have their turn

bool has_no_body(int status) { return status == 204 || status == 304; }

}  // namespace

Connection::Connection(std::shared_ptr<Core> core, Lane& lane, std::shared_ptr<Group> group, int fd, Peer peer)
    : core_(std::move(core)),
      lane_(lane),
      group_(std::move(group)),
      socket_(lane.context(), fd),
      peer_(std::move(peer)),
      parser_(core_->limits.header_bytes, core_->limits.header_fields),
      deadline_(coarse_now() + core_->limits.idle.count()) {
  group_->connections.push_back(*this);
}

Connection::~Connection() {
  let_go(held_);
  let_go(said_);
  peer_.refused ? core_->refused_gone() : core_->gone(group_->share.get());
}

bool Connection::hold(std::size_t& held, std::size_t bytes) {
  if (!group_->share) return true;
  if (!core_->hold(*group_->share, bytes)) return false;
  held += bytes;
  return true;
}

void Connection::let_go(std::size_t& held) {
  if (held > 0) core_->let_go(*group_->share, std::exchange(held, 0));
}

void Connection::close() {
  closed_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Connection::expire(std::int64_t now) {
  if (deadline_ > now || closed_) return;
  deadline_ = kNever;
  expired_ = true;
  wake();
}

void Connection::wake() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Connection::flush_now() {
  dirty_ = false;
  if (!closed_) send();  // what is left or wrong shows when serve() writes next
}

Outbox::Sent Connection::send() {
  std::size_t bytes = 0;
  auto fd = socket_.native_handle();
  auto sent = tls_ ? outbox_.send(*tls_, fd, bytes) : outbox_.send(fd, bytes);
  lane_.bytes_out.add(bytes);
  if (sent == Outbox::Sent::all) let_go(said_);
  return sent;
}

std::chrono::milliseconds Connection::patience(RequestParser::State state) const {
  switch (state) {
    case RequestParser::State::idle: return core_->limits.idle;
    case RequestParser::State::head: return core_->limits.header_time;
    default: return core_->limits.body_stall;
  }
}

void Connection::consume(std::size_t bytes) {
  if (kept_.empty()) {
    fresh_.remove_prefix(bytes);
    return;
  }
  kept_from_ += bytes;
  if (kept_from_ < kept_.size()) return;
  kept_.clear();
  kept_from_ = 0;
  if (kept_.capacity() > kKeepCapacity) kept_.shrink_to_fit();
}

void Connection::stash() {
  if (fresh_.empty()) return;
  kept_.assign(fresh_);
  kept_from_ = 0;
  fresh_ = {};
}

void Connection::parse() {
  auto window = kept_.empty() ? fresh_ : std::string_view(kept_).substr(kept_from_);
  if (window.empty()) return;
  auto before = parser_.state();
  consume(parser_.feed(window));
  if (before == RequestParser::State::idle && parser_.state() == RequestParser::State::head) {
    deadline_ = coarse_now() + core_->limits.header_time.count();
  }
}

Connection::Fill Connection::fill() {
  auto& scratch = lane_.scratch;
  const auto room = tls_ || untold_ ? TlsChannel::kPiece : scratch.size();
  ssize_t got;
  do {
    got = ::recv(socket_.native_handle(), scratch.data(), room, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got == 0 && tls_ && !tls_->established()) lane_.handshakes_failed.add(1);
  if (got == 0) return Fill::ended;
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Fill::none : Fill::ended;
  auto bytes = std::string_view(scratch.data(), static_cast<std::size_t>(got));
  more_expected_ = bytes.size() == room;
  lane_.bytes_in.add(bytes.size());
  if (std::exchange(untold_, false) && bytes[0] == kTlsFirstByte && core_->tls) begin_tls();
  if (tls_) return unseal(bytes);
  take_in(bytes);
  return Fill::some;
}

void Connection::begin_tls() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size);
  tls_ = std::make_unique<TlsChannel>(*core_->tls, address_text(address));
  deadline_ = coarse_now() + core_->limits.header_time.count();  // for the handshake
}

Connection::Fill Connection::unseal(std::string_view bytes) {
  const bool before = tls_->established();
  auto& scratch = lane_.scratch;
  auto size = tls_->open(bytes, scratch.data());
  std::size_t sent = 0;
  const bool pushed = tls_->push(socket_.native_handle(), sent);
  lane_.bytes_out.add(sent);
  if (!pushed && (errno != EAGAIN || tls_->unsent() > kMostUnsent)) return Fill::ended;
  if (!before && tls_->established()) {
    deadline_ = coarse_now() + core_->limits.idle.count();
    lane_.handshakes.add(1);
  } else if (!before && tls_->ended()) {
    lane_.handshakes_failed.add(1);
  }
  more_expected_ = more_expected_ || tls_->ended();
  if (size == 0) return tls_->ended() ? Fill::ended : Fill::none;
  take_in({scratch.data(), size});
  return Fill::some;
}

// `bytes` are in the scratch buffer.
void Connection::take_in(std::string_view bytes) {
  if (kept_.empty()) {
    fresh_ = bytes;
  } else {
    kept_.erase(0, kept_from_);
    kept_from_ = 0;
    kept_ += bytes;
  }
  if (parser_.state() == RequestParser::State::body) deadline_ = coarse_now() + core_->limits.body_stall.count();
}

BodyPolicy Connection::body_policy() {
  auto& request = parser_.request();
  if (!core_->choose_body) return {core_->limits.body_bytes};
  request.listener = group_->name;
  return core_->choose_body(request);
}

// True when the handler is to begin before the body is whole.
bool Connection::accept_body(const BodyPolicy& policy) {
  parser_.accept_body(policy.limit);
  if (parser_.state() != RequestParser::State::body) return false;
  deadline_ = coarse_now() + core_->limits.body_stall.count();
  if (parser_.expects_continue() && all_parsed()) outbox_.add("HTTP/1.1 100 Continue\r\n\r\n");
  return policy.stream;
}

// The body of a request that is read while its handler runs.
class Connection::Body : public BodySource {
 public:
  explicit Body(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

  async::Task<std::string> next() override {
    using State = RequestParser::State;
    for (;;) {
      if (!connection_) throw BodyBroken(0, "the request was answered");
      auto& c = *connection_;
      c.parse();
      c.stash();  // the buffer belongs to whom the loop turns to next
      if (auto piece = c.parser_.take_body(); !piece.empty()) co_return piece;
      if (c.parser_.state() == State::done) co_return "";
      if (c.parser_.state() == State::failed) throw BodyBroken(c.parser_.status(), "the body is malformed or too large");
      co_await c.read_on();
    }
  }

  const Headers& trailers() const override { return connection_ ? connection_->parser_.trailers() : BodySource::trailers(); }

  void leave() { connection_.reset(); }

 private:
  std::shared_ptr<Connection> connection_;
};

void Connection::refuse(int status) { refuse(status, reason(status)); }

void Connection::refuse(int status, std::string_view text) {
  Response response{.status = status};
  response.headers.add("Content-Type", "text/plain");
  outbox_.add_head(response, {.framing = Framing::length, .length = text.size(), .close = true}, lane_.date_line());
  outbox_.add(text);
}

async::Task<> Connection::serve(std::shared_ptr<Connection> self) {
  using State = RequestParser::State;
  auto& c = *self;
  auto& core = *c.core_;
  if (c.peer_.refused) {
    c.refuse(503);
    co_await c.finish(true);
    co_return;
  }
  int reads = 0;
  bool answered = false;  // since the deadline was set
  std::shared_ptr<Body> body;
  for (;;) {
    c.parse();
    auto state = c.parser_.state();

    if (state == State::ready) {
      const auto policy = c.body_policy();
      const auto most = std::min<std::uint64_t>(policy.limit, c.parser_.content_length().value_or(policy.limit));
      if (!policy.stream && most > kSmall && !c.hold(c.held_, most)) {
        c.refuse(503);
        co_await c.finish(true);
        co_return;
      }
      if (!c.accept_body(policy)) continue;
      body = std::make_shared<Body>(self);
    }

    if (state == State::failed) {
      c.refuse(c.parser_.status());
      co_await c.finish(true);
      co_return;
    }

    if (state != State::done && !body) {  // more bytes are needed; first goes out what was gathered
      if (c.unsent()) {
        auto sent = c.send();
        if (sent == Outbox::Sent::broken || (sent == Outbox::Sent::blocked && !co_await c.flush())) co_return;
        answered = true;
      }
      if (std::exchange(answered, false)) c.deadline_ = coarse_now() + c.patience(state).count();
      auto filled = c.more_expected_ && ++reads % kReadsInARow != 0 ? c.fill() : Fill::none;
      while (filled == Fill::none) {
        if (state == State::idle && core.draining) {
          filled = c.fill();
          if (filled == Fill::none) co_return c.part();
          break;
        }
        c.stash();
        if (state == State::head && c.held_ == 0 && c.kept_.size() > kSmall && !c.hold(c.held_, core.limits.header_bytes)) {
          c.refuse(503);
          co_await c.finish(true);
          co_return;
        }
        if (c.tls_ && state == State::idle) c.tls_->rest();
        boost::system::error_code error;
        co_await c.socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                      asio::redirect_error(asio::use_awaitable, error));
        if (c.closed_) co_return;
        if (std::exchange(c.expired_, false) && error) {
          if (state == State::idle) co_return c.part();
          c.refuse(408);
          co_await c.finish(true);
          co_return;
        }
        if (error && error != asio::error::operation_aborted) co_return;
        filled = c.fill();
      }
      if (filled == Fill::ended) co_return;
      continue;
    }

    // A request is whole, or its head is.
    if (core.closed) co_return;
    c.deadline_ = kNever;
    bool keep_alive = c.parser_.keep_alive();
    bool http_1_0 = c.parser_.http_1_0();
    auto request = body ? c.parser_.take_head() : c.parser_.take();
    request.stream = body;
    request.remote_address = c.peer_.address;
    request.remote_port = c.peer_.port;
    request.local_port = c.group_->port;
    request.secure = c.tls_ != nullptr;
    request.listener = c.group_->name;
    if (request.method == "CONNECT" && core.proxy) {
      c.stash();
      c.lane_.requests.add(1);
      if (!co_await c.answer_connect(std::string(request.headers.get("Host")))) co_return;
      continue;
    }
    bool head_only = request.method == "HEAD";
    c.stash();
    if (c.outbox_.size() > kGatherAtMost && !co_await c.flush()) co_return;
    if (!c.outbox_.empty()) c.lane_.flush_soon(c.core_, self);

    Response response;
    try {
      response = co_await core.handler(std::move(request));
      if (response.status < 200 || response.status > 999) throw std::range_error("status " + std::to_string(response.status));
    } catch (const BodyBroken& e) {
      response = {.status = e.status == 0 ? 400 : e.status};
    } catch (const std::exception& e) {
      base::log_error("handler failed", {{"what", e.what()}});
      response = {.status = 500};
    } catch (...) {
      base::log_error("handler failed");
      response = {.status = 500};
    }
    bool unread = false;  // a rest of the body: where the next request begins is not known
    if (body) {
      body->leave();
      body.reset();
      unread = c.parser_.state() != State::done;
      if (!unread) c.parser_.take();
    }
    answered = true;
    c.lane_.requests.add(1);
    if (c.closed_) co_return;
    c.let_go(c.held_);
    if (response.body.size() > kSmall && !c.hold(c.said_, response.body.size())) {
      c.refuse(503);
      co_await c.finish(true);
      co_return;
    }

    keep_alive = keep_alive && !unread && !core.draining && !asks_close(response.headers);
    HeadFacts facts{.close = !keep_alive, .say_keep_alive = http_1_0};
    bool send_body = !head_only && !has_no_body(response.status);
    if (response.stream) {
      facts.framing = !send_body && !head_only ? Framing::none : http_1_0 ? Framing::close : Framing::chunked;
      if (facts.framing == Framing::close) facts.close = true, keep_alive = false;
      c.outbox_.add_head(response, facts, c.lane_.date_line());
      if (send_body && !co_await c.stream(self, std::move(response.stream), facts.framing == Framing::chunked)) co_return;
    } else {
      facts.framing = has_no_body(response.status) ? Framing::none : Framing::length;
      facts.length = response.body.size();
      if (head_only && response.body.empty()) {
        if (auto told = base::parse_int(response.headers.get("Content-Length")); told && *told >= 0) {
          facts.length = static_cast<std::size_t>(*told);
        }
      }
      c.outbox_.add_head(response, facts, c.lane_.date_line());
      if (send_body) c.outbox_.add_owned(std::move(response.body));
    }
    if (!keep_alive) {
      co_await c.finish(unread || !c.all_parsed());
      co_return;
    }
  }
}

// What follows a CONNECT that we serve is as on a new connection; some of it may be here already.
bool Connection::begin_again() {
  auto ahead = std::exchange(kept_, {}).substr(kept_from_);
  kept_from_ = 0;
  deadline_ = coarse_now() + core_->limits.idle.count();
  untold_ = ahead.empty();
  if (untold_) return true;
  if (ahead[0] != kTlsFirstByte || !core_->tls) {
    kept_ = std::move(ahead);
    return true;
  }
  begin_tls();
  for (std::string_view left = ahead; !left.empty();) {
    auto piece = left.substr(0, TlsChannel::kPiece);
    left.remove_prefix(piece.size());
    if (unseal(piece) == Fill::ended) return false;
    stash();
  }
  return true;
}

// True when the connection goes on as one of ours.
async::Task<bool> Connection::answer_connect(std::string authority) {
  auto colon = authority.rfind(':');
  auto port = colon == std::string::npos ? std::nullopt : base::parse_int(std::string_view(authority).substr(colon + 1));
  auto host = authority.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  Onward onward{.reason = "a host and a port are wanted"};
  if (port && *port > 0 && *port < 65536 && !host.empty()) onward = core_->proxy(host, static_cast<std::uint16_t>(*port));
  if (tls_ && onward.way != Onward::Way::refuse) onward = {.reason = "reach the proxy itself without TLS"};
  constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection Established\r\n\r\n";

  if (onward.way == Onward::Way::serve) {
    outbox_.add(kEstablished);
    if (!co_await flush()) co_return false;
    co_return begin_again();
  }
  if (onward.way == Onward::Way::tunnel) {
    auto far = co_await connect_to(std::move(host), static_cast<std::uint16_t>(*port), kConnectTime);
    if (closed_) co_return false;
    if (far) {
      outbox_.add(kEstablished);
      if (!co_await flush()) co_return false;
      deadline_ = coarse_now() + kTunnelIdleMs;
      co_await copy_both_ways(socket_, *far, std::exchange(kept_, {}).substr(kept_from_),
                              [this] { deadline_ = coarse_now() + kTunnelIdleMs; });
      co_return false;
    }
    refuse(502, "no connection to " + authority);
  } else {
    refuse(403, onward.reason);
  }
  co_await finish(!all_parsed());
  co_return false;
}

// Tells an idle TLS peer that this is the end and not a cut, as far as it can be told without waiting.
void Connection::part() {
  if (!tls_) return;
  tls_->close();
  send();
}

// Writes all, waiting for a slow reader as long as it reads at all.
async::Task<bool> Connection::flush() {
  for (;;) {
    auto sent = send();
    if (sent != Outbox::Sent::blocked) co_return sent == Outbox::Sent::all;
    deadline_ = coarse_now() + core_->limits.body_stall.count();
    boost::system::error_code error;
    co_await socket_.async_wait(asio::posix::stream_descriptor::wait_write, asio::redirect_error(asio::use_awaitable, error));
    if (closed_ || std::exchange(expired_, false)) co_return false;
    deadline_ = kNever;
    if (error && error != asio::error::operation_aborted) co_return false;
  }
}

// Waits for more of a body and receives it. Throws BodyBroken.
async::Task<> Connection::read_on() {
  if (!outbox_.empty() && !co_await flush()) throw BodyBroken(0, "the client is gone");
  for (;;) {
    deadline_ = coarse_now() + core_->limits.body_stall.count();
    boost::system::error_code error;
    co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    deadline_ = kNever;
    if (closed_) throw BodyBroken(0, "the connection was closed");
    if (std::exchange(expired_, false) && error) throw BodyBroken(408, "the client stopped sending");
    if (error && error != asio::error::operation_aborted) throw BodyBroken(0, "the client is gone");
    const auto filled = fill();
    deadline_ = kNever;
    if (filled == Fill::ended) throw BodyBroken(0, "the client left before the end");
    if (filled == Fill::some) co_return;
  }
}

async::Task<bool> Connection::stream(std::shared_ptr<Connection> self, std::shared_ptr<BodySource> source, bool chunked) {
  for (;;) {
    if (!outbox_.empty()) lane_.flush_soon(core_, self);  // the source may think for a while
    std::string piece;
    bool failed = false;
    try {
      piece = co_await source->next();
    } catch (const std::exception& e) {
      failed = true;
      base::log_error("body source failed", {{"what", e.what()}});
    } catch (...) {
      failed = true;
      base::log_error("body source failed");
    }
    if (failed || closed_) co_return false;  // the missing end tells the client
    if (piece.empty()) {
      if (chunked) outbox_.add("0\r\n\r\n");
      co_return true;
    }
    if (chunked) {
      char size[16];
      auto end = std::to_chars(size, size + sizeof size, piece.size(), 16).ptr;
      outbox_.add({size, end});
      outbox_.add("\r\n");
    }
    outbox_.add_owned(std::move(piece));
    if (chunked) outbox_.add("\r\n");
    if (!co_await flush()) co_return false;
  }
}

// Writes what is gathered and ends the connection. With `linger`, what the peer still sends is read and thrown away for a
// while: closing at once would reset the connection, and the peer might lose our answer.
async::Task<> Connection::finish(bool linger) {
  if (!co_await flush()) co_return;
  if (tls_) {
    tls_->close();
    if (!co_await flush()) co_return;
  }
  if (!linger) co_return;
  ::shutdown(socket_.native_handle(), SHUT_WR);
  deadline_ = coarse_now() + kLingerMs;
  for (;;) {
    boost::system::error_code error;
    co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
    if (closed_ || expired_ || core_->draining) co_return;
    auto got = ::recv(socket_.native_handle(), lane_.scratch.data(), lane_.scratch.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) co_return;
  }
}

}  // namespace lambari::http
