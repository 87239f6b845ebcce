// What IAM is asked for each operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
#include <algorithm>

#include "services/dynamodb/keys.h"
#include "services/dynamodb/policies.h"
#include "services/dynamodb/service.h"
#include "services/dynamodb/state.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxGuards = 10'000;
constexpr std::size_t kMaxPolicies = 1000;  // of a table: of itself, and of each of its streams

std::string arn_of(const TableKey& name) {
  Table table;
  table.name = name;
  return table.arn();
}

std::shared_ptr<const Guard> read_guard(store::Reader& reader, Tables& tables, const TableKey& name) {
  const auto table = tables.find(reader, name);
  if (!table) return nullptr;
  auto guard = std::make_shared<Guard>();
  guard->tags = table->tags;
  const auto prefix = keys::policies(table->id);
  for (const auto& row : reader.scan(store::prefix_range(prefix), kMaxPolicies)) {
    store::KeyReader key(std::string_view(row.key).substr(prefix.size()));
    std::string label;
    if (key.text(label)) guard->policies[label] = decode_policy(row.value).document;
  }
  return guard;
}

}  // namespace

std::shared_ptr<const Guard> Guards::find(store::Store& store, Tables& tables, const TableKey& name) {
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = entries_.find(name); it != entries_.end()) return it->second;
    generation = generation_;
  }
  auto guard = read_guard(*store.read(), tables, name);
  const std::lock_guard lock(mutex_);
  // What was read before a change is not remembered after it.
  if (generation == generation_) {
    if (entries_.size() >= kMaxGuards) entries_.clear();
    entries_.insert_or_assign(name, guard);
  }
  return guard;
}

void Guards::forget(const TableKey& name) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  entries_.erase(name);
}

void Guards::forget_all() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  entries_.clear();
}

void guard_by_table(State& state, const TableKey& name, contracts::AccessRequest& question, const std::string& label) {
  const auto guard = state.guards.find(state.store, state.tables, name);
  if (!guard) return;
  for (const auto& [key, value] : guard->tags) question.context["aws:ResourceTag/" + key] = {value};
  question.resource_policy = guard->policy(label);
}

async::Task<> check_access(Shared state, wire::Call call, std::vector<std::pair<std::string, std::string>> actions_and_tables) {
  std::sort(actions_and_tables.begin(), actions_and_tables.end());
  actions_and_tables.erase(std::unique(actions_and_tables.begin(), actions_and_tables.end()), actions_and_tables.end());
  for (const auto& [action, name] : actions_and_tables) {
    const auto table = table_key(call, name);
    contracts::AccessRequest question;
    question.action = "dynamodb:" + action;
    question.resources = {arn_of(table)};
    guard_by_table(*state, table, question);
    const auto decision = co_await state->authorizer.authorize(call.principal, question);
    if (!decision.allowed) throw wire::Fault("AccessDeniedException", decision.reason, 400);
  }
}

async::Task<contracts::AccessRequest> DynamoDb::access(const wire::Call& call, const wire::Operation& operation,
                                                       const void* request) {
  contracts::AccessRequest out;
  const auto name = operation.name;
  // What may touch several tables is asked for one by one, by the operations themselves.
  if (name.starts_with("Transact") || name.starts_with("Batch") || name.find("Execute") != name.npos) co_return out;
  out.action = "dynamodb:" + std::string(name);
  const auto member = [&](std::string_view wanted) -> std::optional<std::string> {
    return operation.input != nullptr && request != nullptr ? wire::string_member(*operation.input, request, wanted)
                                                            : std::nullopt;
  };
  if (const auto target = member("TargetTableName")) {  // a restore: from a backup or a table, to a table
    const auto source = member("SourceTableName");
    out.resources = {
        source ? arn_of(table_key(call, *source)) : member("BackupArn").value_or(member("SourceTableArn").value_or("*")),
        arn_of(table_key(call, *target))};
  } else if (const auto backup = member("BackupArn")) {
    out.resources = {*backup};
  } else if (const auto table = member("TableName")) {
    const auto key = table_key(call, *table);
    auto arn = arn_of(key);
    if (const auto index = member("IndexName")) arn += "/index/" + *index;
    out.resources = {std::move(arn)};
    guard_by_table(*state_, key, out);
  } else if (const auto arn = member("ResourceArn")) {
    out.resources = {*arn};
    if (const auto key = parse_arn(*arn)) guard_by_table(*state_, *key, out, stream_label(*arn));
  } else {
    out.resources = {"*"};
  }
  // Nobody locks the owner of the account out.
  const bool owner = call.principal.kind == contracts::Principal::Kind::root;
  if (owner && (name == "GetResourcePolicy" || name == "DeleteResourcePolicy")) out.resource_policy.clear();
  co_return out;
}

}  // namespace lambari::dynamodb
