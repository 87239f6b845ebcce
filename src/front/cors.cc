#include "front/cors.h"

#include "front/names.h"

namespace lambari::front {

std::optional<http::Response> preflight(const http::Request& request) {
  if (request.method != "OPTIONS") return std::nullopt;
  auto origin = request.headers.find("Origin");
  auto method = request.headers.find("Access-Control-Request-Method");
  if (!origin || !method) return std::nullopt;
  http::Response response;
  if (!is_local_origin(*origin)) {
    response.status = 403;
    return response;
  }
  response.status = 204;
  allow_origin(*origin, response);
  response.headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  // Whatever the SDK wants to send: every call is signed, so its headers prove themselves.
  if (auto wanted = request.headers.find("Access-Control-Request-Headers"))
    response.headers.set("Access-Control-Allow-Headers", std::string(*wanted));
  response.headers.set("Access-Control-Max-Age", "600");
  return response;
}

void allow_origin(std::string_view origin, http::Response& response) {
  if (origin.empty() || !is_local_origin(origin)) return;
  response.headers.set("Access-Control-Allow-Origin", std::string(origin));
  response.headers.set("Access-Control-Expose-Headers", "*");
  response.headers.add("Vary", "Origin");
}

}  // namespace lambari::front
