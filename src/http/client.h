// An HTTP/1.1 client with keep-alive pools. https verifies the peer against the system's certificates.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "async/loops.h"
#include "async/task.h"
#include "http/message.h"

namespace lambari::http {

struct Place {
  std::string address;  // IPv4 or IPv6
  std::uint16_t port = 0;
};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds total_timeout{30'000};
  std::size_t response_bytes = 16 * 1024 * 1024;
  std::size_t idle_per_host = 64;  // kept open; each loop keeps its share
  std::string authorities;         // PEM: trusted beside the system's
  // Hosts that are to be found elsewhere; they keep their name (Host, SNI, certificate). A port of 0: where they are.
  std::function<Place(const std::string& host)> find = {};
};

// The peer could not be reached, broke the protocol, or took too long.
struct ClientError : std::runtime_error {
  enum class Kind { resolve, connect, tls, timeout, protocol, too_large };
  ClientError(Kind kind, const std::string& what) : std::runtime_error(what), kind(kind) {}
  Kind kind;
};

// Thread-safe; `loops` outlives it. Redirects are not followed. A request that failed before its first byte was sent on a
// reused connection is tried once more on a new one; so is one of an idempotent method (RFC 9110 9.2.2) when the reused
// connection ended without a byte of an answer. Names under localhost are this machine, whatever the resolver thinks (RFC 6761).
class Client {
 public:
  explicit Client(async::Loops& loops, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;

  // `url` is scheme://host[:port] (http, https) or unix:/path; the request's target and headers go as they are (Host is added
  // when missing; Content-Length and Transfer-Encoding are made anew from the body). Interim (1xx) answers are skipped.
  // `timeout` replaces total_timeout when not zero. Throws ClientError.
  async::Task<Response> send(const std::string& url, Request request, std::chrono::milliseconds timeout = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::http
