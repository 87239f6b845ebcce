// HTTP messages as plain values; nothing here does I/O or knows AWS.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

struct Request {
  std::string method = "GET";
  std::string target = "/";  // as received: path and query, not decoded; absolute-form and authority-form are reduced
  Headers headers;
  std::string body;  // after transfer decoding
  std::string remote_address;
  std::uint16_t remote_port = 0;
  std::uint16_t local_port = 0;
  bool secure = false;  // came over TLS
  // Set by the listener it came through, e.g. the environment whose Runtime API this is. Empty on the public listener.
  std::string listener;

  std::string_view path() const;   // the part before '?', not decoded
  std::string_view query() const;  // the part after '?', not decoded; empty when none
  std::string_view host() const;   // Host without port, as sent
};

// A body that is made while it is sent. next() gives the next piece; an empty piece ends it. Sent chunked.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual async::Task<std::string> next() = 0;
};

struct Response {
  int status = 200;
  // Content-Length, Date, Connection and Transfer-Encoding are the server's business, with two exceptions: the answer to a
  // HEAD may carry the Content-Length that a GET would have, and "Connection: close" ends the connection after this answer.
  // A field whose name or value could break the message (CR, LF, NUL) is left out.
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> stream;  // when set, instead of body
};

std::string_view reason(int status);

}  // namespace lambari::http
