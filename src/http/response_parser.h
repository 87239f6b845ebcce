// A response out of bytes: what the client reads with, callable without a socket.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "http/message.h"

namespace lambari::http {

// Reads one response, skipping interim (1xx) ones. Not thread-safe.
class ResponseParser {
 public:
  enum class State { reading, done, failed, too_large };

  // `head_only`: the answer to a HEAD request, which has no body whatever its header says.
  ResponseParser(std::size_t body_limit, bool head_only);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;

  // Returns how many bytes it has used; what is not used must come again at the front of the next call, with more behind it.
  std::size_t feed(std::string_view bytes);
  void feed_end();  // the peer closed: the end of a body that has no other, or a failure

  State state() const;
  bool keep_alive() const;  // once done: the connection may carry another request
  Response& response();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambari::http
