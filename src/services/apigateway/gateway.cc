// The data plane: one call to a deployed API, in the order AWS documents: CORS preflight, route, throttle, map, integrate, map
// back.
#include "base/bytes.h"
#include "base/ids.h"
#include "base/text.h"
#include "services/apigateway/integrate.h"
#include "services/apigateway/state.h"
#include "wire/http_event.h"

namespace lambari::apigateway {
namespace {

constexpr std::string_view kPathForm = "/_aws/execute-api/";
constexpr std::uint64_t kMeterStep = 512 * 1024;  // AWS bills HTTP API calls in steps of 512 KB

bool is_api_id(std::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  return true;
}

// Sixteen characters that end in '=', as AWS's are ("WSg1ihmdliAEJXA=").
std::string new_request_id() {
  const std::uint64_t words[2] = {wire::quick_random(), wire::quick_random()};
  return base::base64(std::string_view(reinterpret_cast<const char*>(words), 11));
}

http::Response message(int status, std::string_view text) {
  http::Response response;
  response.status = status;
  response.headers.add("content-type", "application/json");
  response.body = fmt::format("{{\"message\":\"{}\"}}", text);
  return response;
}

std::int64_t ms_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
}

struct StagePath {
  const CompiledStage* stage = nullptr;
  std::size_t stage_part = 0;
};

// A first segment that names a stage means that stage; else $default answers.
StagePath stage_of(const CompiledApi& api, std::string_view path, bool default_stage) {
  if (!default_stage && path.size() > 1) {
    const auto end = std::min(path.find('/', 1), path.size());
    const std::string_view name = path.substr(1, end - 1);
    if (name != kDefaultStage)
      if (const auto* stage = api.find_stage(name)) return {stage, end};
  }
  return {api.find_stage(kDefaultStage), 0};
}

std::uint64_t meter_steps(std::size_t bytes) { return bytes <= kMeterStep ? 1 : (bytes + kMeterStep - 1) / kMeterStep; }

// From route to mapped answer; CORS, request id, log and meter are the caller's.
async::Task<http::Response> answer(Exchange& x, const Dependencies& deps) {
  if (x.request.body.size() > ApiGateway::kBodyLimit)
    co_return gateway_error(x, 413, "Request Entity Too Large", "REQUEST_TOO_LARGE");
  const int found = x.stage->table.match(x.request.method, x.path_in_stage(), x.values);
  if (found == RouteTable::kNone) {
    if (x.stage->has_cors && x.request.method == "OPTIONS") {  // not a preflight of a browser, still answered as one
      http::Response response;
      response.status = 204;
      co_return response;
    }
    co_return gateway_error(x, 404, "Not Found", "NOT_FOUND");
  }
  x.route = &x.stage->routes[static_cast<std::size_t>(found)];
  if (x.route->bucket && !x.route->bucket->take(x.time)) co_return gateway_error(x, 429, "Too Many Requests", "THROTTLED");
  if (x.route->integration < 0) {
    x.integration_error = "The route has no integration";
    co_return gateway_error(x, 500, "Internal Server Error", "API_CONFIGURATION_ERROR");
  }
  const auto& integration = x.stage->integrations[static_cast<std::size_t>(x.route->integration)];

  wire::forward_headers(x.request, x.time);
  map_request(integration.request_mapping, x);
  const auto began = std::chrono::steady_clock::now();
  http::Response response;
  if (integration.lambda)
    response = co_await call_function(x, integration, deps.invoker);
  else
    response = co_await call_backend(x, integration, deps.client);
  x.integration_latency = ms_since(began);
  if (x.backend_status && x.error_type.empty())
    for (const auto& [status, mapping] : integration.response_mappings)
      if (status == *x.backend_status) {
        map_response(mapping, x, response);
        break;
      }
  co_return response;
}

}  // namespace

http::Response gateway_error(Exchange& x, int status, std::string_view text, std::string_view type) {
  x.error_message = std::string(text);
  x.error_type = std::string(type);
  return message(status, text);
}

std::optional<Target> ApiGateway::target_of(const http::Request& head) {
  const std::string_view path = head.path();
  if (path.starts_with(kPathForm)) {
    std::string_view rest = path.substr(kPathForm.size());
    const std::string_view id = rest.substr(0, rest.find('/'));
    if (!is_api_id(id)) return {};
    Target target{std::string(id), kPathForm.size() + id.size(), false};
    rest.remove_prefix(id.size());
    for (std::string_view name : {"/$default", "/%24default"})
      if (rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '/')) {
        target.prefix += name.size();
        target.default_stage = true;
        break;
      }
    return target;
  }
  constexpr std::string_view kLabel = ".execute-api.";
  std::string_view host = head.host();
  const auto dot = host.find('.');
  if (dot == host.npos || host.size() < dot + kLabel.size() || !base::iequals(host.substr(dot, kLabel.size()), kLabel)) return {};
  const std::string id = base::lower(host.substr(0, dot));
  if (!is_api_id(id)) return {};
  return Target{id, 0, false};
}

async::Task<http::Response> ApiGateway::serve(http::Request request, Target target) {
  const auto table = state_->snapshot();
  const auto found = table->find(target.api_id);
  if (found == table->end()) co_return message(404, "Not Found");
  const CompiledApi& api = *found->second;

  std::string_view rest = request.target;
  rest.remove_prefix(std::min(target.prefix, rest.size()));
  const auto question = rest.find('?');
  std::string_view path = rest.substr(0, question);
  const std::string_view query = question == rest.npos ? std::string_view() : rest.substr(question + 1);
  if (path.empty()) path = "/";
  const auto [stage, stage_part] = stage_of(api, path, target.default_stage);
  if (!stage || stage->endpoint_disabled) co_return message(404, "Not Found");

  const bool preflight = stage->has_cors && CompiledCors::is_preflight(request);
  if (preflight && !stage->access_log) {
    // The shortest way: nothing but the request's headers is needed.
    http::Response response = stage->cors.preflight(request);
    response.headers.add("apigw-requestid", new_request_id());
    state_->deps.meter.count("apigateway", "ApiGatewayHttpRequest", api.arn, meter_steps(request.body.size()));
    co_return response;
  }

  Exchange x;
  x.began = std::chrono::steady_clock::now();
  x.time = state_->now();
  x.api = &api;
  x.stage = stage;
  x.raw_path = std::string(path);
  x.stage_part = stage_part;
  x.path = base::percent_decode(path);
  x.query = std::string(query);
  x.request_id = new_request_id();
  x.domain_prefix = target.api_id;
  x.domain_name = target.prefix == 0 ? std::string(request.host())
                                     : fmt::format("{}.execute-api.{}", target.api_id, state_->deps.public_host);
  const std::string origin(request.headers.get("origin"));
  x.request = std::move(request);

  http::Response response;
  if (preflight) {
    response = stage->cors.preflight(x.request);
  } else {
    response = co_await answer(x, state_->deps);
    if (stage->has_cors) stage->cors.decorate(origin, response);
  }
  response.headers.set("apigw-requestid", x.request_id);
  x.status = response.status;
  x.response_length = response.body.size();
  x.response_latency = ms_since(x.began);
  state_->deps.meter.count("apigateway", "ApiGatewayHttpRequest", api.arn,
                           meter_steps(x.request.body.size() + x.response_length));
  if (stage->access_log) stage->access_log->write(x, state_->deps.logs);
  co_return response;
}

}  // namespace lambari::apigateway
