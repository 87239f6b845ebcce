// HTTP messages as plain values; nothing here does I/O or knows AWS.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"

namespace lambari::http {

// Header fields in the order received; names compare without case and keep their spelling.
class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
    bool operator==(const Field&) const = default;
  };

  // The first value, or nothing.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name, std::string_view otherwise = {}) const;
  std::vector<std::string_view> all(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }

  void reserve(std::size_t fields) { fields_.reserve(fields); }
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);  // replaces every field of that name
  void remove(std::string_view name);

  std::size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

// A body in pieces, made while it is sent or read while it comes. next() gives the next piece; an empty piece ends it.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual async::Task<std::string> next() = 0;
  // The fields behind a chunked request body, once next() has given its end. What a response sends has none.
  virtual const Headers& trailers() const;
};

// The body of a request did not come to its end: `status` says how it is refused (400, 408, 413), 0 that the client is gone.
struct BodyBroken : std::runtime_error {
  BodyBroken(int status, const char* what) : std::runtime_error(what), status(status) {}
  int status;
};

struct Request {
  std::string method = "GET";
  std::string target = "/";  // as received: path and query, not decoded; absolute-form and authority-form are reduced
  Headers headers;
  std::string body;  // after transfer decoding
  // Set instead of `body` where the server was told to stream. Its next() waits for the client and throws BodyBroken; it is
  // called on the handler's own loop, one call at a time, and is of no use once the handler has returned.
  std::shared_ptr<BodySource> stream;
  std::string remote_address;
  std::uint16_t remote_port = 0;
  std::uint16_t local_port = 0;
  bool secure = false;    // came over TLS
  bool absolute = false;  // the target was in absolute form: the client may take this server for its proxy
  // Set by the listener it came through, e.g. the environment whose Runtime API this is. Empty on the public listener.
  std::string listener;

  std::string_view path() const;   // the part before '?', not decoded
  std::string_view query() const;  // the part after '?', not decoded; empty when none
  std::string_view host() const;   // Host without port, as sent
};

struct Response {
  int status = 200;
  // Content-Length, Date, Connection and Transfer-Encoding are the server's business, with two exceptions: the answer to a
  // HEAD may carry the Content-Length that a GET would have, and "Connection: close" ends the connection after this answer.
  // A field whose name or value could break the message (CR, LF, NUL) is left out.
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> stream;  // when set, instead of body; sent chunked, each piece as soon as the client takes it
};

std::string_view reason(int status);

}  // namespace lambari::http
