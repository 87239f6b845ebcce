// The model as the generated API's values. AWS repeats each resource's members in every result, so these are templates over the
// result.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/apigatewayv2/types.h"
#include "base/bytes.h"
#include "base/text.h"
#include "services/apigateway/model.h"
#include "services/apigateway/rules.h"

namespace lambari::apigateway {

namespace aws2 = aws::apigatewayv2;

inline aws2::Cors to_result(const Cors& cors) {
  aws2::Cors out;
  if (cors.allow_credentials) out.AllowCredentials = true;
  const auto list = [](const std::vector<std::string>& from, auto& to) {
    if (!from.empty()) to = from;
  };
  list(cors.allow_headers, out.AllowHeaders);
  list(cors.allow_methods, out.AllowMethods);
  list(cors.allow_origins, out.AllowOrigins);
  list(cors.expose_headers, out.ExposeHeaders);
  out.MaxAge = cors.max_age;
  return out;
}

inline Cors from_request(const aws2::Cors& cors) {
  Cors out;
  out.allow_credentials = cors.AllowCredentials.value_or(false);
  out.allow_headers = cors.AllowHeaders.value_or(std::vector<std::string>());
  out.allow_methods = cors.AllowMethods.value_or(std::vector<std::string>());
  out.allow_origins = cors.AllowOrigins.value_or(std::vector<std::string>());
  out.expose_headers = cors.ExposeHeaders.value_or(std::vector<std::string>());
  out.max_age = cors.MaxAge;
  return out;
}

template <class Result>
Result api_result(const Api& api, std::string endpoint) {
  Result out;
  out.ApiEndpoint = std::move(endpoint);
  out.ApiId = api.id;
  out.ApiKeySelectionExpression = api.api_key_selection_expression;
  if (api.cors) out.CorsConfiguration = to_result(*api.cors);
  out.CreatedDate = base::Timestamp{api.created};
  out.Description = api.description;
  out.DisableExecuteApiEndpoint = api.disable_execute_api_endpoint;
  if (!api.import_info.empty()) out.ImportInfo = api.import_info;
  out.IpAddressType = api.ip_address_type;
  out.Name = api.name;
  out.ProtocolType = "HTTP";
  out.RouteSelectionExpression = api.route_selection_expression;
  out.Tags = api.tags;
  out.Version = api.version;
  if (!api.warnings.empty()) out.Warnings = api.warnings;
  return out;
}

template <class Result>
Result route_result(const Route& route) {
  Result out;
  if (route.managed) out.ApiGatewayManaged = true;
  out.ApiKeyRequired = false;
  out.AuthorizationType = "NONE";
  out.OperationName = route.operation_name;
  out.RouteId = route.id;
  out.RouteKey = route.key;
  out.Target = route.target;
  return out;
}

template <class Result>
Result integration_result(const Integration& it) {
  Result out;
  if (it.managed) out.ApiGatewayManaged = true;
  out.ConnectionType = it.connection_type;
  out.CredentialsArn = it.credentials_arn;
  out.Description = it.description;
  out.IntegrationId = it.id;
  out.IntegrationMethod = it.method;
  out.IntegrationType = it.type;
  out.IntegrationUri = it.uri;
  out.PayloadFormatVersion = it.payload_format_version;
  if (!it.request_parameters.empty()) out.RequestParameters = it.request_parameters;
  if (!it.response_parameters.empty()) out.ResponseParameters = it.response_parameters;
  out.TimeoutInMillis = it.timeout_ms;
  if (it.server_name_to_verify) out.TlsConfig.emplace().ServerNameToVerify = it.server_name_to_verify;
  return out;
}

inline aws2::RouteSettings to_result(const RouteSettings& settings) {
  aws2::RouteSettings out;
  out.DetailedMetricsEnabled = false;
  out.ThrottlingBurstLimit = settings.burst;
  out.ThrottlingRateLimit = settings.rate;
  return out;
}

template <class Result>
Result stage_result(const Stage& stage) {
  Result out;
  if (stage.access_log) {
    auto& log = out.AccessLogSettings.emplace();
    log.DestinationArn = stage.access_log->destination_arn;
    log.Format = stage.access_log->format;
  }
  if (stage.managed) out.ApiGatewayManaged = true;
  if (stage.auto_deploy) out.AutoDeploy = true;
  out.CreatedDate = base::Timestamp{stage.created};
  out.DefaultRouteSettings = to_result(stage.default_settings);
  out.DeploymentId = stage.deployment_id;
  out.Description = stage.description;
  out.LastDeploymentStatusMessage = stage.status_message;
  out.LastUpdatedDate = base::Timestamp{stage.updated};
  auto& settings = out.RouteSettings.emplace();
  for (const auto& [key, value] : stage.route_settings) settings[key] = to_result(value);
  out.StageName = stage.name;
  out.StageVariables = stage.variables;
  out.Tags = stage.tags;
  return out;
}

template <class Result>
Result deployment_result(const Deployment& deployment) {
  Result out;
  out.AutoDeployed = deployment.automatic;
  out.CreatedDate = base::Timestamp{deployment.created};
  out.DeploymentId = deployment.id;
  out.DeploymentStatus = "DEPLOYED";
  out.Description = deployment.description;
  return out;
}

// One page of `items` (in id order): `id_of` gives the key that NextToken continues after.
template <class Response, class T, class IdOf, class Make>
Response page_of(const std::vector<T>& items, const std::optional<std::string>& max_results,
                 const std::optional<std::string>& token, IdOf id_of, Make make) {
  constexpr long long kMost = 500;
  long long most = kMost;
  if (max_results) {
    const auto given = base::parse_int(*max_results);
    if (!given || *given < 1) bad_request("Invalid MaxResults specified: " + *max_results);
    most = std::min(*given, kMost);
  }
  std::string after;
  if (token) {
    const auto decoded = base::unbase64url(*token);
    if (!decoded || decoded->empty()) bad_request("Invalid pagination token");
    after = *decoded;
  }
  Response out;
  auto& list = out.Items.emplace();
  std::string last;
  for (const T& item : items) {
    const std::string& id = id_of(item);
    if (token && id <= after) continue;
    if (static_cast<long long>(list.size()) == most) {
      out.NextToken = base::base64url(last);
      break;
    }
    list.push_back(make(item));
    last = id;
  }
  return out;
}

}  // namespace lambari::apigateway
