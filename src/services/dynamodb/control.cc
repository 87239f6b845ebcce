// CreateTable, UpdateTable, DeleteTable, DescribeTable, ListTables.
#include "services/dynamodb/control.h"

#include "services/dynamodb/convert.h"
#include "services/dynamodb/define.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/policies.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxNames = 100;  // of one page of ListTables

api::TableDescription description(State& state, const Table& table) { return describe(table, state.sizes.of(table.id)); }

}  // namespace

async::Task<api::CreateTableOutput> create_table(Shared state, wire::Call call, api::CreateTableInput request) {
  if (!request.TableName) invalid("The parameter 'TableName' is required but was not present in the request");
  check_table_name(*request.TableName, 3);
  const auto name = table_key(call, *request.TableName);
  const auto table = define(name, request, state->clock.now());
  if (request.ResourcePolicy) check_policy(*request.ResourcePolicy);
  co_await state->store.commit([&](store::Transaction& t) {
    if (t.get(keys::table(name))) throw api::ResourceInUseException("Table already exists: " + name.name);
    t.put(keys::table(name), encode(table));
    if (request.ResourcePolicy) t.put(keys::policy(table.id, ""), encode(Policy{*request.ResourcePolicy, new_revision(*state)}));
  });
  state->changed(name);
  state->stirred.notify_all();
  api::CreateTableOutput out;
  out.TableDescription = description(*state, table);
  co_return out;
}

async::Task<api::UpdateTableOutput> update_table(Shared state, wire::Call call, api::UpdateTableInput request) {
  const auto name = table_key(call, request.TableName);
  const auto table = co_await state->store.transact([&](store::Transaction& t) {
    auto changed = redefine(*state->tables.describe(t, name), request, state->clock.now());
    t.put(keys::table(name), encode(changed));
    return changed;
  });
  state->changed(name);
  state->stirred.notify_all();
  api::UpdateTableOutput out;
  out.TableDescription = description(*state, table);
  co_return out;
}

async::Task<api::DeleteTableOutput> delete_table(Shared state, wire::Call call, api::DeleteTableInput request) {
  const auto name = table_key(call, request.TableName);
  const auto table = co_await state->store.transact([&](store::Transaction& t) {
    auto doomed = *state->tables.describe(t, name);
    if (doomed.protected_from_deletion) {
      invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
    }
    if (doomed.status != "ACTIVE") {
      throw api::ResourceInUseException("Attempt to change a resource which is still in use: Table is being " +
                                        std::string(doomed.status == "CREATING"   ? "created"
                                                    : doomed.status == "UPDATING" ? "updated"
                                                                                  : "deleted") +
                                        ": " + name.name);
    }
    if (!doomed.copies.empty()) {
      throw api::ResourceInUseException(
          "Attempt to change a resource which is still in use: Table is being backed up or restored: " + name.name);
    }
    doomed.status = "DELETING";
    t.put(keys::table(name), encode(doomed));
    return doomed;
  });
  state->changed(name);
  state->stirred.notify_all();
  api::DeleteTableOutput out;
  out.TableDescription = description(*state, table);
  co_return out;
}

async::Task<api::DescribeTableOutput> describe_table(Shared state, wire::Call call, api::DescribeTableInput request) {
  const auto reader = state->store.read();
  const auto table = state->tables.describe(*reader, table_key(call, request.TableName));
  api::DescribeTableOutput out;
  out.Table = description(*state, *table);
  co_return out;
}

async::Task<api::ListTablesOutput> list_tables(Shared state, wire::Call call, api::ListTablesInput request) {
  const auto limit = static_cast<std::size_t>(request.Limit.value_or(kMaxNames));
  auto range = store::prefix_range(keys::tables(call.account, call.region));
  if (request.ExclusiveStartTableName) {
    range.begin = keys::table({call.account, call.region, *request.ExclusiveStartTableName}) + '\0';
  }
  const auto rows = state->store.read()->scan(range, limit + 1);
  api::ListTablesOutput out;
  auto& names = out.TableNames.emplace();
  for (std::size_t i = 0; i < rows.size() && i < limit; ++i) names.push_back(decode_table(rows[i].value).name.name);
  if (rows.size() > limit) out.LastEvaluatedTableName = names.back();
  co_return out;
}

}  // namespace lambari::dynamodb
