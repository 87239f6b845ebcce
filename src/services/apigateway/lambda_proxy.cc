#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "services/apigateway/event.h"
#include "services/apigateway/integrate.h"

namespace lambari::apigateway {
namespace {

namespace asio = boost::asio;

// Shared by the waiting request and the invocation, which may outlive it. Both run on one loop, so nothing is locked.
struct Pending {
  explicit Pending(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool done = false;
  std::exception_ptr failure;
  contracts::InvocationResult result;
};

// Nothing when `timeout` is over first. The invocation is not cancelled: on AWS the function runs on, too.
async::Task<std::optional<contracts::InvocationResult>> invoke_within(contracts::Invoker& invoker,
                                                                      contracts::Invocation invocation,
                                                                      std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  auto pending = std::make_shared<Pending>(executor);
  pending->timer.expires_after(timeout);
  asio::co_spawn(executor, invoker.invoke(std::move(invocation)),
                 [pending](std::exception_ptr failure, contracts::InvocationResult result) {
                   pending->done = true;
                   pending->failure = failure;
                   pending->result = std::move(result);
                   pending->timer.cancel();
                 });
  if (!pending->done) co_await pending->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!pending->done) co_return std::nullopt;
  if (pending->failure) std::rethrow_exception(pending->failure);
  co_return std::move(pending->result);
}

contracts::Principal caller_of(const Exchange& x, const CompiledIntegration& integration) {
  contracts::Principal caller;
  caller.account = x.api->scope.account;
  const auto name = integration.credentials_arn.rfind('/');
  if (integration.credentials_arn.empty() || name == std::string::npos) {
    caller.kind = contracts::Principal::Kind::service;
    caller.arn = "apigateway.amazonaws.com";
    return caller;
  }
  // The integration's role calls, with its own policies.
  caller.kind = contracts::Principal::Kind::assumed_role;
  caller.role_arn = integration.credentials_arn;
  caller.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/BackplaneAssumeRoleSession", caller.account,
                           integration.credentials_arn.substr(name + 1));
  return caller;
}

std::string error_message_of(std::string_view payload) {
  const auto document = base::parse_json(payload);
  const auto* object = document ? document->if_object() : nullptr;
  const auto* message = object ? object->if_contains("errorMessage") : nullptr;
  const auto* text = message ? message->if_string() : nullptr;
  return text ? std::string(*text) : std::string(payload.substr(0, 1024));
}

http::Response refused(Exchange& x, const contracts::InvocationResult::Refusal& refusal) {
  x.integration_status = refusal.status;
  x.integration_error = refusal.message;
  if (refusal.code == "TooManyRequestsException") return gateway_error(x, 503, "Service Unavailable", "INTEGRATION_FAILURE");
  if (refusal.code == "AccessDeniedException")
    x.integration_error =
        "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. Check the "
        "permissions and try again.";
  return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
}

}  // namespace

async::Task<http::Response> call_function(Exchange& x, const CompiledIntegration& integration, contracts::Invoker& invoker) {
  if (integration.function_arn.empty()) {
    x.integration_error = "The integration's URI is not the ARN of a function";
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  contracts::Invocation invocation;
  invocation.function = integration.function_arn;
  invocation.payload = integration.payload_v1 ? event_v1(x) : event_v2(x);
  invocation.caller = caller_of(x, integration);
  invocation.source_arn = x.route->is_default
                              ? fmt::format("{}/{}/$default", x.api->execute_arn, x.stage->name)
                              : fmt::format("{}/{}/{}{}", x.api->execute_arn, x.stage->name, x.request.method, x.route->path);
  invocation.trace_header = std::string(x.request.headers.get("x-amzn-trace-id"));

  std::optional<contracts::InvocationResult> result;
  try {
    result = co_await invoke_within(invoker, std::move(invocation), integration.timeout);
  } catch (const std::exception& failure) {
    base::log_error("integration failed", {{"api", x.api->id}, {"why", failure.what()}});
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  if (!result) {
    x.integration_error = "Integration request timed out";
    co_return gateway_error(x, 503, "Service Unavailable", "INTEGRATION_TIMEOUT");
  }
  x.integration_request_id = result->request_id;
  if (result->refusal) co_return refused(x, *result->refusal);
  x.integration_status = 200;
  if (!result->function_error.empty()) {
    x.integration_error =
        fmt::format("The Lambda function returned the following error: {}. Check your Lambda function code and try again.",
                    error_message_of(result->payload));
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  auto response = integration.payload_v1 ? wire::response_v1(result->payload) : wire::response_v2(std::move(result->payload));
  if (!response) {
    x.integration_error = "The response from the Lambda function doesn't match the format that API Gateway expects.";
    co_return gateway_error(x, 500, "Internal Server Error", "INTEGRATION_FAILURE");
  }
  x.backend_status = response->status;
  co_return std::move(*response);
}

}  // namespace lambari::apigateway
