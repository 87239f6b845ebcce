// Requests out of bytes: what the server reads with, callable without a socket. RFC 9112, and strict where leniency lets two
// parsers disagree about where a request ends: no obs-fold, no bare LF, no Content-Length beside Transfer-Encoding, no
// coding but chunked, one Host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace lambari::http {

// One parser reads the requests of one connection, one after another. Not thread-safe.
class RequestParser {
 public:
  enum class State {
    idle,    // no byte of a request yet
    head,    // inside the head
    ready,   // the head is whole and a body follows: accept_body() or give up
    body,    // inside the body
    done,    // take() the request
    failed,  // answer with status() and close
  };

  RequestParser(std::size_t header_bytes, std::size_t header_fields);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;

  // Reads on and returns how many bytes it has used; stops in ready, done and failed. What is not used must come again at
  // the front of the next call, with more behind it.
  std::size_t feed(std::string_view bytes);

  State state() const;
  int status() const;

  // From ready on.
  Request& request();
  bool keep_alive() const;  // what the client asked for
  bool http_1_0() const;
  bool expects_continue() const;  // Expect: 100-continue
  std::optional<std::uint64_t> content_length() const;

  // Goes on to the body, which may have this many bytes after decoding; more is failure 413.
  void accept_body(std::size_t limit);

  // In body: the head of the request alone, and then again and again what of the body has come since.
  Request take_head();
  std::string take_body();
  const Headers& trailers() const;  // of a chunked body, once done

  // Gives the request away and is idle again.
  Request take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lambari::http
