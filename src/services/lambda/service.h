// AWS Lambda: functions, their versions, aliases, layers and policies, and their invocation.
// https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
//
// Thread-safe. Built by app after what it refers to and before what calls it; start() before the first request, stop()
// after the last one and before destruction. README.md beside this file describes states and keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/loops.h"
#include "aws/lambda/api.h"
#include "base/clock.h"
#include "blobs/blobs.h"
#include "contracts/authorizer.h"
#include "contracts/credentials.h"
#include "contracts/invoker.h"
#include "contracts/log_sink.h"
#include "contracts/meter.h"
#include "contracts/queue_source.h"
#include "contracts/room.h"
#include "contracts/stream_source.h"
#include "contracts/target.h"
#include "delivery/targets.h"
#include "http/message.h"
#include "sandbox/sandbox.h"
#include "store/store.h"

namespace lambari::lambda {

// All outlive the room.
struct Dependencies {
  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;
  // Of this room alone: a body that no row of the room names any more is erased.
  blobs::Blobs& blobs;
  // Without it everything but the invocation works; a call is then refused with ServiceException.
  sandbox::Sandbox* sandbox = nullptr;
  contracts::Credentials& credentials;
  contracts::LogSink& logs;
  contracts::Meter& meter;
  // Asked for what one call implies: iam:PassRole, other accounts' layers, triggers' right to invoke, the role's right to log.
  contracts::Authorizer& authorizer;
  // Holds unpacked code: <directory>/<hash of the zip>/. Derived from blobs; may be deleted while the program is down.
  std::filesystem::path directory;
  // Holds the container images that functions may be made of: <images>/<repository>/ (an OCI layout) or <repository>.tar.
  std::filesystem::path images = {};
  // Where destinations and dead letters are delivered; without it they are refused.
  delivery::Targets* targets = nullptr;
  // What SQS event source mappings pull from; without it they are refused.
  contracts::QueueSource* queues = nullptr;
  contracts::StreamSource* streams = nullptr;  // DynamoDB's
};

// Which function URL a request means.
inline constexpr std::size_t kUrlIdSize = 32;
struct UrlPlace {
  std::string id;
  std::size_t prefix = 0;  // bytes of the request's target that only address the URL: "/_aws/lambda-url/{id}"
};

struct Settings {
  int account_concurrency = 1'000;                     // per account and region
  int max_environments = 2'000;                        // alive in this process, idle ones included
  int burst_environments = 1'000;                      // new ones of a function, at once and each ten seconds
  int requests_per_concurrency = 10;                   // each second
  std::chrono::milliseconds idle_timeout{5 * 60'000};  // an idle environment is retired after it; traffic may teach longer
  std::chrono::milliseconds max_lifetime{6 * 3'600'000};
  std::uint64_t max_stored_code = 80'530'636'800;  // bytes of zips, per account and region
  bool verify_signatures = true;                   // of calls to function URLs; false with --auth=open
  std::uint64_t min_available_mb = 0;              // host memory to keep free; 0: a twentieth of the total
};

class Lambda final : public aws::lambda::AbstractService,
                     public contracts::Invoker,
                     public contracts::Target,
                     public contracts::Room {
 public:
  explicit Lambda(Dependencies dependencies, Settings settings = {});
  ~Lambda() override;
  Lambda(const Lambda&) = delete;

  // ---- contracts ----
  std::string_view name() const override { return "lambda"; }
  async::Task<> start() override;
  void wind_down() override;
  async::Task<> stop() override;
  async::Task<> nuke() override;
  async::Task<contracts::InvocationResult> invoke(contracts::Invocation invocation) override;
  // An asynchronous invocation: delivered means queued durably. The sender may be a service, which the function's resource policy
  // must allow, or an assumed role.
  async::Task<contracts::Delivery> deliver(contracts::Parcel parcel) override;
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  // The zip behind a URL that GetFunction and GetLayerVersion give: GET /_lambari/packages/<token>. Such a URL is its own
  // authority for ten minutes, as AWS's presigned ones; nothing when the token is wrong or too old.
  async::Task<std::optional<std::string>> package(std::string token);

  // ---- function URLs ----
  // {id}.lambda-url.{region}.localhost, {id}.lambda-url.{region}.on.aws, and the path form /_aws/lambda-url/{id}/... No I/O, no
  // allocation when it is none of them.
  static std::optional<UrlPlace> url_place(const http::Request& head);
  static constexpr std::size_t kUrlBodyLimit = 6 * 1024 * 1024;
  async::Task<http::Response> serve_url(http::Request request, UrlPlace place);

  // For `doctor` and metrics.
  struct Counters {
    std::uint64_t events_received = 0, events_dropped = 0, dead_letter_errors = 0, destination_failures = 0;
    std::uint64_t records_polled = 0, records_filtered = 0, records_invoked = 0, records_failed = 0, records_dropped = 0,
                  records_deleted = 0;
    std::uint64_t functions_running = 0, environments = 0, idle_environments = 0, cold_starts = 0, invocations = 0, throttles = 0;
  };
  Counters counters() const;

  // ---- the API ----
#define LAMBARI_OPERATION(Result, Name, Request) \
  async::Task<Result> Name(const wire::Call& call, aws::lambda::Request request) override;
  LAMBARI_OPERATION(aws::lambda::FunctionConfiguration, CreateFunction, CreateFunctionRequest)
  LAMBARI_OPERATION(aws::lambda::GetFunctionResponse, GetFunction, GetFunctionRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionConfiguration, GetFunctionConfiguration, GetFunctionConfigurationRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionConfiguration, UpdateFunctionCode, UpdateFunctionCodeRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionConfiguration, UpdateFunctionConfiguration, UpdateFunctionConfigurationRequest)
  LAMBARI_OPERATION(aws::lambda::DeleteFunctionResponse, DeleteFunction, DeleteFunctionRequest)
  LAMBARI_OPERATION(aws::lambda::ListFunctionsResponse, ListFunctions, ListFunctionsRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionConfiguration, PublishVersion, PublishVersionRequest)
  LAMBARI_OPERATION(aws::lambda::ListVersionsByFunctionResponse, ListVersionsByFunction, ListVersionsByFunctionRequest)
  LAMBARI_OPERATION(aws::lambda::AliasConfiguration, CreateAlias, CreateAliasRequest)
  LAMBARI_OPERATION(aws::lambda::AliasConfiguration, GetAlias, GetAliasRequest)
  LAMBARI_OPERATION(aws::lambda::AliasConfiguration, UpdateAlias, UpdateAliasRequest)
  LAMBARI_OPERATION(void, DeleteAlias, DeleteAliasRequest)
  LAMBARI_OPERATION(aws::lambda::ListAliasesResponse, ListAliases, ListAliasesRequest)
  LAMBARI_OPERATION(void, TagResource, TagResourceRequest)
  LAMBARI_OPERATION(void, UntagResource, UntagResourceRequest)
  LAMBARI_OPERATION(aws::lambda::ListTagsResponse, ListTags, ListTagsRequest)
  LAMBARI_OPERATION(aws::lambda::AddPermissionResponse, AddPermission, AddPermissionRequest)
  LAMBARI_OPERATION(void, RemovePermission, RemovePermissionRequest)
  LAMBARI_OPERATION(aws::lambda::GetPolicyResponse, GetPolicy, GetPolicyRequest)
  LAMBARI_OPERATION(aws::lambda::PublishLayerVersionResponse, PublishLayerVersion, PublishLayerVersionRequest)
  LAMBARI_OPERATION(aws::lambda::GetLayerVersionResponse, GetLayerVersion, GetLayerVersionRequest)
  LAMBARI_OPERATION(aws::lambda::GetLayerVersionResponse, GetLayerVersionByArn, GetLayerVersionByArnRequest)
  LAMBARI_OPERATION(void, DeleteLayerVersion, DeleteLayerVersionRequest)
  LAMBARI_OPERATION(aws::lambda::ListLayerVersionsResponse, ListLayerVersions, ListLayerVersionsRequest)
  LAMBARI_OPERATION(aws::lambda::ListLayersResponse, ListLayers, ListLayersRequest)
  LAMBARI_OPERATION(aws::lambda::AddLayerVersionPermissionResponse, AddLayerVersionPermission, AddLayerVersionPermissionRequest)
  LAMBARI_OPERATION(void, RemoveLayerVersionPermission, RemoveLayerVersionPermissionRequest)
  LAMBARI_OPERATION(aws::lambda::GetLayerVersionPolicyResponse, GetLayerVersionPolicy, GetLayerVersionPolicyRequest)
  LAMBARI_OPERATION(aws::lambda::InvocationResponse, Invoke, InvocationRequest)
  LAMBARI_OPERATION(aws::lambda::InvokeWithResponseStreamResponse, InvokeWithResponseStream, InvokeWithResponseStreamRequest)
  LAMBARI_OPERATION(aws::lambda::GetAccountSettingsResponse, GetAccountSettings, GetAccountSettingsRequest)
  LAMBARI_OPERATION(aws::lambda::Concurrency, PutFunctionConcurrency, PutFunctionConcurrencyRequest)
  LAMBARI_OPERATION(aws::lambda::GetFunctionConcurrencyResponse, GetFunctionConcurrency, GetFunctionConcurrencyRequest)
  LAMBARI_OPERATION(void, DeleteFunctionConcurrency, DeleteFunctionConcurrencyRequest)
  LAMBARI_OPERATION(aws::lambda::PutProvisionedConcurrencyConfigResponse, PutProvisionedConcurrencyConfig,
                    PutProvisionedConcurrencyConfigRequest)
  LAMBARI_OPERATION(aws::lambda::GetProvisionedConcurrencyConfigResponse, GetProvisionedConcurrencyConfig,
                    GetProvisionedConcurrencyConfigRequest)
  LAMBARI_OPERATION(void, DeleteProvisionedConcurrencyConfig, DeleteProvisionedConcurrencyConfigRequest)
  LAMBARI_OPERATION(aws::lambda::ListProvisionedConcurrencyConfigsResponse, ListProvisionedConcurrencyConfigs,
                    ListProvisionedConcurrencyConfigsRequest)
  LAMBARI_OPERATION(aws::lambda::GetRuntimeManagementConfigResponse, GetRuntimeManagementConfig,
                    GetRuntimeManagementConfigRequest)
  LAMBARI_OPERATION(aws::lambda::PutRuntimeManagementConfigResponse, PutRuntimeManagementConfig,
                    PutRuntimeManagementConfigRequest)
  LAMBARI_OPERATION(aws::lambda::GetFunctionCodeSigningConfigResponse, GetFunctionCodeSigningConfig,
                    GetFunctionCodeSigningConfigRequest)
  LAMBARI_OPERATION(aws::lambda::GetFunctionRecursionConfigResponse, GetFunctionRecursionConfig,
                    GetFunctionRecursionConfigRequest)
  LAMBARI_OPERATION(aws::lambda::EventSourceMappingConfiguration, CreateEventSourceMapping, CreateEventSourceMappingRequest)
  LAMBARI_OPERATION(aws::lambda::EventSourceMappingConfiguration, GetEventSourceMapping, GetEventSourceMappingRequest)
  LAMBARI_OPERATION(aws::lambda::ListEventSourceMappingsResponse, ListEventSourceMappings, ListEventSourceMappingsRequest)
  LAMBARI_OPERATION(aws::lambda::EventSourceMappingConfiguration, UpdateEventSourceMapping, UpdateEventSourceMappingRequest)
  LAMBARI_OPERATION(aws::lambda::EventSourceMappingConfiguration, DeleteEventSourceMapping, DeleteEventSourceMappingRequest)
  LAMBARI_OPERATION(aws::lambda::InvokeAsyncResponse, InvokeAsync, InvokeAsyncRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionEventInvokeConfig, PutFunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionEventInvokeConfig, UpdateFunctionEventInvokeConfig,
                    UpdateFunctionEventInvokeConfigRequest)
  LAMBARI_OPERATION(aws::lambda::FunctionEventInvokeConfig, GetFunctionEventInvokeConfig, GetFunctionEventInvokeConfigRequest)
  LAMBARI_OPERATION(void, DeleteFunctionEventInvokeConfig, DeleteFunctionEventInvokeConfigRequest)
  LAMBARI_OPERATION(aws::lambda::ListFunctionEventInvokeConfigsResponse, ListFunctionEventInvokeConfigs,
                    ListFunctionEventInvokeConfigsRequest)
  LAMBARI_OPERATION(aws::lambda::CreateFunctionUrlConfigResponse, CreateFunctionUrlConfig, CreateFunctionUrlConfigRequest)
  LAMBARI_OPERATION(aws::lambda::GetFunctionUrlConfigResponse, GetFunctionUrlConfig, GetFunctionUrlConfigRequest)
  LAMBARI_OPERATION(aws::lambda::UpdateFunctionUrlConfigResponse, UpdateFunctionUrlConfig, UpdateFunctionUrlConfigRequest)
  LAMBARI_OPERATION(void, DeleteFunctionUrlConfig, DeleteFunctionUrlConfigRequest)
  LAMBARI_OPERATION(aws::lambda::ListFunctionUrlConfigsResponse, ListFunctionUrlConfigs, ListFunctionUrlConfigsRequest)
  LAMBARI_OPERATION(aws::lambda::PutFunctionRecursionConfigResponse, PutFunctionRecursionConfig,
                    PutFunctionRecursionConfigRequest)
#undef LAMBARI_OPERATION

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
};

}  // namespace lambari::lambda
