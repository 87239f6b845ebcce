// CORS as an HTTP API or a function URL answers it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace lambari::wire {

struct Cors {
  bool allow_credentials = false;
  std::vector<std::string> allow_headers, allow_methods, allow_origins, expose_headers;
  std::optional<std::int32_t> max_age;
  bool operator==(const Cors&) const = default;
};

class CompiledCors {
 public:
  CompiledCors() = default;
  explicit CompiledCors(const Cors& cors);

  // OPTIONS with Origin and Access-Control-Request-Method: the gateway answers it, whatever routes there are.
  static bool is_preflight(const http::Request& request);

  // The Access-Control-Allow-Origin that `origin` gets; empty when it is not allowed.
  std::string_view allow_origin(std::string_view origin) const;

  // 204. An origin, method or header that is not allowed gets no CORS headers, so the browser refuses it.
  http::Response preflight(const http::Request& request) const;
  // Replaces what the integration said of CORS. `origin` is empty when the request had none.
  void decorate(std::string_view origin, http::Response& response) const;

 private:
  bool allows_method(std::string_view method) const;
  bool allows_headers(std::string_view requested) const;

  bool any_origin_ = false, any_method_ = false, any_header_ = false, credentials_ = false;
  std::vector<std::string> origins_, schemes_;  // schemes_: "https://" of "https://*"
  std::vector<std::string> methods_, headers_;
  std::string methods_line_, headers_line_, expose_line_, max_age_;
};

}  // namespace lambari::wire
