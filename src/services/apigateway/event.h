// The event a Lambda integration receives, and what its answer means.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"
#include "services/apigateway/exchange.h"

namespace lambari::apigateway {

std::string event_v1(const Exchange& exchange);
std::string event_v2(const Exchange& exchange);

// Nothing when the function's answer is not of the format: the caller then gets 500.
std::optional<http::Response> response_v1(std::string_view payload);
std::optional<http::Response> response_v2(std::string payload);

// Text goes into an event as it is, everything else as base64: the content type decides, and bytes that are not UTF-8 never are
// text.
bool is_text_body(const http::Headers& headers, std::string_view body);

// ---- what both formats share ----

class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view name, std::string_view value);
  void raw(std::string_view name, std::string_view json);
  void key(std::string_view name);  // the value follows by hand
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

// Lower-cased names in order, each with its values in the order received.
using MultiMap = std::vector<std::pair<std::string, std::vector<std::string>>>;
MultiMap grouped_headers(const http::Headers& headers);
MultiMap grouped_query(std::string_view query);
void append_path_parameters(JsonObject& object, const Exchange& exchange, bool null_when_none, std::string& out);
void append_body(JsonObject& object, const Exchange& exchange, bool null_when_none);

}  // namespace lambari::apigateway
