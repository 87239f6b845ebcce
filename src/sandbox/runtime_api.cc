#include "sandbox/runtime_api.h"

#include "base/bytes.h"
#include "base/text.h"
#include "sandbox/extensions_api.h"

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";
constexpr std::size_t kMaxBody = 32 * 1024 * 1024;  // beyond it a body is refused unread
constexpr std::string_view kErrorType = "Lambda-Runtime-Function-Error-Type";
constexpr std::string_view kErrorBody = "Lambda-Runtime-Function-Error-Body";
constexpr std::string_view kResponseMode = "Lambda-Runtime-Function-Response-Mode";

http::Response json(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response fault(int status, std::string_view type, std::string_view message) {
  return json(status, fmt::format(R"({{"errorMessage":"{}","errorType":"{}"}})", message, type));
}

http::Response wrong_state(std::string_view from, std::string_view to) {
  return fault(403, "InvalidStateTransition",
               fmt::format("Transition from {} to {} failed for runtime. Error: State transition is not allowed", from, to));
}

http::Response accepted() { return json(202, R"({"status":"OK"})"); }

http::Response hand_over(Invocation invocation) {
  // The runtime compares it with the machine's clock, which lambari's own clock may be ahead of.
  const auto deadline = std::chrono::system_clock::now() + invocation.timeout;
  http::Response response;
  response.headers.reserve(8);
  auto add = [&](const char* name, std::string value) {
    if (!value.empty()) response.headers.add(name, std::move(value));
  };
  add("Content-Type", "application/json");
  add("Lambda-Runtime-Aws-Request-Id", std::move(invocation.request_id));
  add("Lambda-Runtime-Deadline-Ms",
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time_since_epoch()).count()));
  add("Lambda-Runtime-Invoked-Function-Arn", std::move(invocation.function_arn));
  add("Lambda-Runtime-Trace-Id", std::move(invocation.trace_header));
  add("Lambda-Runtime-Client-Context", std::move(invocation.client_context));
  add("Lambda-Runtime-Cognito-Identity", std::move(invocation.cognito_identity));
  response.body = std::move(invocation.payload);
  return response;
}

// "/2018-06-01/runtime/invocation/<id>/response" without the prefix: id and what follows it.
std::pair<std::string_view, std::string_view> invocation_of(std::string_view rest) {
  constexpr std::string_view kInvocation = "invocation/";
  if (!rest.starts_with(kInvocation)) return {};
  return base::cut(rest.substr(kInvocation.size()), '/');
}

http::BodyPolicy body_policy(const FindExchange& find, const http::Request& head) {
  auto path = head.path();
  if (!path.starts_with(kPrefix)) return kMaxBody;
  auto [id, action] = invocation_of(path.substr(kPrefix.size()));
  if (action == "response" && base::iequals(head.headers.get(kResponseMode), "streaming")) return {kMaxStream, true};
  auto length = base::parse_int(head.headers.get("Content-Length", "0"));
  if (action == "response" && length && *length > static_cast<long long>(kMaxBody))
    if (auto exchange = find(head.listener)) exchange->announce_too_large(static_cast<std::size_t>(*length));
  return kMaxBody;
}

http::Response verdict_of(Exchange::Verdict verdict) {
  switch (verdict) {
    case Exchange::Verdict::accepted: break;
    case Exchange::Verdict::wrong_id: return fault(400, "InvalidRequestID", "Invalid request ID");
    case Exchange::Verdict::answered_before: return wrong_state("ResponseSent", "InvocationResponse");
    case Exchange::Verdict::too_large:
      return fault(413, "RequestEntityTooLarge", fmt::format("Exceeded maximum allowed payload size ({} bytes).", kMaxResponse));
  }
  return accepted();
}

// An answer that comes in pieces. A function that fails on the way says so in the fields behind the body.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
async::Task<http::Response> take_stream(std::shared_ptr<Exchange> exchange, std::string id, http::Request request) {
  std::string type(request.headers.get("Content-Type", "application/octet-stream"));
  auto sink = exchange->begin_stream(id, type);
  if (!sink) co_return verdict_of(Exchange::Verdict::wrong_id);
  Exchange::Answer answer;
  answer.in_pieces = true;
  answer.streamed = *sink != nullptr;
  answer.content_type = std::move(type);
  bool ended = false;
  try {
    for (;;) {
      auto piece = co_await request.stream->next();
      ended = piece.empty();
      if (ended) break;
      answer.bytes += piece.size();
      if (*sink)
        co_await (*sink)->write(std::move(piece));
      else if (answer.payload.size() <= kMaxResponse)
        answer.payload += piece;
    }
  } catch (const http::BodyBroken& broken) {
    if (broken.status == 413) answer.kind = Outcome::Kind::payload_too_large;
  }
  if (!ended && answer.kind == Outcome::Kind::success) {
    answer.kind = Outcome::Kind::function_error;
    answer.error_type = kTruncatedResponse;
    answer.payload =
        fmt::format(R"({{"errorType":"{}","errorMessage":"Response ended before it was complete"}})", kTruncatedResponse);
  }
  const auto& trailers = request.stream->trailers();
  if (auto error = trailers.find(kErrorType); ended && error) {
    answer.kind = Outcome::Kind::function_error;
    answer.error_type = *error;
    answer.payload = base::unbase64(trailers.get(kErrorBody)).value_or("");
  }
  co_return verdict_of(exchange->answer(id, std::move(answer)));
}

async::Task<http::Response> serve(FindExchange find, http::Request request) {
  auto exchange = find(request.listener);
  if (!exchange) co_return fault(410, "Gone", "The execution environment is closing");
  co_return co_await answer_runtime(std::move(exchange), std::move(request));
}

}  // namespace

async::Task<http::Response> answer_runtime(std::shared_ptr<Exchange> exchange, http::Request request) {
  if (is_extension_request(request)) co_return co_await answer_extension(std::move(exchange), std::move(request));
  auto path = request.path();
  if (!path.starts_with(kPrefix)) co_return fault(404, "NotFound", "No such API");
  auto rest = path.substr(kPrefix.size());
  const bool get = request.method == "GET", post = request.method == "POST";

  if (rest == "invocation/next" && get) {
    if (!exchange->may_ask()) co_return wrong_state("Running", "Ready");
    auto invocation = co_await exchange->next();
    if (!invocation) co_return fault(410, "Gone", "The execution environment is closing");
    co_return hand_over(std::move(*invocation));
  }
  if (rest == "init/error" && post) {
    Exchange::Answer answer;
    answer.payload = std::move(request.body);
    answer.error_type = request.headers.get(kErrorType);
    co_return exchange->start_failed(std::move(answer)) ? accepted() : wrong_state("Ready", "InitError");
  }
  auto [id, action] = invocation_of(rest);
  if (post && action == "response" && request.stream)
    co_return co_await take_stream(exchange, std::string(id), std::move(request));
  if (post && (action == "response" || action == "error")) {
    Exchange::Answer answer;
    if (action == "response" && request.headers.has(kResponseMode)) {  // a mode that we do not know
      answer.kind = Outcome::Kind::function_error;
      answer.error_type = "Runtime.InvalidResponseModeHeader";
      answer.payload = R"({"errorType":"Runtime.InvalidResponseModeHeader","errorMessage":"Invalid function response mode"})";
      const auto verdict = exchange->answer(id, std::move(answer));
      if (verdict != Exchange::Verdict::accepted) co_return verdict_of(verdict);
      co_return fault(400, "InvalidFunctionResponseMode", "Invalid function response mode");
    }
    if (action == "error") answer.kind = Outcome::Kind::function_error;
    answer.error_type = request.headers.get(kErrorType);
    answer.content_type = request.headers.get("Content-Type", "application/json");
    answer.payload = std::move(request.body);
    co_return verdict_of(exchange->answer(id, std::move(answer)));
  }
  co_return fault(404, "NotFound", "No such operation");
}

std::unique_ptr<http::Server> make_runtime_server(async::Loops& loops, FindExchange find) {
  http::Limits limits;
  limits.connections = http::modest_connections();
  limits.idle = 24h;                      // a frozen environment keeps its connection
  limits.body_stall = 24h;                // a function may think between two pieces of its answer
  limits.header_bytes = 2 * 1024 * 1024;  // a stack trace for X-Ray comes as a header of up to 1 MB
  return std::make_unique<http::Server>(
      loops, [find](http::Request request) { return serve(find, std::move(request)); }, limits,
      [find](const http::Request& head) { return body_policy(find, head); });
}

}  // namespace lambari::sandbox
