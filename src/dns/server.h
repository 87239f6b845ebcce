// A DNS server over sockets it is given, UDP and TCP (RFC 1035, RFC 7766). It takes queries in and sends answers out; what is
// answered is said by a function, which may know it, or ask elsewhere. Malformed queries are told so here.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/loops.h"
#include "async/task.h"

namespace lambari::dns {

// Gives the answer to `query`, both whole messages. `listener` is the name of the socket's. Empty: none is sent, and the asker
// asks again. One that is too large for UDP is cut by the server. Called on loop threads.
using Resolve = std::function<async::Task<std::string>(std::string listener, std::string query)>;

class Server {
 public:
  // Of one listener. More are dropped, as a busy network would.
  static constexpr int kQueriesAtOnce = 64;
  static constexpr int kConnections = 8;

  // `loops` outlives it.
  Server(async::Loops& loops, Resolve resolve);
  ~Server();  // closes all
  Server(const Server&) = delete;

  // Serves a bound UDP socket and a listening TCP one, whatever network namespace they are in; -1 leaves one out. Takes
  // ownership.
  void adopt(int udp, int tcp, std::string listener);
  void close_listener(const std::string& listener);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::dns
