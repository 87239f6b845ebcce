// The operations by family; each class has its own .cc. They share the house, hold no state and outlive every call.
#pragma once

#include <functional>

#include "aws/lambda/types.h"
#include "base/json.h"
#include "contracts/target.h"
#include "services/lambda/async_rules.h"
#include "services/lambda/house.h"
#include "services/lambda/streaming.h"

namespace lambari::lambda {

// functions.cc, updates.cc
class Functions {
 public:
  explicit Functions(House& house) : house_(house) {}
  async::Task<aws::lambda::FunctionConfiguration> create(const wire::Call& call, aws::lambda::CreateFunctionRequest request);
  async::Task<aws::lambda::GetFunctionResponse> get(const wire::Call& call, aws::lambda::GetFunctionRequest request);
  async::Task<aws::lambda::FunctionConfiguration> get_configuration(const wire::Call& call,
                                                                    aws::lambda::GetFunctionConfigurationRequest request);
  async::Task<aws::lambda::DeleteFunctionResponse> remove(const wire::Call& call, aws::lambda::DeleteFunctionRequest request);
  async::Task<aws::lambda::ListFunctionsResponse> list(const wire::Call& call, aws::lambda::ListFunctionsRequest request);
  async::Task<aws::lambda::FunctionConfiguration> update_code(const wire::Call& call,
                                                              aws::lambda::UpdateFunctionCodeRequest request);
  async::Task<aws::lambda::FunctionConfiguration> update_configuration(const wire::Call& call,
                                                                       aws::lambda::UpdateFunctionConfigurationRequest request);

 private:
  House& house_;
};

// versions.cc
class Versions {
 public:
  explicit Versions(House& house) : house_(house) {}
  async::Task<aws::lambda::FunctionConfiguration> publish(const wire::Call& call, aws::lambda::PublishVersionRequest request);
  async::Task<aws::lambda::ListVersionsByFunctionResponse> list(const wire::Call& call,
                                                                aws::lambda::ListVersionsByFunctionRequest request);
  async::Task<aws::lambda::GetRuntimeManagementConfigResponse> get_runtime_management(
      const wire::Call& call, aws::lambda::GetRuntimeManagementConfigRequest request);
  async::Task<aws::lambda::PutRuntimeManagementConfigResponse> put_runtime_management(
      const wire::Call& call, aws::lambda::PutRuntimeManagementConfigRequest request);

 private:
  House& house_;
};

// Makes the next version from $LATEST inside a transaction: the row of the new one, or of the last one when nothing that runs
// has changed since. Also gives $LATEST a new revision, as AWS does.
Version publish_in(store::Transaction& t, Function& function, Version& latest, const std::optional<std::string>& description,
                   base::Timestamp now, std::vector<std::string>& loose);

// aliases.cc
class Aliases {
 public:
  explicit Aliases(House& house) : house_(house) {}
  async::Task<aws::lambda::AliasConfiguration> create(const wire::Call& call, aws::lambda::CreateAliasRequest request);
  async::Task<aws::lambda::AliasConfiguration> get(const wire::Call& call, aws::lambda::GetAliasRequest request);
  async::Task<aws::lambda::AliasConfiguration> update(const wire::Call& call, aws::lambda::UpdateAliasRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::DeleteAliasRequest request);
  async::Task<aws::lambda::ListAliasesResponse> list(const wire::Call& call, aws::lambda::ListAliasesRequest request);

 private:
  House& house_;
};

// layers.cc
class Layers {
 public:
  explicit Layers(House& house) : house_(house) {}
  async::Task<aws::lambda::PublishLayerVersionResponse> publish(const wire::Call& call,
                                                                aws::lambda::PublishLayerVersionRequest request);
  async::Task<aws::lambda::GetLayerVersionResponse> get(const wire::Call& call, aws::lambda::GetLayerVersionRequest request);
  async::Task<aws::lambda::GetLayerVersionResponse> get_by_arn(const wire::Call& call,
                                                               aws::lambda::GetLayerVersionByArnRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::DeleteLayerVersionRequest request);
  async::Task<aws::lambda::ListLayerVersionsResponse> list_versions(const wire::Call& call,
                                                                    aws::lambda::ListLayerVersionsRequest request);
  async::Task<aws::lambda::ListLayersResponse> list(const wire::Call& call, aws::lambda::ListLayersRequest request);
  async::Task<aws::lambda::AddLayerVersionPermissionResponse> add_permission(
      const wire::Call& call, aws::lambda::AddLayerVersionPermissionRequest request);
  async::Task<> remove_permission(const wire::Call& call, aws::lambda::RemoveLayerVersionPermissionRequest request);
  async::Task<aws::lambda::GetLayerVersionPolicyResponse> get_policy(const wire::Call& call,
                                                                     aws::lambda::GetLayerVersionPolicyRequest request);

 private:
  House& house_;
};

// What a function will use of the layers it names, pinned until its row is written. Throws AWS's faults.
struct ResolvedLayers {
  std::vector<LayerUse> uses;
  std::vector<Packages::Pin> pins;
};
async::Task<ResolvedLayers> resolve_layers(House& house, const wire::Call& call, std::vector<std::string> arns);

// policy.cc
class Permissions {
 public:
  explicit Permissions(House& house) : house_(house) {}
  async::Task<aws::lambda::AddPermissionResponse> add(const wire::Call& call, aws::lambda::AddPermissionRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::RemovePermissionRequest request);
  async::Task<aws::lambda::GetPolicyResponse> get(const wire::Call& call, aws::lambda::GetPolicyRequest request);

 private:
  House& house_;
};

// The Principal element that a principal parameter stands for. Throws for what AWS calls invalid.
base::json::value principal_element(std::string_view principal);
// The Sid of a statement.
std::string statement_id(std::string_view statement);

// tags.cc
class Tags {
 public:
  explicit Tags(House& house) : house_(house) {}
  async::Task<> add(const wire::Call& call, aws::lambda::TagResourceRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::UntagResourceRequest request);
  async::Task<aws::lambda::ListTagsResponse> list(const wire::Call& call, aws::lambda::ListTagsRequest request);

 private:
  House& house_;
};

// account.cc: reserved concurrency and figures of the account
class Account {
 public:
  explicit Account(House& house) : house_(house) {}
  async::Task<aws::lambda::GetAccountSettingsResponse> settings(const wire::Call& call,
                                                                aws::lambda::GetAccountSettingsRequest request);
  async::Task<aws::lambda::Concurrency> put_concurrency(const wire::Call& call,
                                                        aws::lambda::PutFunctionConcurrencyRequest request);
  async::Task<aws::lambda::GetFunctionConcurrencyResponse> get_concurrency(const wire::Call& call,
                                                                           aws::lambda::GetFunctionConcurrencyRequest request);
  async::Task<> delete_concurrency(const wire::Call& call, aws::lambda::DeleteFunctionConcurrencyRequest request);
  async::Task<aws::lambda::GetFunctionCodeSigningConfigResponse> get_code_signing(
      const wire::Call& call, aws::lambda::GetFunctionCodeSigningConfigRequest request);
  async::Task<aws::lambda::GetFunctionRecursionConfigResponse> get_recursion(
      const wire::Call& call, aws::lambda::GetFunctionRecursionConfigRequest request);
  async::Task<aws::lambda::PutFunctionRecursionConfigResponse> put_recursion(
      const wire::Call& call, aws::lambda::PutFunctionRecursionConfigRequest request);

 private:
  House& house_;
};

// Throws CodeStorageExceededException when what is written by now is more than an account may store. Inside the transaction.
void check_code_storage(House& house, store::Reader& reader, std::string_view account, std::string_view region);

// provisioned.cc
class ProvisionedConcurrency {
 public:
  explicit ProvisionedConcurrency(House& house) : house_(house) {}
  async::Task<aws::lambda::PutProvisionedConcurrencyConfigResponse> put(
      const wire::Call& call, aws::lambda::PutProvisionedConcurrencyConfigRequest request);
  async::Task<aws::lambda::GetProvisionedConcurrencyConfigResponse> get(
      const wire::Call& call, aws::lambda::GetProvisionedConcurrencyConfigRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::DeleteProvisionedConcurrencyConfigRequest request);
  async::Task<aws::lambda::ListProvisionedConcurrencyConfigsResponse> list(
      const wire::Call& call, aws::lambda::ListProvisionedConcurrencyConfigsRequest request);

 private:
  House& house_;
};

// invoke.cc
class Invocations {
 public:
  // Makes an event durable and queues it.
  using Accept = std::function<async::Task<>(Event)>;

  Invocations(House& house, Accept accept) : house_(house), accept_(std::move(accept)) {}
  async::Task<aws::lambda::InvocationResponse> api(const wire::Call& call, aws::lambda::InvocationRequest request);
  // The answer comes as the function makes it; what forbids the invocation is thrown before.
  async::Task<aws::lambda::InvokeWithResponseStreamResponse> stream(const wire::Call& call,
                                                                    aws::lambda::InvokeWithResponseStreamRequest request);
  async::Task<contracts::InvocationResult> by_contract(contracts::Invocation invocation);
  // async_invoke.cc
  async::Task<aws::lambda::InvokeAsyncResponse> invoke_async(const wire::Call& call, aws::lambda::InvokeAsyncRequest request);
  async::Task<contracts::Delivery> deliver(contracts::Parcel parcel);
  async::Task<Attempt> attempt(Event event);

  struct Job {
    std::string request_id, payload, client_context, trace_header;
    bool tail = false;
    std::shared_ptr<StreamedAnswer> stream;  // when set, the answer goes there
  };
  using Ran = Finished;
  // For a caller who was let in. Throws as the API's Invoke does.
  async::Task<Ran> call(FunctionKey key, std::string qualifier, Job job);
  // The same, back when the answer has begun or the function has ended without.
  async::Task<std::shared_ptr<StreamedAnswer>> call_streamed(FunctionKey key, std::string qualifier, Job job);

 private:
  async::Task<> run_streamed(std::shared_ptr<const Target> target, Job job);
  async::Task<Job> job_of(const wire::Call& call, std::string payload, std::optional<std::string> client_context,
                          std::optional<std::string> log_type);
  async::Task<std::shared_ptr<const Target>> ready(FunctionKey key, std::string qualifier);
  async::Task<Ran> run(std::shared_ptr<const Target> target, Job job);
  struct Early;
  async::Task<Ran> run_whole(std::shared_ptr<const Target> target, std::shared_ptr<const Version> version, Job job,
                             std::shared_ptr<Early> early);
  async::Task<> run_on(std::shared_ptr<const Target> target, std::shared_ptr<const Version> version, Job job,
                       std::shared_ptr<Early> early);
  async::Task<bool> may_invoke(const contracts::Invocation& invocation, const Target& target, std::string& reason);
  // Throws what Invoke answers to a call with InvocationType Event.
  async::Task<> enqueue(Event event);

  House& house_;
  const Accept accept_;
};

}  // namespace lambari::lambda
