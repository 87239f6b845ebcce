#include "services/lambda/describe.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {

Version publish_in(store::Transaction& t, Function& function, Version& latest, const std::optional<std::string>& description,
                   base::Timestamp now, std::vector<std::string>& loose) {
  if (const auto last = rows::version(t, function.key, function.last_version);
      function.last_version != 0 && last && last->generation == latest.generation) {
    return *last;
  }
  Version v = latest;
  v.number = ++function.last_version;
  v.modified = now;
  v.revision = base::uuid();
  if (description) v.configuration.description = *description;
  if (v.update_status == "InProgress") {
    // A version has no update of its own: it is being made.
    v.state = "Pending";
    v.state_reason = "The function is being created.";
    v.state_reason_code = "Creating";
    v.update_status.clear();
    v.update_reason.clear();
    v.update_reason_code.clear();
  }
  latest.revision = base::uuid();
  rows::put(t, v, loose);
  return v;
}

async::Task<aws::lambda::FunctionConfiguration> Versions::publish(const wire::Call& call,
                                                                  aws::lambda::PublishVersionRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  if (request.PublishTo) not_here("PublishTo");
  const auto now = house_.d.clock.now();
  std::vector<std::string> loose;
  const auto version = co_await house_.d.store.transact([&](store::Transaction& t) {
    loose.clear();
    auto function = rows::function(t, key);
    auto latest = rows::version(t, key, 0);
    if (!function || !latest) function_not_found(key);
    check_revision(request.RevisionId, latest->revision);
    if (latest->state == "Pending" || latest->update_status == "InProgress") {
      refuse<aws::lambda::ResourceConflictException>(
          "The operation cannot be performed at this time. An update is in progress for resource: " + function_arn(key));
    }
    if (request.CodeSha256 && !request.CodeSha256->empty() && *request.CodeSha256 != code_sha256(latest->code)) {
      invalid("CodeSHA256 (" + *request.CodeSha256 + ") is different from current CodeSHA256 in $LATEST (" +
              code_sha256(latest->code) + "). Please try again with the CodeSHA256 in $LATEST.");
    }
    const auto made = publish_in(t, *function, *latest, request.Description, now, loose);
    rows::put(t, *function);
    rows::put(t, *latest, loose);
    check_code_storage(house_, t, key.account, key.region);
    return made;
  });
  house_.changed(key, loose);
  co_return describe(version, version.label());
}

async::Task<aws::lambda::ListVersionsByFunctionResponse> Versions::list(const wire::Call& call,
                                                                        aws::lambda::ListVersionsByFunctionRequest request) {
  const auto key = parse_function(request.FunctionName, std::nullopt, House::scope(call)).key;
  const auto limit = page_size(request.MaxItems);
  const auto marker = from_marker(request.Marker);
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, key)) function_not_found(key);
  auto versions = rows::versions(*reader, key, marker.empty() ? 0 : version_number(marker), marker.empty(), limit + 1);
  aws::lambda::ListVersionsByFunctionResponse out;
  out.Versions.emplace();
  if (versions.size() > limit) {
    versions.resize(limit);
    out.NextMarker = to_marker(versions.back().label());
  }
  for (const auto& v : versions) out.Versions->push_back(describe(v, v.label(), Detail::listed));
  co_return out;
}

// A runtime here has one version, that of the host: it changes only when the host does. Auto and FunctionUpdate therefore mean
// the same, and Manual can name only that one.
async::Task<aws::lambda::GetRuntimeManagementConfigResponse> Versions::get_runtime_management(
    const wire::Call& call, aws::lambda::GetRuntimeManagementConfigRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  if (!ref.unqualified() && ref.qualifier != "$LATEST" && !is_version(ref.qualifier)) {
    invalid("Runtime management is per version: specify $LATEST or a published version.");
  }
  const auto label = ref.unqualified() ? "$LATEST" : ref.qualifier;
  const auto v = rows::version(*house_.d.store.read(), ref.key, version_number(label));
  if (!v) function_not_found(ref.key, ref.qualifier);
  aws::lambda::GetRuntimeManagementConfigResponse out;
  out.UpdateRuntimeOn = v->configuration.update_runtime_on;
  out.FunctionArn = function_arn(ref.key, label);
  if (*out.UpdateRuntimeOn == "Manual") out.RuntimeVersionArn = runtime_version_arn(ref.key.region, v->configuration.runtime);
  co_return out;
}

async::Task<aws::lambda::PutRuntimeManagementConfigResponse> Versions::put_runtime_management(
    const wire::Call& call, aws::lambda::PutRuntimeManagementConfigRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  if (!ref.unqualified() && ref.qualifier != "$LATEST" && !is_version(ref.qualifier)) {
    invalid("Runtime management is per version: specify $LATEST or a published version.");
  }
  const bool manual = request.UpdateRuntimeOn == "Manual";
  if (manual && !request.RuntimeVersionArn) invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.");
  if (!manual && request.RuntimeVersionArn) invalid("RuntimeVersionArn is only allowed when UpdateRuntimeOn is Manual.");
  const auto label = ref.unqualified() ? "$LATEST" : ref.qualifier;
  co_await house_.d.store.commit([&](store::Transaction& t) {
    auto v = rows::version(t, ref.key, version_number(label));
    if (!v) function_not_found(ref.key, ref.qualifier);
    if (manual && *request.RuntimeVersionArn != runtime_version_arn(ref.key.region, v->configuration.runtime)) {
      invalid("The runtime version " + *request.RuntimeVersionArn + " is not available on this host.");
    }
    v->configuration.update_runtime_on = request.UpdateRuntimeOn;
    v->revision = base::uuid();
    std::vector<std::string> none;
    rows::put(t, *v, none);
  });
  house_.changed(ref.key);
  aws::lambda::PutRuntimeManagementConfigResponse out;
  out.UpdateRuntimeOn = request.UpdateRuntimeOn;
  out.FunctionArn = function_arn(ref.key, label);
  out.RuntimeVersionArn = request.RuntimeVersionArn;
  co_return out;
}

}  // namespace lambari::lambda
