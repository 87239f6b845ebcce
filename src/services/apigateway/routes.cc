// Routes. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

// What an HTTP API's route does not have, and what this version does not enforce: refused, so that nothing is open by accident.
template <class Request>
void refuse_what_is_not_served(const Request& request) {
  const std::string type = request.AuthorizationType.value_or("NONE");
  if (type != "NONE") bad_request(fmt::format("AuthorizationType {} is not served by this version; only NONE is", type));
  if (request.AuthorizerId && !request.AuthorizerId->empty()) bad_request("Authorizers are not served by this version");
  if (request.AuthorizationScopes && !request.AuthorizationScopes->empty())
    bad_request("AuthorizationScopes are only supported with AuthorizationType JWT, which is not served by this version");
  if (request.ApiKeyRequired.value_or(false)) bad_request("ApiKeyRequired is currently not supported for HTTP protocol Apis");
  if (request.ModelSelectionExpression && !request.ModelSelectionExpression->empty())
    bad_request("ModelSelectionExpression is currently not supported for HTTP protocol Apis");
  if (request.RequestModels && !request.RequestModels->empty())
    bad_request("RequestModels are currently not supported for HTTP protocol Apis");
  if (request.RequestParameters && !request.RequestParameters->empty())
    bad_request("RequestParameters on a route are currently not supported for HTTP protocol Apis");
  if (request.RouteResponseSelectionExpression && !request.RouteResponseSelectionExpression->empty())
    bad_request("RouteResponseSelectionExpression is currently not supported for HTTP protocol Apis");
  if (request.OperationName && request.OperationName->size() > 64)
    bad_request("OperationName must not be longer than 64 characters");
}

void check_target(store::Reader& rows, const ApiRef& ref, const std::optional<std::string>& target) {
  if (!target) return;
  constexpr std::string_view kPrefix = "integrations/";
  if (!target->starts_with(kPrefix))
    bad_request("Invalid target specified: " + *target + ". Format should be integrations/<integration id>");
  need_integration(rows, ref, std::string_view(*target).substr(kPrefix.size()));
}

void check_unique(store::Reader& rows, const ApiRef& ref, const Route& route) {
  const auto routes = all_routes(rows, ref);
  for (const auto& other : routes)
    if (other.id != route.id && route_shape(other.key) == route_shape(route.key))
      conflict(fmt::format("Route with key {} already exists for this API", other.key));
  if (routes.size() >= kMaxRoutes) {
    for (const auto& other : routes)
      if (other.id == route.id) return;
    too_many("Routes for this API");
  }
}

}  // namespace

async::Task<aws2::CreateRouteResult> ApiGateway::CreateRoute(const wire::Call& call, aws2::CreateRouteRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  Route route;
  route.id = new_route_id();
  route.key = request.RouteKey;
  route.operation_name = request.OperationName;
  if (request.Target && !request.Target->empty()) route.target = request.Target;
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    check_route_key(route.key);
    refuse_what_is_not_served(request);
    check_unique(rows, ref, route);
    check_target(rows, ref, route.target);
    put(rows, ref, route);
    auto_deploy(rows, ref, deployment, now);
  });
  state_->refresh(ref);
  co_return route_result<aws2::CreateRouteResult>(route);
}

async::Task<aws2::GetRouteResult> ApiGateway::GetRoute(const wire::Call& call, aws2::GetRouteRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return route_result<aws2::GetRouteResult>(need_route(*rows, ref, request.RouteId));
}

async::Task<aws2::GetRoutesResponse> ApiGateway::GetRoutes(const wire::Call& call, aws2::GetRoutesRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return page_of<aws2::GetRoutesResponse>(
      all_routes(*rows, ref), request.MaxResults, request.NextToken,
      [](const Route& route) -> const std::string& { return route.id; },
      [](const Route& route) { return route_result<aws2::Route>(route); });
}

async::Task<aws2::UpdateRouteResult> ApiGateway::UpdateRoute(const wire::Call& call, aws2::UpdateRouteRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  const Route route = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    need_api(rows, ref);
    Route changed = need_route(rows, ref, request.RouteId);
    refuse_what_is_not_served(request);
    if (request.RouteKey) {
      check_route_key(*request.RouteKey);
      if (changed.managed && *request.RouteKey != changed.key)
        bad_request("The route key of a route managed by API Gateway cannot be modified");
      changed.key = *request.RouteKey;
    }
    if (request.OperationName) changed.operation_name = request.OperationName;
    if (request.Target) {
      changed.target = request.Target->empty() ? std::nullopt : request.Target;
      check_target(rows, ref, changed.target);
    }
    check_unique(rows, ref, changed);
    put(rows, ref, changed);
    auto_deploy(rows, ref, deployment, now);
    return changed;
  });
  state_->refresh(ref);
  co_return route_result<aws2::UpdateRouteResult>(route);
}

async::Task<> ApiGateway::DeleteRoute(const wire::Call& call, aws2::DeleteRouteRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    need_route(rows, ref, request.RouteId);
    erase_route(rows, ref, request.RouteId);
    auto_deploy(rows, ref, deployment, now);
  });
  state_->refresh(ref);
}

async::Task<> ApiGateway::DeleteRouteRequestParameter(const wire::Call& call, aws2::DeleteRouteRequestParameterRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  need_route(*rows, ref, request.RouteId);
  not_found("Invalid RequestParameterKey specified " + request.RequestParameterKey);  // a route of an HTTP API has none
  co_return;
}

}  // namespace lambari::apigateway
