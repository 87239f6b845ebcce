// The answer of a function URL with InvokeMode RESPONSE_STREAM, passed on while the function makes it. A head, if the function
// sends one, is a JSON object and eight NUL bytes before the body.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "services/lambda/streaming.h"

namespace lambari::lambda {

inline constexpr std::string_view kHttpIntegration = "application/vnd.awslambda.http-integration-response";
inline constexpr std::size_t kMaxHead = 64 * 1024;

// Status, headers and cookies of a head; nothing when it is none. Pure.
std::optional<http::Response> read_head(std::string_view json);

// After answer->begun(). Nothing when the function failed before it began, or its head is none.
async::Task<std::optional<http::Response>> streamed_response(std::shared_ptr<StreamedAnswer> answer);

}  // namespace lambari::lambda
