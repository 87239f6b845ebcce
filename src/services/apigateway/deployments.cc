// Deployments: frozen copies of an API that stages point to.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-deployments.html
#include "services/apigateway/results.h"
#include "services/apigateway/state.h"

namespace lambari::apigateway {

async::Task<aws2::CreateDeploymentResponse> ApiGateway::CreateDeployment(const wire::Call& call,
                                                                         aws2::CreateDeploymentRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  const std::string id = new_deployment_id();
  const base::Timestamp now = state_->now();
  check_description(request.Description);
  const Deployment made = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    need_api(rows, ref);
    std::optional<Stage> stage;
    if (request.StageName && !request.StageName->empty()) stage = need_stage(rows, ref, *request.StageName);
    if (stage && stage->auto_deploy) bad_request("Deployment ID cannot be set on stages with AutoDeploy enabled");
    if (all_routes(rows, ref).empty()) bad_request("At least one route is required before deploying the Api.");
    Deployment deployment = make_deployment(rows, ref, id, request.Description, false, now);
    if (stage) deploy(rows, ref, *stage, deployment, now);
    return deployment;
  });
  state_->refresh(ref);
  co_return deployment_result<aws2::CreateDeploymentResponse>(made);
}

async::Task<aws2::GetDeploymentResponse> ApiGateway::GetDeployment(const wire::Call& call, aws2::GetDeploymentRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return deployment_result<aws2::GetDeploymentResponse>(need_deployment(*rows, ref, request.DeploymentId));
}

async::Task<aws2::GetDeploymentsResponse> ApiGateway::GetDeployments(const wire::Call& call,
                                                                     aws2::GetDeploymentsRequest request) {
  const auto rows = state_->deps.store.read();
  const ApiRef ref = ref_of(call, request.ApiId);
  need_api(*rows, ref);
  co_return page_of<aws2::GetDeploymentsResponse>(
      all_deployments(*rows, ref), request.MaxResults, request.NextToken,
      [](const Deployment& d) -> const std::string& { return d.id; },
      [](const Deployment& d) { return deployment_result<aws2::Deployment>(d); });
}

async::Task<aws2::UpdateDeploymentResponse> ApiGateway::UpdateDeployment(const wire::Call& call,
                                                                         aws2::UpdateDeploymentRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  check_description(request.Description);
  const Deployment deployment = co_await state_->deps.store.transact([&](store::Transaction& rows) {
    need_api(rows, ref);
    Deployment changed = need_deployment(rows, ref, request.DeploymentId);
    if (request.Description) changed.description = request.Description;
    put(rows, ref, changed);
    return changed;
  });
  co_return deployment_result<aws2::UpdateDeploymentResponse>(deployment);
}

async::Task<> ApiGateway::DeleteDeployment(const wire::Call& call, aws2::DeleteDeploymentRequest request) {
  const ApiRef ref = ref_of(call, request.ApiId);
  co_await state_->deps.store.commit([&](store::Transaction& rows) {
    need_api(rows, ref);
    need_deployment(rows, ref, request.DeploymentId);
    for (const auto& stage : all_stages(rows, ref))
      if (stage.deployment_id == request.DeploymentId)
        bad_request("Active stages pointing to this deployment must be moved or deleted");
    erase_deployment(rows, ref, request.DeploymentId);
  });
}

}  // namespace lambari::apigateway
