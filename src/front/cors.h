// Browsers that call AWS APIs: the SDK in a page served from this machine. https://fetch.spec.whatwg.org/#http-cors-protocol
#pragma once

#include <optional>

#include "http/message.h"

namespace lambari::front {

// The answer to a preflight; nothing when `request` is not one. Only pages of local origins are let in.
std::optional<http::Response> preflight(const http::Request& request);

// Lets the page that made the request read the response, when its origin is local.
void allow_origin(std::string_view origin, http::Response& response);

}  // namespace lambari::front
