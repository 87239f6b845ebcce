// APIs, with quick create. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

void check_selection_expressions(const std::optional<std::string>& route, const std::optional<std::string>& key) {
  if (route && *route != "$request.method $request.path" && *route != "${request.method} ${request.path}")
    bad_request("RouteSelectionExpression for HTTP protocol Apis must be ${request.method} ${request.path}");
  if (key && *key != "$request.header.x-api-key")
    bad_request("ApiKeySelectionExpression is not supported for HTTP protocol Apis");
}

void check_ip_address_type(const std::optional<std::string>& type) {
  if (type && *type != "ipv4" && *type != "dualstack") bad_request("Invalid IpAddressType specified: " + *type);
}

// A function's ARN or an HTTP URL, as quick create takes it.
void point_quick_target(Integration& it, const std::string& target) {
  it.uri = target;
  if (target.starts_with("arn:")) {
    it.type = "AWS_PROXY";
    it.method = "POST";
    it.payload_format_version = "2.0";
  } else {
    it.type = "HTTP_PROXY";
    it.method = "ANY";
    it.payload_format_version = "1.0";
  }
}

}  // namespace

async::Task<aws2::CreateApiResponse> ApiGateway::CreateApi(const wire::Call& call, aws2::CreateApiRequest request) {
  if (request.ProtocolType == "WEBSOCKET") bad_request("ProtocolType WEBSOCKET is not served by this version; HTTP is");
  if (request.ProtocolType != "HTTP") bad_request("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]");
  check_name(request.Name);
  check_description(request.Description);
  check_selection_expressions(request.RouteSelectionExpression, request.ApiKeySelectionExpression);
  check_ip_address_type(request.IpAddressType);
  if (request.DisableSchemaValidation.value_or(false))
    bad_request("DisableSchemaValidation is not supported for HTTP protocol Apis");
  if (request.Version && request.Version->size() > 64) bad_request("Version must not be longer than 64 characters");
  if ((request.RouteKey || request.CredentialsArn) && !request.Target)
    bad_request("Target is required when RouteKey or CredentialsArn is specified");

  Api api;
  api.id = new_api_id();
  api.name = request.Name;
  api.description = request.Description;
  api.version = request.Version;
  api.disable_execute_api_endpoint = request.DisableExecuteApiEndpoint.value_or(false);
  if (request.RouteSelectionExpression) api.route_selection_expression = *request.RouteSelectionExpression;
  if (request.IpAddressType) api.ip_address_type = *request.IpAddressType;
  if (request.CorsConfiguration) {
    api.cors = from_request(*request.CorsConfiguration);
    check_cors(*api.cors);
  }
  if (request.Tags) api.tags = *request.Tags;
  check_tags(api.tags);
  const base::Timestamp now = state_->now();
  api.created = now.ms;

  Integration integration;
  Route route;
  Stage stage;
  if (request.Target) {
    integration.id = new_route_id();
    integration.managed = true;
    integration.credentials_arn = request.CredentialsArn;
    point_quick_target(integration, *request.Target);
    check_integration(integration);
    route.id = new_route_id();
    route.key = request.RouteKey.value_or(kDefaultRoute);
    route.target = "integrations/" + integration.id;
    route.managed = true;
    check_route_key(route.key);
    stage.name = kDefaultStage;
    stage.auto_deploy = true;
    stage.managed = true;
    stage.created = stage.updated = now.ms;
    stage.tags = api.tags;
    api.quick_integration = integration.id;
    api.quick_route = route.id;
  }

  const ApiRef ref = ref_of(call, api.id);
  const std::string deployment = new_deployment_id();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    if (all_apis(rows, ref.scope).size() >= kMaxApis) too_many("Apis for this account");
    put(rows, ref, api);
    if (!request.Target) return;
    put(rows, ref, integration);
    put(rows, ref, route);
    put(rows, ref, stage);
    auto_deploy(rows, ref, deployment, now);
  });
  state_->refresh(ref);
  co_return api_result<aws2::CreateApiResponse>(api, state_->endpoint(call, api.id));
}

async::Task<aws2::GetApiResponse> ApiGateway::GetApi(const wire::Call& call, aws2::GetApiRequest request) {
  const Api api = need_api(*state_->deps.store.read(), ref_of(call, request.ApiId));
  co_return api_result<aws2::GetApiResponse>(api, state_->endpoint(call, api.id));
}

async::Task<aws2::GetApisResponse> ApiGateway::GetApis(const wire::Call& call, aws2::GetApisRequest request) {
  const auto apis = all_apis(*state_->deps.store.read(), {call.account, call.region});
  co_return page_of<aws2::GetApisResponse>(
      apis, request.MaxResults, request.NextToken, [](const Api& api) -> const std::string& { return api.id; },
      [&](const Api& api) { return api_result<aws2::Api>(api, state_->endpoint(call, api.id)); });
}

async::Task<aws2::UpdateApiResponse> ApiGateway::UpdateApi(const wire::Call& call, aws2::UpdateApiRequest request) {
  check_description(request.Description);
  check_selection_expressions(request.RouteSelectionExpression, request.ApiKeySelectionExpression);
  check_ip_address_type(request.IpAddressType);
  if (request.Name) check_name(*request.Name);
  if (request.DisableSchemaValidation.value_or(false))
    bad_request("DisableSchemaValidation is not supported for HTTP protocol Apis");
  if (request.RouteKey) check_route_key(*request.RouteKey);
  std::optional<Cors> cors;
  if (request.CorsConfiguration) {
    cors = from_request(*request.CorsConfiguration);
    check_cors(*cors);
  }

  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  const Api api = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    Api changed = need_api(rows, ref);
    if (request.Name) changed.name = *request.Name;
    if (request.Description) changed.description = request.Description;
    if (request.Version) changed.version = request.Version;
    if (request.RouteSelectionExpression) changed.route_selection_expression = *request.RouteSelectionExpression;
    if (request.IpAddressType) changed.ip_address_type = *request.IpAddressType;
    if (request.DisableExecuteApiEndpoint) changed.disable_execute_api_endpoint = *request.DisableExecuteApiEndpoint;
    if (cors) changed.cors = cors;
    if (request.Target || request.CredentialsArn || request.RouteKey) {
      if (changed.quick_integration.empty())
        bad_request("Target, RouteKey and CredentialsArn can only be updated on an API made by quick create");
      Integration it = need_integration(rows, ref, changed.quick_integration);
      if (request.Target) point_quick_target(it, *request.Target);
      if (request.CredentialsArn) it.credentials_arn = request.CredentialsArn;
      check_integration(it);
      put(rows, ref, it);
      if (request.RouteKey) {
        Route route = need_route(rows, ref, changed.quick_route);
        for (const auto& other : all_routes(rows, ref))
          if (other.id != route.id && route_shape(other.key) == route_shape(*request.RouteKey))
            conflict(fmt::format("Route with key {} already exists for this API", *request.RouteKey));
        route.key = *request.RouteKey;
        put(rows, ref, route);
      }
    }
    put(rows, ref, changed);
    auto_deploy(rows, ref, deployment, now);
    return changed;
  });
  state_->refresh(ref);
  co_return api_result<aws2::UpdateApiResponse>(api, state_->endpoint(call, api.id));
}

async::Task<> ApiGateway::DeleteApi(const wire::Call& call, aws2::DeleteApiRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    erase_api(rows, ref);
  });
  state_->refresh(ref);
}

async::Task<> ApiGateway::DeleteCorsConfiguration(const wire::Call& call, aws2::DeleteCorsConfigurationRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    Api api = need_api(rows, ref);
    api.cors.reset();
    put(rows, ref, api);
    auto_deploy(rows, ref, deployment, now);
  });
  state_->refresh(ref);
}

}  // namespace lambari::apigateway
