#include "wire/cors.h"

#include <algorithm>

#include "base/text.h"

namespace lambari::wire {
namespace {

std::string join(const std::vector<std::string>& list) {
  std::string line;
  for (const auto& item : list) {
    if (!line.empty()) line += ',';
    line += item;
  }
  return line;
}

bool starts_with_access_control(std::string_view name) {
  constexpr std::string_view kPrefix = "access-control-";
  return name.size() > kPrefix.size() && base::iequals(name.substr(0, kPrefix.size()), kPrefix);
}

}  // namespace

CompiledCors::CompiledCors(const Cors& cors) : credentials_(cors.allow_credentials) {
  for (const auto& origin : cors.allow_origins) {
    if (origin == "*")
      any_origin_ = true;
    else if (origin.ends_with("://*"))
      schemes_.push_back(base::lower(origin.substr(0, origin.size() - 1)));
    else
      origins_.push_back(base::lower(origin));
  }
  methods_ = cors.allow_methods;
  any_method_ = std::find(methods_.begin(), methods_.end(), "*") != methods_.end();
  for (const auto& header : cors.allow_headers) headers_.push_back(base::lower(header));
  any_header_ = std::find(headers_.begin(), headers_.end(), "*") != headers_.end();
  methods_line_ = join(methods_);
  headers_line_ = join(headers_);
  std::vector<std::string> expose;
  for (const auto& header : cors.expose_headers) expose.push_back(base::lower(header));
  expose_line_ = join(expose);
  if (cors.max_age) max_age_ = std::to_string(*cors.max_age);
}

bool CompiledCors::is_preflight(const http::Request& request) {
  return request.method == "OPTIONS" && request.headers.has("origin") && request.headers.has("access-control-request-method");
}

std::string_view CompiledCors::allow_origin(std::string_view origin) const {
  if (origin.empty()) return {};
  if (any_origin_) return "*";
  for (const auto& allowed : origins_)
    if (base::iequals(allowed, origin)) return origin;
  for (const auto& scheme : schemes_)
    if (origin.size() > scheme.size() && base::iequals(origin.substr(0, scheme.size()), scheme)) return origin;
  return {};
}

bool CompiledCors::allows_method(std::string_view method) const {
  return any_method_ || std::find(methods_.begin(), methods_.end(), method) != methods_.end();
}

bool CompiledCors::allows_headers(std::string_view requested) const {
  if (any_header_) return true;
  while (!requested.empty()) {
    const auto [name, rest] = base::cut(requested, ',');
    requested = rest;
    const std::string_view trimmed = base::trim(name);
    if (!trimmed.empty() && std::none_of(headers_.begin(), headers_.end(),
                                         [&](const std::string& allowed) { return base::iequals(allowed, trimmed); }))
      return false;
  }
  return true;
}

http::Response CompiledCors::preflight(const http::Request& request) const {
  http::Response response;
  response.status = 204;
  const std::string_view allowed = allow_origin(request.headers.get("origin"));
  if (allowed.empty() || !allows_method(request.headers.get("access-control-request-method")) ||
      !allows_headers(request.headers.get("access-control-request-headers")))
    return response;
  response.headers.add("access-control-allow-origin", std::string(allowed));
  if (!methods_line_.empty()) response.headers.add("access-control-allow-methods", methods_line_);
  if (!headers_line_.empty()) response.headers.add("access-control-allow-headers", headers_line_);
  if (!max_age_.empty()) response.headers.add("access-control-max-age", max_age_);
  if (credentials_) response.headers.add("access-control-allow-credentials", "true");
  return response;
}

void CompiledCors::decorate(std::string_view origin, http::Response& response) const {
  for (bool again = true; again;) {
    again = false;
    for (const auto& field : response.headers)
      if (starts_with_access_control(field.name)) {
        response.headers.remove(std::string(field.name));
        again = true;
        break;
      }
  }
  const std::string_view allowed = allow_origin(origin);
  if (allowed.empty()) return;
  response.headers.add("access-control-allow-origin", std::string(allowed));
  if (!expose_line_.empty()) response.headers.add("access-control-expose-headers", expose_line_);
  if (credentials_) response.headers.add("access-control-allow-credentials", "true");
}

}  // namespace lambari::wire
