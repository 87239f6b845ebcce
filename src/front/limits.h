// How large requests may be. The HTTP server asks before it reads a body; what it lets in has some slack over AWS's own limit, so
// that the answer can be AWS's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "wire/router.h"

namespace lambari::front {

// Bytes that a request for an AWS API may carry, by its method and path alone.
std::size_t api_body_limit(const http::Request& head);

// Throws RequestEntityTooLargeException (413) when the body is larger than AWS takes for this operation.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
void check_body_size(const wire::Match& match, std::size_t body_bytes);

}  // namespace lambari::front
