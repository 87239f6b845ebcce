// What is to be written to one connection: short texts gathered in one string that is used again, long bodies where they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http/tls.h"

namespace lambari::http {

// How the end of a body is told.
enum class Framing { length, chunked, close, none };

struct HeadFacts {
  Framing framing = Framing::length;
  std::size_t length = 0;
  bool close = false;
  bool say_keep_alive = false;  // HTTP/1.0 wants it said
};

class Outbox {
 public:
  enum class Sent { all, blocked, broken };

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  void add(std::string_view text);
  // The head of a response, `date` being a whole Date line with its CRLF.
  void add_head(const Response& response, const HeadFacts& facts, std::string_view date);
  void add_owned(std::string bytes);  // not copied when long

  // One gathered write, or several, until all is written or the socket takes no more. Never blocks.
  Sent send(int fd, std::size_t& bytes_out);
  // The same through TLS.
  Sent send(TlsChannel& tls, int fd, std::size_t& bytes_out);

 private:
  // `bytes` go out after the first `at` bytes of text_.
  struct Insert {
    std::size_t at;
    std::string bytes;
  };
  void advance(std::size_t bytes);
  template <class Write>
  Sent send_with(Write write);

  std::string text_;
  std::vector<Insert> inserts_;
  std::size_t size_ = 0;
  std::size_t text_sent_ = 0, inserts_sent_ = 0, insert_offset_ = 0;
};

// Whether the handler asked for the end of the connection.
bool asks_close(const Headers& headers);

}  // namespace lambari::http
