// What IAM is asked for each operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
#include <algorithm>

#include "services/dynamodb/service.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

std::string arn_of(const wire::Call& call, const std::string& name_or_arn) {
  Table table;
  table.name = table_key(call, name_or_arn);
  return table.arn();
}

}  // namespace

async::Task<> check_access(Shared state, wire::Call call, std::vector<std::pair<std::string, std::string>> actions_and_tables) {
  std::sort(actions_and_tables.begin(), actions_and_tables.end());
  actions_and_tables.erase(std::unique(actions_and_tables.begin(), actions_and_tables.end()), actions_and_tables.end());
  for (const auto& [action, name] : actions_and_tables) {
    contracts::AccessRequest question;
    question.action = "dynamodb:" + action;
    question.resources = {arn_of(call, name)};
    const auto decision = co_await state->authorizer.authorize(call.principal, question);
    if (!decision.allowed) throw wire::Fault("AccessDeniedException", decision.reason, 400);
  }
}

async::Task<contracts::AccessRequest> DynamoDb::access(const wire::Call& call, const wire::Operation& operation,
                                                       const void* request) {
  contracts::AccessRequest out;
  // Transactions and statements are asked for one by one, by the operations themselves.
  if (operation.name.starts_with("Transact") || operation.name.find("Execute") != std::string_view::npos) co_return out;
  out.action = "dynamodb:" + std::string(operation.name);
  const auto member = [&](std::string_view name) -> std::optional<std::string> {
    return operation.input != nullptr && request != nullptr ? wire::string_member(*operation.input, request, name) : std::nullopt;
  };
  if (operation.name == "BatchGetItem") {
    for (const auto& [table, keys] : static_cast<const api::BatchGetItemInput*>(request)->RequestItems)
      out.resources.push_back(arn_of(call, table));
  } else if (operation.name == "BatchWriteItem") {
    for (const auto& [table, writes] : static_cast<const api::BatchWriteItemInput*>(request)->RequestItems)
      out.resources.push_back(arn_of(call, table));
  } else if (const auto table = member("TableName")) {
    auto arn = arn_of(call, *table);
    if (const auto index = member("IndexName")) arn += "/index/" + *index;
    out.resources = {std::move(arn)};
  } else if (const auto arn = member("ResourceArn")) {
    out.resources = {*arn};
  }
  if (out.resources.empty()) out.resources = {"*"};
  const auto name = member("TableName").value_or(member("ResourceArn").value_or(""));
  if (!name.empty()) {
    if (const auto table = state_->tables.find(*state_->store.read(), table_key(call, name))) {
      for (const auto& [key, value] : table->tags) out.context["aws:ResourceTag/" + key] = {value};
    }
  }
  co_return out;
}

}  // namespace lambari::dynamodb
