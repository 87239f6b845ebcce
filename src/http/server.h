// The HTTP/1.1 server. RFC 9110 and 9112: keep-alive, pipelining (answers in order), chunked, Expect: 100-continue, HEAD.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/loops.h"
#include "async/task.h"
#include "http/message.h"

namespace lambari::http {

class ServerTls;  // tls.h

// All are enforced before the handler sees the request. 431, 413, 408 and 503 are answered here.
struct Limits {
  std::size_t header_bytes = 64 * 1024;
  std::size_t header_fields = 200;
  std::size_t body_bytes = 8 * 1024 * 1024;       // unless choose_body says otherwise
  std::chrono::milliseconds header_time{10'000};  // from the first byte of a request to the end of its header
  std::chrono::milliseconds body_stall{20'000};   // longest pause inside a body or a response write
  std::chrono::milliseconds idle{75'000};         // keep-alive without a request
  std::size_t connections = 10'000;               // of all listeners; more are answered 503 and closed
  // What whoever is behind one name of adopted listeners may have of the above, and of memory for whole bodies and answers, is an
  // eighth of what nobody uses, so that no number of greedy ones leaves others nothing; and this much in any case. More: 503.
  std::size_t bytes = 1 << 30;
  std::size_t least_connections = 16, least_bytes = 16 * 1024 * 1024;
};

// As many connections as leave descriptors of this process to others: an eighth of them, Limits::connections at most.
std::size_t modest_connections();

// Called on a loop thread. It may run for a long time; the connection reads ahead at most a buffer meanwhile.
// An exception that leaves it is logged and answered 500 without detail.
using Handler = std::function<async::Task<Response>(Request)>;

// How the body of a request is taken, decided by its head: how large it may be, and whether the handler begins before it is
// whole (Request::stream). A pause of the client inside a body that is streamed ends it after Limits::body_stall too.
struct BodyPolicy {
  BodyPolicy(std::size_t limit, bool stream = false) : limit(limit), stream(stream) {}
  std::size_t limit;
  bool stream;
};
using ChooseBody = std::function<BodyPolicy(const Request& head)>;

// Whether the server stands in for a host that a client asks its proxy for (CONNECT, RFC 9110 9.3.6), or leads there.
struct Onward {
  enum class Way {
    serve,   // what follows is for this server, with TLS or without
    tunnel,  // bytes are passed on, unread
    refuse,  // 403 with `reason`
  } way = Way::refuse;
  std::string reason;
};
using Proxy = std::function<Onward(const std::string& host, std::uint16_t port)>;

struct ServerCounters {  // since start; for metrics
  std::uint64_t accepted = 0, refused = 0, requests = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t handshakes = 0, handshakes_failed = 0;  // of TLS; a failed one is often a client that does not know the authority
  std::uint64_t open = 0;
};

class Server {
 public:
  // `loops` outlives the server. `choose_body` is optional; it is not asked about requests without a body.
  Server(async::Loops& loops, Handler handler, Limits limits = {}, ChooseBody choose_body = {});
  // Closes everything at once; no handler begins after this. Handlers that run are not waited for: drain first, or stop the
  // loops before what handlers refer to goes.
  ~Server();
  Server(const Server&) = delete;

  // A connection that begins with a TLS handshake is served over TLS on the same port; its requests are `secure`. Call it before
  // the first listener is there.
  void speak_tls(std::shared_ptr<const ServerTls> tls);

  // Answers CONNECT; without it that is a request like any other. Call it before the first listener is there.
  void be_proxy(Proxy proxy);

  // Binds and listens; port 0 picks one. Returns the port. Throws std::system_error when the address is taken.
  // "unix:/path" listens there (the port is 0); a socket that a dead process left is replaced, and the file goes when closed.
  std::uint16_t listen(const std::string& address, std::uint16_t port);
  // Serves a socket that already listens, whatever network namespace it was made in. Takes ownership of `fd`.
  // Requests carry `listener` as their name. Closed with close_listener (its connections too). Lives on the loop that calls.
  void adopt(int fd, std::string listener);
  void close_listener(const std::string& listener);

  // Stops accepting, closes idle connections, lets running requests finish for at most `grace`, then closes all.
  async::Task<> drain(std::chrono::milliseconds grace);

  ServerCounters counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::http
