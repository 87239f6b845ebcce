// Calling what stands behind a route.
#pragma once

#include "async/task.h"
#include "contracts/invoker.h"
#include "http/client.h"
#include "services/apigateway/exchange.h"

namespace lambari::apigateway {

// {"message":"..."} with a status: what the gateway itself answers. Notes it on the exchange for the access log.
http::Response gateway_error(Exchange& exchange, int status, std::string_view message, std::string_view type);

// AWS_PROXY: the function's answer as a response, or the gateway's error. The function keeps running after the integration's
// timeout.
async::Task<http::Response> call_function(Exchange& exchange, const CompiledIntegration& integration,
                                          contracts::Invoker& invoker);

// HTTP_PROXY: the backend's answer, or the gateway's error.
async::Task<http::Response> call_backend(Exchange& exchange, const CompiledIntegration& integration, http::Client& client);

// The request target a backend gets: the integration's path with the route's variables filled in, or the whole path on $default.
std::string backend_target(const Exchange& exchange, const CompiledIntegration& integration);

}  // namespace lambari::apigateway
