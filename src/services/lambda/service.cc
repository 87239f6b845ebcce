#include "services/lambda/service.h"

#include <set>

#include "services/lambda/access.h"
#include "services/lambda/async.h"
#include "services/lambda/async_queue.h"
#include "services/lambda/keys.h"
#include "services/lambda/mapping_rules.h"
#include "services/lambda/mappings.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"
#include "services/lambda/urls.h"

namespace lambari::lambda {

using namespace std::chrono_literals;

struct Lambda::Parts {
  Parts(Dependencies dependencies, Settings settings) : house(dependencies, settings) {}

  House house;
  Functions functions{house};
  Versions versions{house};
  Aliases aliases{house};
  Layers layers{house};
  Permissions permissions{house};
  Tags tags{house};
  Account account{house};
  ProvisionedConcurrency provisioned{house};
  EventInvokeConfigs event_invoke_configs{house};
  AsyncQueue events{house, house.roles, [this](Event event) { return invocations.attempt(std::move(event)); }};
  Mappings mappings{house, events, [this](Event event) { return invocations.attempt(std::move(event)); }};
  Invocations invocations{house, [this](Event event) { return events.accept(std::move(event)); }};
  FunctionUrls urls{house, invocations};

  static async::Task<> tend(std::shared_ptr<Parts> parts) {
    for (unsigned tick = 0; !parts->house.background.stopping(); ++tick) {
      parts->house.environments.tend();
      parts->house.provisioning.tend();
      if (tick % 5 == 4) co_await parts->house.packages.sweep();
      co_await parts->house.background.pause(1s);
    }
  }

  static async::Task<> freeze(std::shared_ptr<Parts> parts) {
    auto& environments = parts->house.environments;
    for (;;) {
      const auto ticket = environments.rested().ticket();
      if (parts->house.background.stopping()) co_return;
      if (environments.freeze_idle()) {
        co_await parts->house.background.pause(10ms);
      } else {
        co_await environments.rested().wait(ticket, 1h);
      }
    }
  }
};

Lambda::Lambda(Dependencies dependencies, Settings settings) : parts_(std::make_shared<Parts>(dependencies, settings)) {}
Lambda::~Lambda() = default;

async::Task<> Lambda::start() {
  auto& house = parts_->house;
  co_await house.packages.start();
  // What was accepted before the last stop and not finished.
  for (const auto& item : rows::pending(*house.d.store.read())) {
    if (const auto version = rows::version(*house.d.store.read(), item.function, item.number)) house.settle_later(*version);
  }
  house.background.spawn("expect functions", house.expect_functions());
  house.provisioning.start();
  house.background.spawn("tend environments", Parts::tend(parts_));
  house.background.spawn("freeze environments", Parts::freeze(parts_));
  co_await parts_->events.start();
  co_await parts_->mappings.start();
}

void Lambda::wind_down() { parts_->mappings.wind_down(); }

async::Task<> Lambda::stop() {
  co_await parts_->mappings.stop();
  co_await parts_->events.stop();
  parts_->house.background.stop();
  parts_->house.environments.rested().notify_all();
  co_await parts_->house.background.finish();
  parts_->house.environments.retire_all();
  if (parts_->house.d.sandbox) co_await parts_->house.d.sandbox->settled();
}

async::Task<> Lambda::nuke() {
  auto& house = parts_->house;
  std::set<std::string> zips;
  co_await house.d.store.commit([&](store::Transaction& t) {
    zips.clear();
    auto range = store::prefix_range(store::Key("lambda/use").str());
    for (bool more = true; more;) {
      const auto found = t.scan(range, 1'000);
      for (const auto& row : found) {
        store::KeyReader key(row.key);
        std::string table, zip;
        if (key.text(table) && key.text(zip)) zips.insert(std::move(zip));
      }
      more = found.size() == 1'000;
      if (more) range.begin = found.back().key + '\0';
    }
    for (const auto table : keys::kTables) t.erase(store::prefix_range(store::Key(table).str()));
  });
  house.targets.forget_all();
  house.provisioning.forget_all();
  house.environments.retire_all();
  parts_->mappings.forget_all();
  co_await parts_->events.clear();
  co_await house.packages.erase_all({zips.begin(), zips.end()});
}

async::Task<contracts::InvocationResult> Lambda::invoke(contracts::Invocation invocation) {
  return parts_->invocations.by_contract(std::move(invocation));
}

async::Task<contracts::AccessRequest> Lambda::access(const wire::Call& call, const wire::Operation& operation,
                                                     const void* request) {
  co_return access_of(parts_->house, call, operation, request);
}

async::Task<std::optional<std::string>> Lambda::package(std::string token) {
  const auto zip = parts_->house.links.open(token, parts_->house.d.clock.now());
  if (!zip) co_return std::nullopt;
  co_return co_await parts_->house.packages.bytes(*zip);
}

async::Task<contracts::Delivery> Lambda::deliver(contracts::Parcel parcel) {
  return parts_->invocations.deliver(std::move(parcel));
}

async::Task<http::Response> Lambda::serve_url(http::Request request, UrlPlace place) {
  return parts_->urls.serve(std::move(request), std::move(place));
}

Lambda::Counters Lambda::counters() const {
  auto out = parts_->house.environments.counters();
  const auto events = parts_->events.counters();
  out.events_received = events.received;
  out.events_dropped = events.dropped;
  out.dead_letter_errors = events.dead_letter_errors;
  out.destination_failures = events.destination_failures;
  const auto& records = parts_->mappings.counters();
  out.records_polled = records.polled;
  out.records_filtered = records.filtered;
  out.records_invoked = records.invoked;
  out.records_failed = records.failed;
  out.records_dropped = records.dropped;
  out.records_deleted = records.deleted;
  return out;
}

#define FORWARD(Result, Name, Request, target)                                             \
  async::Task<Result> Lambda::Name(const wire::Call& call, aws::lambda::Request request) { \
    return parts_->target(call, std::move(request));                                       \
  }
FORWARD(aws::lambda::FunctionConfiguration, CreateFunction, CreateFunctionRequest, functions.create)
FORWARD(aws::lambda::GetFunctionResponse, GetFunction, GetFunctionRequest, functions.get)
FORWARD(aws::lambda::FunctionConfiguration, GetFunctionConfiguration, GetFunctionConfigurationRequest,
        functions.get_configuration)
FORWARD(aws::lambda::FunctionConfiguration, UpdateFunctionCode, UpdateFunctionCodeRequest, functions.update_code)
FORWARD(aws::lambda::FunctionConfiguration, UpdateFunctionConfiguration, UpdateFunctionConfigurationRequest,
        functions.update_configuration)
FORWARD(aws::lambda::DeleteFunctionResponse, DeleteFunction, DeleteFunctionRequest, functions.remove)
FORWARD(aws::lambda::ListFunctionsResponse, ListFunctions, ListFunctionsRequest, functions.list)
FORWARD(aws::lambda::FunctionConfiguration, PublishVersion, PublishVersionRequest, versions.publish)
FORWARD(aws::lambda::ListVersionsByFunctionResponse, ListVersionsByFunction, ListVersionsByFunctionRequest, versions.list)
FORWARD(aws::lambda::AliasConfiguration, CreateAlias, CreateAliasRequest, aliases.create)
FORWARD(aws::lambda::AliasConfiguration, GetAlias, GetAliasRequest, aliases.get)
FORWARD(aws::lambda::AliasConfiguration, UpdateAlias, UpdateAliasRequest, aliases.update)
FORWARD(void, DeleteAlias, DeleteAliasRequest, aliases.remove)
FORWARD(aws::lambda::ListAliasesResponse, ListAliases, ListAliasesRequest, aliases.list)
FORWARD(aws::lambda::AddPermissionResponse, AddPermission, AddPermissionRequest, permissions.add)
FORWARD(void, RemovePermission, RemovePermissionRequest, permissions.remove)
FORWARD(aws::lambda::GetPolicyResponse, GetPolicy, GetPolicyRequest, permissions.get)
FORWARD(aws::lambda::PublishLayerVersionResponse, PublishLayerVersion, PublishLayerVersionRequest, layers.publish)
FORWARD(aws::lambda::GetLayerVersionResponse, GetLayerVersion, GetLayerVersionRequest, layers.get)
FORWARD(aws::lambda::GetLayerVersionResponse, GetLayerVersionByArn, GetLayerVersionByArnRequest, layers.get_by_arn)
FORWARD(void, DeleteLayerVersion, DeleteLayerVersionRequest, layers.remove)
FORWARD(aws::lambda::ListLayerVersionsResponse, ListLayerVersions, ListLayerVersionsRequest, layers.list_versions)
FORWARD(aws::lambda::ListLayersResponse, ListLayers, ListLayersRequest, layers.list)
FORWARD(aws::lambda::AddLayerVersionPermissionResponse, AddLayerVersionPermission, AddLayerVersionPermissionRequest,
        layers.add_permission)
FORWARD(void, RemoveLayerVersionPermission, RemoveLayerVersionPermissionRequest, layers.remove_permission)
FORWARD(aws::lambda::GetLayerVersionPolicyResponse, GetLayerVersionPolicy, GetLayerVersionPolicyRequest, layers.get_policy)
FORWARD(aws::lambda::InvocationResponse, Invoke, InvocationRequest, invocations.api)
FORWARD(aws::lambda::InvokeWithResponseStreamResponse, InvokeWithResponseStream, InvokeWithResponseStreamRequest,
        invocations.stream)
FORWARD(aws::lambda::GetAccountSettingsResponse, GetAccountSettings, GetAccountSettingsRequest, account.settings)
FORWARD(aws::lambda::Concurrency, PutFunctionConcurrency, PutFunctionConcurrencyRequest, account.put_concurrency)
FORWARD(aws::lambda::GetFunctionConcurrencyResponse, GetFunctionConcurrency, GetFunctionConcurrencyRequest,
        account.get_concurrency)
FORWARD(void, DeleteFunctionConcurrency, DeleteFunctionConcurrencyRequest, account.delete_concurrency)
FORWARD(aws::lambda::PutProvisionedConcurrencyConfigResponse, PutProvisionedConcurrencyConfig,
        PutProvisionedConcurrencyConfigRequest, provisioned.put)
FORWARD(aws::lambda::GetProvisionedConcurrencyConfigResponse, GetProvisionedConcurrencyConfig,
        GetProvisionedConcurrencyConfigRequest, provisioned.get)
FORWARD(void, DeleteProvisionedConcurrencyConfig, DeleteProvisionedConcurrencyConfigRequest, provisioned.remove)
FORWARD(aws::lambda::ListProvisionedConcurrencyConfigsResponse, ListProvisionedConcurrencyConfigs,
        ListProvisionedConcurrencyConfigsRequest, provisioned.list)
FORWARD(aws::lambda::GetRuntimeManagementConfigResponse, GetRuntimeManagementConfig, GetRuntimeManagementConfigRequest,
        versions.get_runtime_management)
FORWARD(aws::lambda::PutRuntimeManagementConfigResponse, PutRuntimeManagementConfig, PutRuntimeManagementConfigRequest,
        versions.put_runtime_management)
FORWARD(aws::lambda::GetFunctionCodeSigningConfigResponse, GetFunctionCodeSigningConfig, GetFunctionCodeSigningConfigRequest,
        account.get_code_signing)
FORWARD(aws::lambda::GetFunctionRecursionConfigResponse, GetFunctionRecursionConfig, GetFunctionRecursionConfigRequest,
        account.get_recursion)
FORWARD(aws::lambda::EventSourceMappingConfiguration, CreateEventSourceMapping, CreateEventSourceMappingRequest, mappings.create)
FORWARD(aws::lambda::EventSourceMappingConfiguration, GetEventSourceMapping, GetEventSourceMappingRequest, mappings.get)
FORWARD(aws::lambda::ListEventSourceMappingsResponse, ListEventSourceMappings, ListEventSourceMappingsRequest, mappings.list)
FORWARD(aws::lambda::EventSourceMappingConfiguration, UpdateEventSourceMapping, UpdateEventSourceMappingRequest, mappings.update)
FORWARD(aws::lambda::EventSourceMappingConfiguration, DeleteEventSourceMapping, DeleteEventSourceMappingRequest, mappings.remove)
FORWARD(aws::lambda::InvokeAsyncResponse, InvokeAsync, InvokeAsyncRequest, invocations.invoke_async)
FORWARD(aws::lambda::FunctionEventInvokeConfig, PutFunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest,
        event_invoke_configs.put)
FORWARD(aws::lambda::FunctionEventInvokeConfig, UpdateFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfigRequest,
        event_invoke_configs.update)
FORWARD(aws::lambda::FunctionEventInvokeConfig, GetFunctionEventInvokeConfig, GetFunctionEventInvokeConfigRequest,
        event_invoke_configs.get)
FORWARD(void, DeleteFunctionEventInvokeConfig, DeleteFunctionEventInvokeConfigRequest, event_invoke_configs.remove)
FORWARD(aws::lambda::ListFunctionEventInvokeConfigsResponse, ListFunctionEventInvokeConfigs,
        ListFunctionEventInvokeConfigsRequest, event_invoke_configs.list)
FORWARD(aws::lambda::CreateFunctionUrlConfigResponse, CreateFunctionUrlConfig, CreateFunctionUrlConfigRequest, urls.create)
FORWARD(aws::lambda::GetFunctionUrlConfigResponse, GetFunctionUrlConfig, GetFunctionUrlConfigRequest, urls.get)
FORWARD(aws::lambda::UpdateFunctionUrlConfigResponse, UpdateFunctionUrlConfig, UpdateFunctionUrlConfigRequest, urls.update)
FORWARD(void, DeleteFunctionUrlConfig, DeleteFunctionUrlConfigRequest, urls.remove)
FORWARD(aws::lambda::ListFunctionUrlConfigsResponse, ListFunctionUrlConfigs, ListFunctionUrlConfigsRequest, urls.list)
FORWARD(aws::lambda::PutFunctionRecursionConfigResponse, PutFunctionRecursionConfig, PutFunctionRecursionConfigRequest,
        account.put_recursion)
#undef FORWARD

// Tags belong to functions and to event source mappings.
#define FORWARD_TAGS(Result, Name, Request, of_function, of_mapping)                                                  \
  async::Task<Result> Lambda::Name(const wire::Call& call, aws::lambda::Request request) {                            \
    if (!uuid_of_mapping_arn(request.Resource).empty()) return parts_->mappings.of_mapping(call, std::move(request)); \
    return parts_->tags.of_function(call, std::move(request));                                                        \
  }
FORWARD_TAGS(void, TagResource, TagResourceRequest, add, tag)
FORWARD_TAGS(void, UntagResource, UntagResourceRequest, remove, untag)
FORWARD_TAGS(aws::lambda::ListTagsResponse, ListTags, ListTagsRequest, list, tags)
#undef FORWARD_TAGS

}  // namespace lambari::lambda
