#include <cmath>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "wire/http_event.h"

namespace lambari::wire {
namespace {

namespace json = base::json;

constexpr std::size_t kDepth = 256;

// A field that would break the message, or that is the server's own business, does not go out.
bool may_send(std::string_view name, std::string_view value) {
  if (name.empty()) return false;
  for (unsigned char c : name)
    if (c <= ' ' || c == ':' || c >= 0x7f) return false;
  for (unsigned char c : value)
    if (c == '\r' || c == '\n' || c == '\0') return false;
  for (std::string_view own :
       {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te", "date"})
    if (base::iequals(name, own)) return false;
  return true;
}

std::optional<std::string> scalar(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  if (value.is_number() || value.is_bool()) return base::to_json(value);
  return {};
}

bool is_absent(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return !value || value->is_null();
}

std::optional<int> status_of(const json::value& value) {
  long long status = 0;
  if (value.is_int64())
    status = value.get_int64();
  else if (value.is_double() && value.get_double() == std::floor(value.get_double()) && std::abs(value.get_double()) < 1e6)
    status = static_cast<long long>(value.get_double());
  else if (const auto* text = value.if_string())
    status = base::parse_int(std::string_view(text->data(), text->size())).value_or(0);
  if (status < 100 || status > 599) return {};
  return static_cast<int>(status);
}

bool add_headers(http::Response& response, const json::object& answer) {
  if (is_absent(answer, "headers")) return true;
  const auto* headers = answer.at("headers").if_object();
  if (!headers) return false;
  for (const auto& field : *headers) {
    if (field.value().is_null()) continue;
    auto value = scalar(field.value());
    if (!value) return false;
    if (may_send(field.key(), *value)) response.headers.add(base::lower(field.key()), std::move(*value));
  }
  return true;
}

bool add_multi_value_headers(http::Response& response, const json::object& answer) {
  if (is_absent(answer, "multiValueHeaders")) return true;
  const auto* headers = answer.at("multiValueHeaders").if_object();
  if (!headers) return false;
  for (const auto& field : *headers) {
    const auto* list = field.value().if_array();
    if (!list) return false;
    response.headers.remove(field.key());  // the multi-value form wins
    for (const auto& item : *list) {
      auto value = scalar(item);
      if (!value) return false;
      if (may_send(field.key(), *value)) response.headers.add(base::lower(field.key()), std::move(*value));
    }
  }
  return true;
}

bool add_cookies(http::Response& response, const json::object& answer) {
  if (is_absent(answer, "cookies")) return true;
  const auto* cookies = answer.at("cookies").if_array();
  if (!cookies) return false;
  for (const auto& cookie : *cookies) {
    auto value = scalar(cookie);
    if (!value) return false;
    if (may_send("set-cookie", *value)) response.headers.add("set-cookie", std::move(*value));
  }
  return true;
}

bool add_body(http::Response& response, const json::object& answer) {
  bool encoded = false;
  if (!is_absent(answer, "isBase64Encoded")) {
    const auto* flag = answer.at("isBase64Encoded").if_bool();
    if (!flag) return false;
    encoded = *flag;
  }
  if (is_absent(answer, "body")) return true;
  const auto* body = answer.at("body").if_string();
  if (!body) return false;
  if (!encoded) {
    response.body.assign(body->data(), body->size());
    return true;
  }
  auto bytes = base::unbase64(std::string_view(body->data(), body->size()));
  if (!bytes) return false;
  response.body = std::move(*bytes);
  return true;
}

void default_content_type(http::Response& response, std::string_view type = kPlainText) {
  if (!response.headers.has("content-type")) response.headers.add("content-type", std::string(type));
}

}  // namespace

std::optional<http::Response> response_v1(std::string_view payload) {
  const auto document = base::parse_json(payload, kDepth);
  const auto* answer = document ? document->if_object() : nullptr;
  if (!answer || is_absent(*answer, "statusCode")) return {};
  const auto status = status_of(answer->at("statusCode"));
  if (!status) return {};
  http::Response response;
  response.status = *status;
  if (!add_headers(response, *answer) || !add_multi_value_headers(response, *answer) || !add_body(response, *answer)) return {};
  default_content_type(response);
  return response;
}

std::optional<http::Response> response_v2(std::string payload, std::string_view default_type) {
  const auto document = base::parse_json(payload, kDepth);
  if (!document) return {};
  http::Response response;
  const auto* answer = document->if_object();
  if (!answer || is_absent(*answer, "statusCode")) {
    response.headers.add("content-type", "application/json");
    if (const auto* text = document->if_string())
      response.body.assign(text->data(), text->size());
    else
      response.body = std::move(payload);
    return response;
  }
  const auto status = status_of(answer->at("statusCode"));
  if (!status) return {};
  response.status = *status;
  if (!add_headers(response, *answer) || !add_cookies(response, *answer) || !add_body(response, *answer)) return {};
  default_content_type(response, default_type);
  return response;
}

}  // namespace lambari::wire
