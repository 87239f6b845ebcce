#include "services/lambda/async.h"
#include "services/lambda/async_queue.h"
#include "services/lambda/faults.h"
#include "services/lambda/keys.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

using aws::lambda::FunctionEventInvokeConfig;

constexpr std::size_t kConfigPage = 50;

std::string label(const FunctionRef& ref) { return ref.qualifier.empty() ? "$LATEST" : ref.qualifier; }

FunctionEventInvokeConfig describe(const FunctionKey& key, const std::string& qualifier, const EventInvokeConfig& config) {
  FunctionEventInvokeConfig out;
  out.FunctionArn = function_arn(key, qualifier);
  out.LastModified = config.modified;
  out.MaximumEventAgeInSeconds = config.max_age_s;
  out.MaximumRetryAttempts = config.max_retries;
  out.DestinationConfig.emplace();
  out.DestinationConfig->OnSuccess.emplace();
  out.DestinationConfig->OnFailure.emplace();
  if (!config.on_success.empty()) out.DestinationConfig->OnSuccess->Destination = config.on_success;
  if (!config.on_failure.empty()) out.DestinationConfig->OnFailure->Destination = config.on_failure;
  return out;
}

[[noreturn]] void no_config(const FunctionRef& ref) {
  refuse<aws::lambda::ResourceNotFoundException>("The function " + function_arn(ref.key, label(ref)) +
                                                 " doesn't have an EventInvokeConfig");
}

// The version that the reference means now. Throws when there is none.
Version need_version(store::Reader& reader, const FunctionRef& ref) {
  std::uint64_t number = 0;
  if (is_version(ref.qualifier)) {
    number = version_number(ref.qualifier);
  } else if (!ref.qualifier.empty() && ref.qualifier != "$LATEST") {
    const auto alias = rows::alias(reader, ref.key, ref.qualifier);
    if (!alias) refuse<aws::lambda::ResourceNotFoundException>("The function doesn't exist.");
    number = version_number(alias->version);
  }
  auto version = rows::version(reader, ref.key, number);
  if (!version) refuse<aws::lambda::ResourceNotFoundException>("The function doesn't exist.");
  return std::move(*version);
}

void need_something(const std::optional<int>& age, const std::optional<int>& retries,
                    const std::optional<aws::lambda::DestinationConfig>& destinations) {
  if (!age && !retries && !destinations) invalid("You must specify at least one of error handling or destination setting.");
}

// May the role send there?
async::Task<bool> may_send(House& house, std::string role, std::string action, std::string arn) {
  const auto principal = co_await house.roles.principal(role, "lambda-destinations");
  if (!principal) co_return false;
  contracts::AccessRequest request;
  request.action = std::move(action);
  request.resources = {std::move(arn)};
  const auto decision = co_await house.d.authorizer.authorize(*principal, request);
  co_return decision.allowed;
}

}  // namespace

async::Task<> check_destination(House& house, FunctionKey key, std::string role, std::string arn) {
  if (arn.empty()) co_return;
  const auto call = destination_call(arn);
  if (arn.starts_with("arn:aws:s3:")) not_here("An S3 bucket as a destination");
  if (call.action.empty()) {
    invalid("The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination=" + arn +
            ")) is invalid.");
  }
  if (arn == function_arn(key) || arn.starts_with(function_arn(key) + ":"))
    invalid("You can't specify the function as a destination for itself.");
  if (!house.d.targets || !house.d.targets->find(arn)) not_here(call.service + " as a destination");
  if (!co_await may_send(house, role, call.action, arn))
    invalid("The function's execution role does not have permissions to call " + call.call + " on " + arn);
}

std::string dead_letter_target(const std::optional<aws::lambda::DeadLetterConfig>& config) {
  if (!config || !config->TargetArn) return {};
  const auto& arn = *config->TargetArn;
  if (arn.empty()) return {};
  const auto call = destination_call(arn);
  if (call.service != "SQS" && call.service != "SNS")
    invalid("The dead-letter target must be the ARN of an Amazon SQS queue or an Amazon SNS topic: " + arn);
  return arn;
}

async::Task<> check_dead_letter(House& house, std::string role, std::string arn) {
  if (arn.empty()) co_return;
  const auto call = destination_call(arn);
  if (!house.d.targets || !house.d.targets->find(arn)) not_here(call.service + " as a dead-letter target");
  if (!co_await may_send(house, role, call.action, arn))
    invalid("The provided execution role does not have permissions to call " + call.call + " on " + call.service);
}

async::Task<FunctionEventInvokeConfig> EventInvokeConfigs::put(const wire::Call& call,
                                                               aws::lambda::PutFunctionEventInvokeConfigRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  need_something(request.MaximumEventAgeInSeconds, request.MaximumRetryAttempts, request.DestinationConfig);
  const auto version = need_version(*house_.d.store.read(), ref);
  EventInvokeConfig config;
  config.max_age_s = request.MaximumEventAgeInSeconds;
  config.max_retries = request.MaximumRetryAttempts;
  config.modified = house_.d.clock.now();
  if (const auto& d = request.DestinationConfig) {
    if (d->OnSuccess) config.on_success = d->OnSuccess->Destination.value_or("");
    if (d->OnFailure) config.on_failure = d->OnFailure->Destination.value_or("");
  }
  co_await check_destination(house_, ref.key, version.configuration.role, config.on_success);
  co_await check_destination(house_, ref.key, version.configuration.role, config.on_failure);
  co_await house_.d.store.commit([&](store::Transaction& t) {
    need_version(t, ref);
    t.put(keys::event_invoke(ref.key, label(ref)), encode(config));
  });
  co_return describe(ref.key, label(ref), config);
}

async::Task<FunctionEventInvokeConfig> EventInvokeConfigs::update(const wire::Call& call,
                                                                  aws::lambda::UpdateFunctionEventInvokeConfigRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  need_something(request.MaximumEventAgeInSeconds, request.MaximumRetryAttempts, request.DestinationConfig);
  const auto version = need_version(*house_.d.store.read(), ref);
  const auto now = house_.d.clock.now();
  if (const auto& d = request.DestinationConfig) {
    const auto& role = version.configuration.role;
    if (d->OnSuccess) co_await check_destination(house_, ref.key, role, d->OnSuccess->Destination.value_or(""));
    if (d->OnFailure) co_await check_destination(house_, ref.key, role, d->OnFailure->Destination.value_or(""));
  }
  const auto config = co_await house_.d.store.transact([&](store::Transaction& t) {
    need_version(t, ref);
    const auto row = keys::event_invoke(ref.key, label(ref));
    const auto before = t.get(row);
    if (!before) no_config(ref);
    auto config = decode_event_invoke_config(*before);
    if (request.MaximumEventAgeInSeconds) config.max_age_s = request.MaximumEventAgeInSeconds;
    if (request.MaximumRetryAttempts) config.max_retries = request.MaximumRetryAttempts;
    if (const auto& d = request.DestinationConfig) {
      config.on_success = d->OnSuccess ? d->OnSuccess->Destination.value_or("") : "";
      config.on_failure = d->OnFailure ? d->OnFailure->Destination.value_or("") : "";
    }
    config.modified = now;
    t.put(row, encode(config));
    return config;
  });
  co_return describe(ref.key, label(ref), config);
}

async::Task<FunctionEventInvokeConfig> EventInvokeConfigs::get(const wire::Call& call,
                                                               aws::lambda::GetFunctionEventInvokeConfigRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  const auto bytes = house_.d.store.read()->get(keys::event_invoke(ref.key, label(ref)));
  if (!bytes) no_config(ref);
  co_return describe(ref.key, label(ref), decode_event_invoke_config(*bytes));
}

async::Task<> EventInvokeConfigs::remove(const wire::Call& call, aws::lambda::DeleteFunctionEventInvokeConfigRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  co_await house_.d.store.commit([&](store::Transaction& t) {
    const auto row = keys::event_invoke(ref.key, label(ref));
    if (!t.get(row)) no_config(ref);
    t.erase(row);
  });
}

async::Task<aws::lambda::ListFunctionEventInvokeConfigsResponse> EventInvokeConfigs::list(
    const wire::Call& call, aws::lambda::ListFunctionEventInvokeConfigsRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  const auto after = from_marker(request.Marker);
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, key)) refuse<aws::lambda::ResourceNotFoundException>("The function doesn't exist.");
  const auto limit = page_size(request.MaxItems, kConfigPage);
  auto range = store::prefix_range(keys::event_invokes(key));
  if (!after.empty()) range.begin = keys::event_invoke(key, after) + '\0';
  aws::lambda::ListFunctionEventInvokeConfigsResponse out;
  out.FunctionEventInvokeConfigs.emplace();
  std::string last;
  for (const auto& row : reader->scan(range, limit + 1)) {
    if (out.FunctionEventInvokeConfigs->size() == limit) {
      out.NextMarker = to_marker(last);
      break;
    }
    store::KeyReader parts(row.key);
    std::string ignored;
    for (int i = 0; i < 4; ++i) parts.text(ignored);
    parts.text(last);
    out.FunctionEventInvokeConfigs->push_back(describe(key, last, decode_event_invoke_config(row.value)));
  }
  co_return out;
}

}  // namespace lambari::lambda
