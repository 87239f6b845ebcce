#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {

async::Task<aws::lambda::GetAccountSettingsResponse> Account::settings(const wire::Call& call,
                                                                       aws::lambda::GetAccountSettingsRequest) {
  const auto reader = house_.d.store.read();
  const auto usage = rows::usage(*reader, call.account, call.region);
  aws::lambda::GetAccountSettingsResponse out;
  out.AccountLimit.emplace();
  out.AccountLimit->TotalCodeSize = static_cast<std::int64_t>(house_.settings.max_stored_code);
  out.AccountLimit->CodeSizeUnzipped = static_cast<std::int64_t>(kMaxUnzipped);
  out.AccountLimit->CodeSizeZipped = static_cast<std::int64_t>(kMaxZipped);
  out.AccountLimit->ConcurrentExecutions = house_.settings.account_concurrency;
  out.AccountLimit->UnreservedConcurrentExecutions =
      house_.settings.account_concurrency - rows::total_set_aside(*reader, call.account, call.region);
  out.AccountUsage.emplace();
  out.AccountUsage->TotalCodeSize = static_cast<std::int64_t>(usage.code_bytes);
  out.AccountUsage->FunctionCount = static_cast<std::int64_t>(usage.functions);
  co_return out;
}

async::Task<aws::lambda::Concurrency> Account::put_concurrency(const wire::Call& call,
                                                               aws::lambda::PutFunctionConcurrencyRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  const int asked = request.ReservedConcurrentExecutions;
  co_await house_.d.store.commit([&](store::Transaction& t) {
    if (!rows::function(t, key)) function_not_found(key, "$LATEST");
    int provisioned = 0;
    for (const auto& [qualifier, config] : rows::provisioned(t, key)) provisioned += config.requested;
    if (asked < provisioned)
      invalid("ReservedConcurrentExecutions " + std::to_string(asked) +
              " should not be lower than function's total provisioned concurrency [" + std::to_string(provisioned) + "].");
    const int others = rows::total_set_aside(t, key.account, key.region) - rows::reserved(t, key).value_or(provisioned);
    if (house_.settings.account_concurrency - others - asked < kMinUnreserved) {
      invalid(
          "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
          "minimum value "
          "of [" +
          std::to_string(kMinUnreserved) + "].");
    }
    rows::put_reserved(t, key, asked);
  });
  house_.changed(key);
  co_return aws::lambda::Concurrency{asked};
}

async::Task<aws::lambda::GetFunctionConcurrencyResponse> Account::get_concurrency(
    const wire::Call& call, aws::lambda::GetFunctionConcurrencyRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, key)) function_not_found(key);
  co_return aws::lambda::GetFunctionConcurrencyResponse{rows::reserved(*reader, key)};
}

async::Task<> Account::delete_concurrency(const wire::Call& call, aws::lambda::DeleteFunctionConcurrencyRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  co_await house_.d.store.commit([&](store::Transaction& t) {
    if (!rows::function(t, key)) function_not_found(key, "$LATEST");
    rows::put_reserved(t, key, std::nullopt);
  });
  house_.changed(key);
}

async::Task<aws::lambda::GetFunctionCodeSigningConfigResponse> Account::get_code_signing(
    const wire::Call& call, aws::lambda::GetFunctionCodeSigningConfigRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  if (!rows::function(*house_.d.store.read(), key)) function_not_found(key);
  // No function can have one: CodeSigningConfigArn is refused.
  co_return aws::lambda::GetFunctionCodeSigningConfigResponse{"", key.name};
}

async::Task<aws::lambda::GetFunctionRecursionConfigResponse> Account::get_recursion(
    const wire::Call& call, aws::lambda::GetFunctionRecursionConfigRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  const auto function = rows::function(*house_.d.store.read(), key);
  if (!function) function_not_found(key);
  co_return aws::lambda::GetFunctionRecursionConfigResponse{function->recursive_loops ? "Allow" : "Terminate"};
}

async::Task<aws::lambda::PutFunctionRecursionConfigResponse> Account::put_recursion(
    const wire::Call& call, aws::lambda::PutFunctionRecursionConfigRequest request) {
  const auto key = parse_whole_function(request.FunctionName, House::scope(call));
  co_await house_.d.store.commit([&](store::Transaction& t) {
    auto function = rows::function(t, key);
    if (!function) function_not_found(key);
    function->recursive_loops = request.RecursiveLoop == "Allow";
    rows::put(t, *function);
  });
  house_.changed(key);
  co_return aws::lambda::PutFunctionRecursionConfigResponse{request.RecursiveLoop};
}

void check_code_storage(House& house, store::Reader& reader, std::string_view account, std::string_view region) {
  if (rows::usage(reader, account, region).code_bytes <= house.settings.max_stored_code) return;
  refuse<aws::lambda::CodeStorageExceededException>("Code storage limit exceeded.");
}

}  // namespace lambari::lambda
