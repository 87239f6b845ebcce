#include "base/text.h"
#include "services/apigateway/exchange.h"
#include "wire/http_event.h"

namespace lambari::apigateway {

std::string_view Exchange::route_key() const { return route ? std::string_view(route->key) : std::string_view(); }

std::optional<std::string> Exchange::path_variable(std::string_view name) const {
  if (!route) return {};
  for (std::size_t i = 0; i < route->variables.size() && i < values.count; ++i)
    if (route->variables[i] == name) return base::percent_decode(values.values[i]);
  return {};
}

std::optional<std::string> context_value(const Exchange& x, std::string_view name) {
  const auto text = [](std::string_view value) { return value.empty() ? std::optional<std::string>() : std::string(value); };
  const auto number = [](const auto& value) { return value ? std::optional<std::string>(std::to_string(*value)) : std::nullopt; };

  if (name == "requestId" || name == "extendedRequestId") return x.request_id;
  if (name == "requestTime") return wire::clf_time(x.time);
  if (name == "requestTimeEpoch") return std::to_string(x.time.ms / 1000);
  if (name == "httpMethod") return x.request.method;
  if (name == "path") return x.path;
  if (name == "protocol") return x.api ? x.api->protocol : "HTTP/1.1";
  if (name == "routeKey") return text(x.route_key());
  if (name == "status") return x.status == 0 ? std::nullopt : std::optional<std::string>(std::to_string(x.status));
  if (name == "responseLength") return std::to_string(x.response_length);
  if (name == "dataProcessed") return std::to_string(x.request.body.size() + x.response_length);
  if (name == "responseLatency") return number(x.response_latency);
  if (name == "accountId") return x.api ? text(x.api->scope.account) : std::nullopt;
  if (name == "apiId") return x.api ? text(x.api->id) : std::nullopt;
  if (name == "stage") return x.stage ? text(x.stage->name) : std::nullopt;
  if (name == "domainName") return text(x.domain_name);
  if (name == "domainPrefix") return text(x.domain_prefix);
  if (name == "identity.sourceIp") return text(x.request.remote_address);
  if (name == "identity.userAgent") return text(x.request.headers.get("user-agent"));
  if (name == "error.message") return text(x.error_message);
  if (name == "error.messageString")
    return x.error_message.empty() ? std::nullopt : std::optional<std::string>('"' + x.error_message + '"');
  if (name == "error.responseType") return text(x.error_type);
  if (name == "integrationErrorMessage" || name == "integration.error") return text(x.integration_error);
  if (name == "integrationLatency" || name == "integration.latency") return number(x.integration_latency);
  if (name == "integrationStatus" || name == "integration.integrationStatus") return number(x.integration_status);
  if (name == "integration.status") return number(x.backend_status);
  if (name == "integration.requestId" || name == "awsEndpointRequestId") return text(x.integration_request_id);
  return {};
}

}  // namespace lambari::apigateway
