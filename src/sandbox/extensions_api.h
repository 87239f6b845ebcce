// The Extensions API 2020-01-01, and subscriptions to telemetry (2022-07-01) and logs (2020-08-15).
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
#pragma once

#include <memory>

#include "http/message.h"
#include "sandbox/exchange.h"

namespace lambari::sandbox {

bool is_extension_request(const http::Request& request);
async::Task<http::Response> answer_extension(std::shared_ptr<Exchange> exchange, http::Request request);

}  // namespace lambari::sandbox
