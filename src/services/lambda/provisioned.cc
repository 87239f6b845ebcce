// Provisioned concurrency: its configurations. provisioning.h makes the environments.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/provisioning.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

using aws::lambda::ResourceConflictException;
using aws::lambda::ResourceNotFoundException;

FunctionRef parse_qualified(const std::string& name, const std::string& qualifier, const Scope& scope) {
  auto ref = parse_function(name, qualifier, scope);
  if (ref.unqualified() || ref.qualifier == "$LATEST")
    invalid("The function resource provided must be an alias or a published version.");
  return ref;
}

void check_there(store::Reader& reader, const FunctionRef& ref) {
  if (!rows::function(reader, ref.key)) function_not_found(ref.key, ref.qualifier);
  if (is_alias(ref.qualifier)) {
    if (!rows::alias(reader, ref.key, ref.qualifier))
      refuse<ResourceNotFoundException>("Cannot find alias arn: " + function_arn(ref.key, ref.qualifier));
  } else if (!is_version(ref.qualifier) || ref.qualifier.size() > 18 ||
             !rows::version(reader, ref.key, version_number(ref.qualifier))) {
    function_not_found(ref.key, ref.qualifier);
  }
}

bool routes_to(const Alias& alias, const std::string& version) {
  return alias.version == version || alias.weights.contains(version);
}

// A version gets its environments from one configuration: its own or that of aliases.
void check_overlap(store::Reader& reader, const FunctionRef& ref, const std::map<std::string, Provisioned>& configured) {
  if (is_alias(ref.qualifier)) {
    const auto alias = rows::alias(reader, ref.key, ref.qualifier);
    if (alias->version == "$LATEST")
      invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
    for (const auto& [qualifier, config] : configured) {
      if (is_version(qualifier) && routes_to(*alias, qualifier))
        refuse<ResourceConflictException>(
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
    }
    return;
  }
  for (const auto& [qualifier, config] : configured) {
    if (is_version(qualifier)) continue;
    const auto alias = rows::alias(reader, ref.key, qualifier);
    if (alias && routes_to(*alias, ref.qualifier))
      refuse<ResourceConflictException>("Version is pointed by a Provisioned Concurrency alias");
  }
}

}  // namespace

async::Task<aws::lambda::PutProvisionedConcurrencyConfigResponse> ProvisionedConcurrency::put(
    const wire::Call& call, aws::lambda::PutProvisionedConcurrencyConfigRequest request) {
  if (request.Qualifier == "$LATEST")
    invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  const auto ref = parse_qualified(request.FunctionName, request.Qualifier, House::scope(call));
  const int asked = request.ProvisionedConcurrentExecutions;
  const Provisioned config{asked, house_.d.clock.now()};
  co_await house_.d.store.commit([&](store::Transaction& t) {
    check_there(t, ref);
    auto configured = rows::provisioned(t, ref.key);
    check_overlap(t, ref, configured);
    int before = 0, others = 0;
    for (const auto& [qualifier, each] : configured) (qualifier == ref.qualifier ? before : others) += each.requested;
    const auto reserved = rows::reserved(t, ref.key);
    if (reserved && *reserved < others + asked)
      invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function");
    if (!reserved) {
      const int set_aside = rows::total_set_aside(t, ref.key.account, ref.key.region) - before;
      const int unreserved = house_.settings.account_concurrency - set_aside;
      if (asked > unreserved)
        invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [" +
                std::to_string(unreserved) + "].");
      if (unreserved - asked < kMinUnreserved)
        invalid(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
            "value of [" +
            std::to_string(kMinUnreserved) + "].");
    }
    rows::put_provisioned(t, ref.key, ref.qualifier, config);
  });
  house_.changed(ref.key);
  house_.provisioning.refresh(ref.key, true);
  aws::lambda::PutProvisionedConcurrencyConfigResponse out;
  out.RequestedProvisionedConcurrentExecutions = asked;
  out.AllocatedProvisionedConcurrentExecutions = 0;
  out.AvailableProvisionedConcurrentExecutions = 0;
  out.Status = "IN_PROGRESS";
  out.LastModified = lambda_time(config.modified);
  co_return out;
}

async::Task<aws::lambda::GetProvisionedConcurrencyConfigResponse> ProvisionedConcurrency::get(
    const wire::Call& call, aws::lambda::GetProvisionedConcurrencyConfigRequest request) {
  const auto ref = parse_qualified(request.FunctionName, request.Qualifier, House::scope(call));
  const auto reader = house_.d.store.read();
  check_there(*reader, ref);
  const auto config = rows::provisioned(*reader, ref.key, ref.qualifier);
  if (!config)
    refuse<aws::lambda::ProvisionedConcurrencyConfigNotFoundException>(
        "No Provisioned Concurrency Config found for this function");
  const auto status = house_.provisioning.status(ref.key, ref.qualifier);
  aws::lambda::GetProvisionedConcurrencyConfigResponse out;
  out.RequestedProvisionedConcurrentExecutions = config->requested;
  out.AllocatedProvisionedConcurrentExecutions = status.allocated;
  out.AvailableProvisionedConcurrentExecutions = status.available;
  out.Status = status.status;
  if (!status.reason.empty()) out.StatusReason = status.reason;
  out.LastModified = lambda_time(config->modified);
  co_return out;
}

async::Task<> ProvisionedConcurrency::remove(const wire::Call& call,
                                             aws::lambda::DeleteProvisionedConcurrencyConfigRequest request) {
  const auto ref = parse_qualified(request.FunctionName, request.Qualifier, House::scope(call));
  co_await house_.d.store.commit([&](store::Transaction& t) {
    check_there(t, ref);
    rows::put_provisioned(t, ref.key, ref.qualifier, std::nullopt);
  });
  house_.changed(ref.key);
}

async::Task<aws::lambda::ListProvisionedConcurrencyConfigsResponse> ProvisionedConcurrency::list(
    const wire::Call& call, aws::lambda::ListProvisionedConcurrencyConfigsRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  const auto limit = page_size(request.MaxItems);
  const auto after = from_marker(request.Marker);
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, key)) function_not_found(key);
  aws::lambda::ListProvisionedConcurrencyConfigsResponse out;
  auto& list = out.ProvisionedConcurrencyConfigs.emplace();
  const auto configured = rows::provisioned(*reader, key);
  for (auto it = configured.upper_bound(after); it != configured.end(); ++it) {
    if (list.size() == limit) {
      out.NextMarker = to_marker(std::prev(it)->first);
      break;
    }
    const auto status = house_.provisioning.status(key, it->first);
    aws::lambda::ProvisionedConcurrencyConfigListItem item;
    item.FunctionArn = function_arn(key, it->first);
    item.RequestedProvisionedConcurrentExecutions = it->second.requested;
    item.AllocatedProvisionedConcurrentExecutions = status.allocated;
    item.AvailableProvisionedConcurrentExecutions = status.available;
    item.Status = status.status;
    if (!status.reason.empty()) item.StatusReason = status.reason;
    item.LastModified = lambda_time(it->second.modified);
    list.push_back(std::move(item));
  }
  co_return out;
}

}  // namespace lambari::lambda
