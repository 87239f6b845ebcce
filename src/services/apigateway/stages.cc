// Stages. https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {
namespace {

RouteSettings from_request(const aws2::RouteSettings& given, RouteSettings settings) {
  if (given.DataTraceEnabled.value_or(false) ||
      (given.LoggingLevel && *given.LoggingLevel != "OFF" && !given.LoggingLevel->empty()))
    bad_request("Execution logs are not supported on protocolType HTTP");
  if (given.DetailedMetricsEnabled.value_or(false))
    bad_request("DetailedMetricsEnabled is not supported: lambari does not serve CloudWatch metrics yet");
  if (given.ThrottlingBurstLimit) settings.burst = given.ThrottlingBurstLimit;
  if (given.ThrottlingRateLimit) settings.rate = given.ThrottlingRateLimit;
  check_route_settings(settings);
  return settings;
}

// The members that creating and updating share.
template <class Request>
void apply(store::Reader& rows, const ApiRef& ref, const Request& request, Stage& stage) {
  if (request.ClientCertificateId && !request.ClientCertificateId->empty())
    bad_request("ClientCertificateId is currently not supported for HTTP protocol Apis");
  check_description(request.Description);
  if (request.Description) stage.description = request.Description;
  if (request.AutoDeploy) stage.auto_deploy = *request.AutoDeploy;
  if (request.StageVariables) {
    stage.variables = *request.StageVariables;
    check_stage_variables(stage.variables);
  }
  if (request.DefaultRouteSettings) stage.default_settings = from_request(*request.DefaultRouteSettings, stage.default_settings);
  if (request.RouteSettings && !request.RouteSettings->empty()) {
    const auto routes = all_routes(rows, ref);
    for (const auto& [key, settings] : *request.RouteSettings) {
      if (std::none_of(routes.begin(), routes.end(), [&](const Route& route) { return route.key == key; }))
        not_found(fmt::format("Unable to find Route by key {} within the provided RouteSettings", key));
      stage.route_settings[key] = from_request(settings, stage.route_settings[key]);
    }
  }
  if (request.AccessLogSettings) {
    AccessLog log;
    log.destination_arn = request.AccessLogSettings->DestinationArn.value_or("");
    log.format = request.AccessLogSettings->Format.value_or("");
    check_access_log(log);
    stage.access_log = std::move(log);
  }
  if (request.DeploymentId && !request.DeploymentId->empty()) {
    if (stage.auto_deploy && stage.deployment_id != request.DeploymentId)
      bad_request("Deployment ID cannot be set on stages with AutoDeploy enabled");
    need_deployment(rows, ref, *request.DeploymentId);
    stage.deployment_id = request.DeploymentId;
  }
}

}  // namespace

async::Task<aws2::CreateStageResponse> ApiGateway::CreateStage(const wire::Call& call, aws2::CreateStageRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  const Stage stage = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    need_api(rows, ref);
    check_stage_name(request.StageName);
    if (find_stage(rows, ref, request.StageName)) conflict("Stage already exists");
    if (all_stages(rows, ref).size() >= kMaxStages) too_many("Stages for this API");
    Stage made;
    made.name = request.StageName;
    made.created = made.updated = now.ms;
    if (request.Tags) made.tags = *request.Tags;
    check_tags(made.tags);
    apply(rows, ref, request, made);
    put(rows, ref, made);
    if (made.auto_deploy) {
      deploy(
          rows, ref, made,
          make_deployment(rows, ref, deployment, "Automatic deployment triggered by changes to the Api configuration", true, now),
          now);
      made = need_stage(rows, ref, made.name);
    }
    return made;
  });
  state_->refresh(ref);
  co_return stage_result<aws2::CreateStageResponse>(stage);
}

async::Task<aws2::GetStageResponse> ApiGateway::GetStage(const wire::Call& call, aws2::GetStageRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return stage_result<aws2::GetStageResponse>(need_stage(*rows, ref, request.StageName));
}

async::Task<aws2::GetStagesResponse> ApiGateway::GetStages(const wire::Call& call, aws2::GetStagesRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return page_of<aws2::GetStagesResponse>(
      all_stages(*rows, ref), request.MaxResults, request.NextToken,
      [](const Stage& stage) -> const std::string& { return stage.name; },
      [](const Stage& stage) { return stage_result<aws2::Stage>(stage); });
}

async::Task<aws2::UpdateStageResponse> ApiGateway::UpdateStage(const wire::Call& call, aws2::UpdateStageRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string deployment = new_deployment_id();
  const base::Timestamp now = state_->now();
  const Stage stage = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    need_api(rows, ref);
    Stage changed = need_stage(rows, ref, request.StageName);
    const bool was_auto = changed.auto_deploy;
    const auto former = changed.deployment_id;
    apply(rows, ref, request, changed);
    changed.updated = now.ms;
    if (changed.auto_deploy && !was_auto) {
      deploy(
          rows, ref, changed,
          make_deployment(rows, ref, deployment, "Automatic deployment triggered by changes to the Api configuration", true, now),
          now);
    } else if (changed.deployment_id != former && changed.deployment_id) {
      Stage before = changed;
      before.deployment_id = former;
      deploy(rows, ref, before, need_deployment(rows, ref, *changed.deployment_id), now);
    } else {
      put(rows, ref, changed);
    }
    return need_stage(rows, ref, changed.name);
  });
  state_->refresh(ref);
  co_return stage_result<aws2::UpdateStageResponse>(stage);
}

async::Task<> ApiGateway::DeleteStage(const wire::Call& call, aws2::DeleteStageRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    const Stage stage = need_stage(rows, ref, request.StageName);
    erase_stage(rows, ref, stage.name);
    if (stage.deployment_id) drop_if_unused(rows, ref, *stage.deployment_id);
  });
  state_->refresh(ref);
}

async::Task<> ApiGateway::DeleteAccessLogSettings(const wire::Call& call, aws2::DeleteAccessLogSettingsRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    Stage stage = need_stage(rows, ref, request.StageName);
    stage.access_log.reset();
    stage.updated = now.ms;
    put(rows, ref, stage);
  });
  state_->refresh(ref);
}

async::Task<> ApiGateway::DeleteRouteSettings(const wire::Call& call, aws2::DeleteRouteSettingsRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const base::Timestamp now = state_->now();
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    Stage stage = need_stage(rows, ref, request.StageName);
    if (stage.route_settings.erase(request.RouteKey) == 0)
      not_found("Unable to find RouteSettings for route key " + request.RouteKey);
    stage.updated = now.ms;
    put(rows, ref, stage);
  });
  state_->refresh(ref);
}

}  // namespace lambari::apigateway
