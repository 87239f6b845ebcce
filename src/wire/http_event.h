// An HTTP request as the event of a function, and a function's answer as an HTTP response: payload format 2.0 whole, and what
// format 1.0 shares with it. HTTP APIs and function URLs both speak it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/message.h"

namespace lambari::wire {

// Writes an object straight into a string: events are made on the hot path, without a document in between.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view name, std::string_view value);
  void raw(std::string_view name, std::string_view json);
  void key(std::string_view name);  // the value follows by hand
  void end() { out_ += '}'; }
  std::string& out() { return out_; }

 private:
  std::string& out_;
  bool first_ = true;
};

// Lower-cased names in order, each with its values in the order received.
using MultiMap = std::vector<std::pair<std::string, std::vector<std::string>>>;
MultiMap grouped_headers(const http::Headers& headers);
MultiMap grouped_query(std::string_view query);

// Text goes into an event as it is, everything else as base64: the content type decides, and bytes that are not UTF-8 never are
// text.
bool is_text_body(const http::Headers& headers, std::string_view body);
// "body" and "isBase64Encoded".
void append_body(JsonObject& object, const http::Headers& headers, std::string_view body, bool null_when_none);

// Removes the fields that belong to one connection only (RFC 9110, 7.6.1), and those that Connection names.
void remove_hop_by_hop(http::Headers& headers);
// Hop-by-hop fields go, X-Forwarded-*, Content-Length and X-Amzn-Trace-Id come: a request as integrations see it.
void forward_headers(http::Request& request, base::Timestamp now);

// Quick and good enough for names; not for secrets.
std::uint64_t quick_random();

// "12/Mar/2020:19:03:58 +0000"
std::string clf_time(base::Timestamp time);

// What format 2.0 tells beside the request's own method, headers, body and remote address.
struct HttpCall {
  const http::Request& request;
  std::string_view route_key, stage;
  std::string_view path;   // decoded
  std::string_view query;  // not decoded
  std::string_view account, api_id, domain_name, domain_prefix, protocol, request_id;
  base::Timestamp time;
};
// `in_context` adds members to requestContext, `beside` to the event before its body.
std::string event_v2(const HttpCall& call, const std::function<void(JsonObject&)>& in_context,
                     const std::function<void(JsonObject&)>& beside);

// Nothing when the function's answer is not of the format: the caller then gets an error.
std::optional<http::Response> response_v1(std::string_view payload);
// An answer without statusCode is the body of a 200, and is application/json; a JSON string is then sent without its quotes. One
// with statusCode that names no content type has the default one.
inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
std::optional<http::Response> response_v2(std::string payload, std::string_view default_type = kPlainText);

}  // namespace lambari::wire
