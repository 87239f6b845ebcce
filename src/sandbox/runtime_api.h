// The Runtime API, version 2018-06-01: what runtime interface clients speak.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/loops.h"
#include "http/server.h"
#include "sandbox/exchange.h"

namespace lambari::sandbox {

using FindExchange = std::function<std::shared_ptr<Exchange>(const std::string& listener)>;

// A request of the runtime whose listener the request names.
async::Task<http::Response> answer_runtime(std::shared_ptr<Exchange> exchange, http::Request request);

// Serves every environment's Runtime API; `find` is called from any loop.
std::unique_ptr<http::Server> make_runtime_server(async::Loops& loops, FindExchange find);

}  // namespace lambari::sandbox
