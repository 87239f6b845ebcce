// Integrations. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

template <class Request>
void refuse_what_is_not_served(const Request& request) {
  if (request.IntegrationSubtype && !request.IntegrationSubtype->empty())
    bad_request(
        fmt::format("IntegrationSubtype {} is not served by this version; AWS_PROXY with a Lambda function and HTTP_PROXY are",
                    *request.IntegrationSubtype));
  if (request.ConnectionId && !request.ConnectionId->empty())
    bad_request("VPC links are not served by this version; ConnectionType INTERNET is");
  const auto websocket_only = [](bool given, std::string_view name) {
    if (given) bad_request(fmt::format("{} is currently not supported for HTTP protocol Apis", name));
  };
  websocket_only(request.ContentHandlingStrategy && !request.ContentHandlingStrategy->empty(), "ContentHandlingStrategy");
  websocket_only(request.PassthroughBehavior && !request.PassthroughBehavior->empty(), "PassthroughBehavior");
  websocket_only(request.RequestTemplates && !request.RequestTemplates->empty(), "RequestTemplates");
  websocket_only(request.TemplateSelectionExpression && !request.TemplateSelectionExpression->empty(),
                 "TemplateSelectionExpression");
  if (request.TlsConfig && request.TlsConfig->ServerNameToVerify && !request.TlsConfig->ServerNameToVerify->empty())
    bad_request("TlsConfig is only supported for private integrations, which are not served by this version");
  if (request.Description) check_description(request.Description);
}

// An entry with an empty value takes the mapping away, as AWS documents for updates.
void merge(ParameterMap& into, const ParameterMap& changes) {
  for (const auto& [key, value] : changes) {
    if (value.empty())
      into.erase(key);
    else
      into[key] = value;
  }
}

}  // namespace

async::Task<aws2::CreateIntegrationResult> ApiGateway::CreateIntegration(const wire::Call& call,
                                                                         aws2::CreateIntegrationRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  Integration it;
  it.id = new_route_id();
  it.type = request.IntegrationType;
  it.uri = request.IntegrationUri.value_or("");
  it.method = request.IntegrationMethod.value_or(it.type == "AWS_PROXY" ? "POST" : "");
  it.payload_format_version = request.PayloadFormatVersion.value_or("");
  it.connection_type = request.ConnectionType.value_or("INTERNET");
  it.description = request.Description;
  it.credentials_arn = request.CredentialsArn;
  it.timeout_ms = request.TimeoutInMillis.value_or(30'000);
  if (request.RequestParameters) it.request_parameters = *request.RequestParameters;
  if (request.ResponseParameters) it.response_parameters = *request.ResponseParameters;
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    refuse_what_is_not_served(request);
    check_integration(it);
    if (all_integrations(rows, ref).size() >= kMaxIntegrations) too_many("Integrations for this API");
    put(rows, ref, it);
    auto_deploy(rows, ref, deployment, now);
  });
  state_->refresh(ref);
  co_return integration_result<aws2::CreateIntegrationResult>(it);
}

async::Task<aws2::GetIntegrationResult> ApiGateway::GetIntegration(const wire::Call& call, aws2::GetIntegrationRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return integration_result<aws2::GetIntegrationResult>(need_integration(*rows, ref, request.IntegrationId));
}

async::Task<aws2::GetIntegrationsResponse> ApiGateway::GetIntegrations(const wire::Call& call,
                                                                       aws2::GetIntegrationsRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return page_of<aws2::GetIntegrationsResponse>(
      all_integrations(*rows, ref), request.MaxResults, request.NextToken,
      [](const Integration& it) -> const std::string& { return it.id; },
      [](const Integration& it) { return integration_result<aws2::Integration>(it); });
}

async::Task<aws2::UpdateIntegrationResult> ApiGateway::UpdateIntegration(const wire::Call& call,
                                                                         aws2::UpdateIntegrationRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  const Integration it = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    need_api(rows, ref);
    Integration changed = need_integration(rows, ref, request.IntegrationId);
    refuse_what_is_not_served(request);
    if (request.IntegrationType) changed.type = *request.IntegrationType;
    if (request.IntegrationUri) changed.uri = *request.IntegrationUri;
    if (request.IntegrationMethod) changed.method = *request.IntegrationMethod;
    if (request.PayloadFormatVersion) changed.payload_format_version = *request.PayloadFormatVersion;
    if (request.ConnectionType) changed.connection_type = *request.ConnectionType;
    if (request.Description) changed.description = request.Description;
    if (request.CredentialsArn) changed.credentials_arn = request.CredentialsArn->empty() ? std::nullopt : request.CredentialsArn;
    if (request.TimeoutInMillis) changed.timeout_ms = *request.TimeoutInMillis;
    if (request.RequestParameters) merge(changed.request_parameters, *request.RequestParameters);
    if (request.ResponseParameters)
      for (const auto& [status, parameters] : *request.ResponseParameters) {
        if (parameters.empty()) {
          changed.response_parameters.erase(status);
          continue;
        }
        auto& mapping = changed.response_parameters[status];
        merge(mapping, parameters);
        if (mapping.empty()) changed.response_parameters.erase(status);
      }
    check_integration(changed);
    put(rows, ref, changed);
    auto_deploy(rows, ref, deployment, now);
    return changed;
  });
  state_->refresh(ref);
  co_return integration_result<aws2::UpdateIntegrationResult>(it);
}

async::Task<> ApiGateway::DeleteIntegration(const wire::Call& call, aws2::DeleteIntegrationRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    const Integration it = need_integration(rows, ref, request.IntegrationId);
    if (it.managed) bad_request("An integration managed by API Gateway cannot be deleted");
    for (const auto& route : all_routes(rows, ref))
      if (route.target == "integrations/" + it.id)
        conflict(fmt::format("Cannot delete Integration '{}' which is referenced by an existing Route.", it.id));
    erase_integration(rows, ref, it.id);
    auto_deploy(rows, ref, deployment, now);
  });
  state_->refresh(ref);
}

}  // namespace lambari::apigateway
