#include "http/client.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "http/link.h"
#include "http/response_parser.h"

namespace lambari::http {

namespace asio = boost::asio;
using Kind = ClientError::Kind;

namespace {

constexpr std::chrono::seconds kKeepIdle{50};  // less than what servers usually keep: an idle link is rarely a stale one
constexpr std::size_t kHosts = 512;            // with idle links, per loop

// Links that wait for their next request. Touched by one loop only.
class Pool {
 public:
  std::shared_ptr<Link> take(const std::string& key) {
    auto found = idle_.find(key);
    if (found == idle_.end()) return nullptr;
    auto old = Link::Clock::now() - kKeepIdle;
    std::shared_ptr<Link> taken;
    for (auto& links = found->second; !taken && !links.empty(); links.pop_back()) {
      if (links.back()->idle_since > old && links.back()->alive()) taken = std::move(links.back());
    }
    if (found->second.empty()) idle_.erase(found);
    return taken;
  }

  void give(const std::string& key, std::shared_ptr<Link> link, std::size_t at_most) {
    link->idle_since = Link::Clock::now();
    drop_old(link->idle_since);
    if (idle_.size() >= kHosts && !idle_.contains(key)) return;
    auto& links = idle_[key];
    if (links.size() >= at_most) links.erase(links.begin());  // the one idle for longest
    links.push_back(std::move(link));
  }

 private:
  void drop_old(Link::Clock::time_point now) {
    if (now < next_drop_) return;
    next_drop_ = now + std::chrono::seconds(5);
    for (auto each = idle_.begin(); each != idle_.end();) {
      std::erase_if(each->second, [&](const auto& link) { return link->idle_since < now - kKeepIdle; });
      each = each->second.empty() ? idle_.erase(each) : std::next(each);
    }
  }

  std::unordered_map<std::string, std::vector<std::shared_ptr<Link>>> idle_;
  Link::Clock::time_point next_drop_{};
};

bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" || method == "TRACE";
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != ':'; });
}

// Throws ClientError(protocol) when the request cannot be written as HTTP.
std::string make_head(const Request& request, const Destination& to) {
  auto bad = [](const char* what) { return ClientError(Kind::protocol, what); };
  if (!is_token(request.method)) throw bad("the method is malformed");
  if (request.target.empty() ||
      std::any_of(request.target.begin(), request.target.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7f; })) {
    throw bad("the target is malformed");
  }
  std::string head = request.method + ' ' + request.target + " HTTP/1.1\r\n";
  if (!request.headers.has("Host")) head += "Host: " + to.authority + "\r\n";
  for (const auto& [name, value] : request.headers) {
    if (base::iequals(name, "Content-Length") || base::iequals(name, "Transfer-Encoding")) continue;
    if (!is_token(name) || value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      throw bad("a header field is malformed");
    }
    head += name + ": " + value + "\r\n";
  }
  bool wants_length = !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (wants_length) head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  head += "\r\n";
  return head;
}

}  // namespace

struct Client::State {
  State(async::Loops& loops, ClientOptions options) : loops(loops), options(options), pools(loops.size()) {}

  // The index of the loop that runs us, or none.
  std::optional<unsigned> here() const {
    for (unsigned i = 0; i < loops.size(); ++i) {
      if (loops.context(i).get_executor().running_in_this_thread()) return i;
    }
    return std::nullopt;
  }

  // Reads the system's certificates the first time: not on a loop.
  void make_tls() {
    std::call_once(tls_once, [this] {
      auto made = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
      made->set_default_verify_paths();
      boost::system::error_code ignored;  // who they were for fails with a message of TLS
      if (!options.authorities.empty()) made->add_certificate_authority(asio::buffer(options.authorities), ignored);
      SSL_CTX_set_min_proto_version(made->native_handle(), TLS1_2_VERSION);
      tls = std::move(made);
      tls_made = true;
    });
  }

  async::Loops& loops;
  const ClientOptions options;
  std::vector<Pool> pools;  // one per loop
  std::once_flag tls_once;
  std::atomic<bool> tls_made{false};
  std::unique_ptr<asio::ssl::context> tls;
};

namespace {

// Sends and receives on an open link; `answered` says whether any byte came back.
async::Task<Response> exchange(std::shared_ptr<Link> link, const std::string& head, const Request& request, std::size_t limit,
                               bool* answered, bool* reusable) {
  // A server may refuse a body before it has read it: when sending fails, an answer may still be there.
  std::optional<ClientError> unsent;
  try {
    co_await link->write(head, request.body);
  } catch (const ClientError& error) {
    if (error.kind == Kind::timeout || !link->wrote()) throw;
    unsent = error;
  }
  ResponseParser parser(limit, request.method == "HEAD");
  auto buffer = std::make_unique<std::array<char, 16 * 1024>>();
  std::string kept;  // bytes the parser wants to see again
  for (;;) {
    std::size_t got = 0;
    try {
      got = co_await link->read(buffer->data(), buffer->size());
    } catch (const ClientError& error) {
      if (unsent && error.kind != Kind::timeout) throw *unsent;
      throw;
    }
    std::string_view window(buffer->data(), got);
    if (got == 0) {
      parser.feed_end();
    } else {
      *answered = true;
      if (!kept.empty()) window = kept.append(window);
      auto used = parser.feed(window);
      if (kept.empty()) {
        kept = window.substr(used);
      } else {
        kept.erase(0, used);
      }
    }
    switch (parser.state()) {
      case ResponseParser::State::reading: continue;
      case ResponseParser::State::failed:
        throw ClientError(Kind::protocol, got == 0 ? "the connection ended before the response did" : "malformed response");
      case ResponseParser::State::too_large: throw ClientError(Kind::too_large, "the response is too large");
      case ResponseParser::State::done: break;
    }
    *reusable = !unsent && got != 0 && kept.empty() && parser.keep_alive();
    co_return std::move(parser.response());
  }
}

template <class State>
async::Task<Response> send_here(std::shared_ptr<State> state, unsigned index, std::string url, Request request,
                                std::chrono::milliseconds timeout) {
  auto to = parse_destination(url);
  if (state->options.find && to.kind != Destination::Kind::unix_socket) to.found = state->options.find(to.host);
  auto head = make_head(request, to);
  auto total = timeout > std::chrono::milliseconds(0) ? timeout : state->options.total_timeout;
  auto deadline = Link::Clock::now() + std::min<std::chrono::milliseconds>(total, std::chrono::hours(24 * 365));
  auto& pool = state->pools[index];
  for (bool retry = false;; retry = true) {
    auto link = retry ? nullptr : pool.take(url);
    bool reused = link != nullptr;
    if (!link) {
      bool secure = to.kind == Destination::Kind::tls;
      if (secure && !state->tls_made) co_await state->loops.block([state] { state->make_tls(); });
      link = std::make_shared<Link>(state->loops.context(index));
      link->arm(std::min(deadline, Link::Clock::now() + state->options.connect_timeout));
      co_await link->connect(to, secure ? state->tls.get() : nullptr);
    }
    link->arm(deadline);
    bool answered = false, reusable = false;
    try {
      auto response = co_await exchange(link, head, request, state->options.response_bytes, &answered, &reusable);
      link->disarm();
      if (reusable) {
        auto share = std::max<std::size_t>(1, state->options.idle_per_host / state->pools.size());
        if (state->options.idle_per_host > 0) pool.give(url, std::move(link), share);
      }
      co_return response;
    } catch (const ClientError& error) {
      link->disarm();
      bool stale = reused && !answered && error.kind != Kind::timeout;
      if (!stale || (link->wrote() && !idempotent(request.method))) throw;
    }
  }
}

}  // namespace

Client::Client(async::Loops& loops, ClientOptions options) : state_(std::make_shared<State>(loops, options)) {}
Client::~Client() = default;

async::Task<Response> Client::send(const std::string& url, Request request, std::chrono::milliseconds timeout) {
  auto state = state_;
  if (auto index = state->here()) co_return co_await send_here(state, *index, url, std::move(request), timeout);
  // The caller runs on something that is not one of our loops: go there and come back.
  unsigned index = static_cast<unsigned>(std::hash<std::string>()(url) % state->pools.size());
  co_return co_await asio::co_spawn(state->loops.executor(index), send_here(state, index, url, std::move(request), timeout),
                                    asio::use_awaitable);
}

}  // namespace lambari::http
