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
  out.AccountLimit->TotalCodeSize = static_cast<std::int64_t>(kMaxStoredCode);
  out.AccountLimit->CodeSizeUnzipped = static_cast<std::int64_t>(kMaxUnzipped);
  out.AccountLimit->CodeSizeZipped = static_cast<std::int64_t>(kMaxZipped);
  out.AccountLimit->ConcurrentExecutions = house_.settings.account_concurrency;
  out.AccountLimit->UnreservedConcurrentExecutions =
      house_.settings.account_concurrency - rows::total_reserved(*reader, call.account, call.region);
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
    const int others = rows::total_reserved(t, key.account, key.region) - rows::reserved(t, key).value_or(0);
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
  if (!rows::function(*house_.d.store.read(), key)) function_not_found(key);
  co_return aws::lambda::GetFunctionRecursionConfigResponse{"Terminate"};
}

}  // namespace lambari::lambda
