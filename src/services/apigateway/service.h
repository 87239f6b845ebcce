// API Gateway, HTTP APIs (v2): the control plane of AWS's API, and the gateway that answers calls to what it deployed.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/ and
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/loops.h"
#include "async/task.h"
#include "aws/apigatewayv2/api.h"
#include "base/clock.h"
#include "contracts/invoker.h"
#include "contracts/log_sink.h"
#include "contracts/meter.h"
#include "contracts/room.h"
#include "http/client.h"
#include "http/message.h"
#include "store/store.h"

namespace lambari::apigateway {

// All outlive the room.
struct Dependencies {
  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;
  http::Client& client;  // of HTTP_PROXY integrations
  contracts::Invoker& invoker;
  contracts::LogSink& logs;
  contracts::Meter& meter;
  // ApiEndpoint is http://{apiId}.execute-api.{public_host}:{port}; scheme and port are the caller's own, and so is the host
  // where that is one of AWS's.
  std::string public_host = "localhost";
  std::uint16_t public_port = 4566;
};

// Which API a request outside the AWS API means.
struct Target {
  std::string api_id;
  std::size_t prefix = 0;      // bytes of the request's target that only address the API: "/_aws/execute-api/abc"
  bool default_stage = false;  // the path form named $default, so its first segment is not looked at for a stage
};

// Requests may come from any loop; the control plane and the gateway share nothing but an immutable snapshot.
class ApiGateway final : public aws::apigatewayv2::AbstractService, public contracts::Room {
 public:
  explicit ApiGateway(Dependencies dependencies);
  ~ApiGateway() override;

  // ---- the gateway ----

  // {apiId}.execute-api.localhost, {apiId}.execute-api.{region}.amazonaws.com,
  // {apiId}.execute-api.{region}.localhost.localstack.cloud (also without region), and the path form
  // /_aws/execute-api/{apiId}[/$default]/...; in every form the first segment after it names a stage where there is one, else
  // the $default stage answers. No I/O, no allocation when it is none of them.
  static std::optional<Target> target_of(const http::Request& head);
  static constexpr std::size_t kBodyLimit = 10 * 1024 * 1024;
  async::Task<http::Response> serve(http::Request request, Target target);

  // ---- Room ----

  std::string_view name() const override { return "apigatewayv2"; }
  async::Task<> start() override;
  async::Task<> nuke() override;

  // ---- Service ----

  // Resources as IAM names them: arn:aws:apigateway:{region}::/apis/{id}/..., actions apigateway:GET|POST|PATCH|PUT|DELETE.
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

#define LAMBARI_OPERATION(name, Result, Request) \
  async::Task<aws::apigatewayv2::Result> name(const wire::Call& call, aws::apigatewayv2::Request request) override
  LAMBARI_OPERATION(CreateApi, CreateApiResponse, CreateApiRequest);
  LAMBARI_OPERATION(GetApi, GetApiResponse, GetApiRequest);
  LAMBARI_OPERATION(GetApis, GetApisResponse, GetApisRequest);
  LAMBARI_OPERATION(UpdateApi, UpdateApiResponse, UpdateApiRequest);
  async::Task<> DeleteApi(const wire::Call& call, aws::apigatewayv2::DeleteApiRequest request) override;
  LAMBARI_OPERATION(ImportApi, ImportApiResponse, ImportApiRequest);
  LAMBARI_OPERATION(ReimportApi, ReimportApiResponse, ReimportApiRequest);
  LAMBARI_OPERATION(ExportApi, ExportApiResponse, ExportApiRequest);
  async::Task<> DeleteCorsConfiguration(const wire::Call& call,
                                        aws::apigatewayv2::DeleteCorsConfigurationRequest request) override;
  LAMBARI_OPERATION(CreateRoute, CreateRouteResult, CreateRouteRequest);
  LAMBARI_OPERATION(GetRoute, GetRouteResult, GetRouteRequest);
  LAMBARI_OPERATION(GetRoutes, GetRoutesResponse, GetRoutesRequest);
  LAMBARI_OPERATION(UpdateRoute, UpdateRouteResult, UpdateRouteRequest);
  async::Task<> DeleteRoute(const wire::Call& call, aws::apigatewayv2::DeleteRouteRequest request) override;
  async::Task<> DeleteRouteRequestParameter(const wire::Call& call,
                                            aws::apigatewayv2::DeleteRouteRequestParameterRequest request) override;
  async::Task<> DeleteRouteSettings(const wire::Call& call, aws::apigatewayv2::DeleteRouteSettingsRequest request) override;
  LAMBARI_OPERATION(CreateIntegration, CreateIntegrationResult, CreateIntegrationRequest);
  LAMBARI_OPERATION(GetIntegration, GetIntegrationResult, GetIntegrationRequest);
  LAMBARI_OPERATION(GetIntegrations, GetIntegrationsResponse, GetIntegrationsRequest);
  LAMBARI_OPERATION(UpdateIntegration, UpdateIntegrationResult, UpdateIntegrationRequest);
  async::Task<> DeleteIntegration(const wire::Call& call, aws::apigatewayv2::DeleteIntegrationRequest request) override;
  LAMBARI_OPERATION(CreateStage, CreateStageResponse, CreateStageRequest);
  LAMBARI_OPERATION(GetStage, GetStageResponse, GetStageRequest);
  LAMBARI_OPERATION(GetStages, GetStagesResponse, GetStagesRequest);
  LAMBARI_OPERATION(UpdateStage, UpdateStageResponse, UpdateStageRequest);
  async::Task<> DeleteStage(const wire::Call& call, aws::apigatewayv2::DeleteStageRequest request) override;
  async::Task<> DeleteAccessLogSettings(const wire::Call& call,
                                        aws::apigatewayv2::DeleteAccessLogSettingsRequest request) override;
  LAMBARI_OPERATION(CreateDeployment, CreateDeploymentResponse, CreateDeploymentRequest);
  LAMBARI_OPERATION(GetDeployment, GetDeploymentResponse, GetDeploymentRequest);
  LAMBARI_OPERATION(GetDeployments, GetDeploymentsResponse, GetDeploymentsRequest);
  LAMBARI_OPERATION(UpdateDeployment, UpdateDeploymentResponse, UpdateDeploymentRequest);
  async::Task<> DeleteDeployment(const wire::Call& call, aws::apigatewayv2::DeleteDeploymentRequest request) override;
  LAMBARI_OPERATION(TagResource, TagResourceResponse, TagResourceRequest);
  async::Task<> UntagResource(const wire::Call& call, aws::apigatewayv2::UntagResourceRequest request) override;
  LAMBARI_OPERATION(GetTags, GetTagsResponse, GetTagsRequest);
#undef LAMBARI_OPERATION

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lambari::apigateway
