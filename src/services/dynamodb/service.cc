#include "services/dynamodb/service.h"

#include <algorithm>
#include <chrono>

#include "services/dynamodb/control.h"
#include "services/dynamodb/items.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/stream_source.h"
#include "services/dynamodb/streams.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

using namespace std::chrono_literals;
namespace api = aws::dynamodb;

constexpr auto kGrace = 5s;

// The next start draws sequence numbers beyond any that this one can.
constexpr std::uint64_t kNumbersOfAStart = std::uint64_t{1} << 40;

std::vector<std::pair<std::string, std::string>> actions_of(const api::TransactWriteItemsInput& request) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& item : request.TransactItems) {
    if (item.Put) out.emplace_back("PutItem", item.Put->TableName);
    if (item.Update) out.emplace_back("UpdateItem", item.Update->TableName);
    if (item.Delete) out.emplace_back("DeleteItem", item.Delete->TableName);
    if (item.ConditionCheck) out.emplace_back("ConditionCheckItem", item.ConditionCheck->TableName);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> actions_of(const api::TransactGetItemsInput& request) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& item : request.TransactItems) out.emplace_back("GetItem", item.Get.TableName);
  return out;
}

template <class Request>
std::vector<std::pair<std::string, std::string>> actions_of(std::string action, const Request& batch) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [table, items] : batch.RequestItems) out.emplace_back(action, table);
  return out;
}

// The time of the latest change that some table kept, in ms: the clock may have been put back since.
std::int64_t latest_change(store::Reader& reader) {
  std::int64_t latest = 0;
  for (const auto& row : reader.scan(store::prefix_range(keys::tables()), 100'000)) {
    const auto table = decode_table(row.value);
    latest = std::max(latest, table.moment);
    if (!table.keeps_changes()) continue;
    const auto prefix = keys::changes(table.id);
    for (const auto& change : reader.scan(store::prefix_range(prefix), 1, store::Order::descending)) {
      store::KeyReader key(std::string_view(change.key).substr(prefix.size()));
      std::int64_t time = 0;
      if (key.signed_number(time)) latest = std::max(latest, time);
    }
  }
  return latest;
}

}  // namespace

base::Timestamp State::now() {
  const auto now = clock.now().ms;
  auto known = latest.load();
  while (known < now && !latest.compare_exchange_weak(known, now)) {
  }
  return base::Timestamp{std::max(known, now)};
}

void State::changed(const TableKey& name) {
  guards.forget(name);
  ++table_changes;
}

DynamoDb::DynamoDb(Dependencies dependencies)
    : state_(std::make_shared<State>(dependencies.loops, dependencies.clock, dependencies.store, dependencies.authorizer,
                                     dependencies.meter)),
      streams_(std::make_unique<Streams>(state_)),
      stream_source_(std::make_unique<StreamSource>(state_)) {
  dependencies.clock.on_jump([weak = std::weak_ptr(state_)] {
    if (auto state = weak.lock()) state->stirred.notify_all();
  });
}

DynamoDb::~DynamoDb() { state_->stopping = true; }

wire::Service& DynamoDb::streams_api() { return *streams_; }

contracts::StreamSource& DynamoDb::stream_source() { return *stream_source_; }

async::Task<> DynamoDb::start() {
  const auto begun = co_await state_->store.transact([&](store::Transaction& t) {
    const auto key = store::Key("dynamodb/start").str();
    const auto row = t.get(key);
    const auto number = (row ? std::stoull(*row) : 0) + 1;
    t.put(key, std::to_string(number));
    return number;
  });
  state_->sequence.begin_at(begun * kNumbersOfAStart);
  const auto reader = state_->store.read();
  state_->sizes.load(*reader);
  state_->latest = latest_change(*reader);
  state_->background = 3;
  state_->loops.spawn("dynamodb settler", run_settler(state_));
  state_->loops.spawn("dynamodb sweeper", run_sweeper(state_));
  state_->loops.spawn("dynamodb copier", run_copier(state_));
}

async::Task<> DynamoDb::stop() {
  state_->stopping = true;
  state_->stirred.notify_all();
  const auto deadline = std::chrono::steady_clock::now() + kGrace;
  for (;;) {
    const auto ticket = state_->ended.ticket();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (state_->background <= 0 || left <= 0ms) break;
    co_await state_->ended.wait(ticket, left);
  }
  co_await write_sizes(state_);
}

async::Task<> DynamoDb::nuke() {
  std::vector<std::uint64_t> ids;
  co_await state_->store.commit([&](store::Transaction& t) {
    ids.clear();
    for (const auto& row : t.scan(store::prefix_range(keys::tables()), 100'000)) ids.push_back(decode_table(row.value).id);
    for (const auto table : keys::kTables) t.erase(store::prefix_range(store::Key(table).str()));
  });
  state_->guards.forget_all();
  ++state_->table_changes;
  for (const auto id : ids) {
    state_->sizes.forget(id);
    state_->buckets.forget(id);
  }
}

async::Task<api::ExecuteStatementOutput> DynamoDb::ExecuteStatement(const wire::Call& call, api::ExecuteStatementInput request) {
  return execute_statement(state_, call, std::move(request));
}

async::Task<api::BatchExecuteStatementOutput> DynamoDb::BatchExecuteStatement(const wire::Call& call,
                                                                              api::BatchExecuteStatementInput request) {
  return execute_batch(state_, call, std::move(request));
}

async::Task<api::ExecuteTransactionOutput> DynamoDb::ExecuteTransaction(const wire::Call& call,
                                                                        api::ExecuteTransactionInput request) {
  return execute_transaction(state_, call, std::move(request));
}

async::Task<api::DescribeLimitsOutput> DynamoDb::DescribeLimits(const wire::Call& call, api::DescribeLimitsInput request) {
  api::DescribeLimitsOutput out;
  out.AccountMaxReadCapacityUnits = out.AccountMaxWriteCapacityUnits = 80'000;
  out.TableMaxReadCapacityUnits = out.TableMaxWriteCapacityUnits = 40'000;
  co_return out;
}

async::Task<api::DescribeEndpointsResponse> DynamoDb::DescribeEndpoints(const wire::Call& call,
                                                                        api::DescribeEndpointsRequest request) {
  api::DescribeEndpointsResponse out;
  out.Endpoints.push_back({call.host, 1440});
  co_return out;
}

async::Task<aws::dynamodb::CreateTableOutput> DynamoDb::CreateTable(const wire::Call& call,
                                                                    aws::dynamodb::CreateTableInput request) {
  return create_table(state_, call, std::move(request));
}

async::Task<aws::dynamodb::DescribeTableOutput> DynamoDb::DescribeTable(const wire::Call& call,
                                                                        aws::dynamodb::DescribeTableInput request) {
  return describe_table(state_, call, std::move(request));
}

async::Task<aws::dynamodb::UpdateTableOutput> DynamoDb::UpdateTable(const wire::Call& call,
                                                                    aws::dynamodb::UpdateTableInput request) {
  return update_table(state_, call, std::move(request));
}

async::Task<aws::dynamodb::DeleteTableOutput> DynamoDb::DeleteTable(const wire::Call& call,
                                                                    aws::dynamodb::DeleteTableInput request) {
  return delete_table(state_, call, std::move(request));
}

async::Task<aws::dynamodb::ListTablesOutput> DynamoDb::ListTables(const wire::Call& call,
                                                                  aws::dynamodb::ListTablesInput request) {
  return list_tables(state_, call, std::move(request));
}

async::Task<aws::dynamodb::PutItemOutput> DynamoDb::PutItem(const wire::Call& call, aws::dynamodb::PutItemInput request) {
  return put_item(state_, call, std::move(request));
}

async::Task<aws::dynamodb::GetItemOutput> DynamoDb::GetItem(const wire::Call& call, aws::dynamodb::GetItemInput request) {
  return get_item(state_, call, std::move(request));
}

async::Task<aws::dynamodb::UpdateItemOutput> DynamoDb::UpdateItem(const wire::Call& call,
                                                                  aws::dynamodb::UpdateItemInput request) {
  return update_item(state_, call, std::move(request));
}

async::Task<aws::dynamodb::DeleteItemOutput> DynamoDb::DeleteItem(const wire::Call& call,
                                                                  aws::dynamodb::DeleteItemInput request) {
  return delete_item(state_, call, std::move(request));
}

async::Task<aws::dynamodb::QueryOutput> DynamoDb::Query(const wire::Call& call, aws::dynamodb::QueryInput request) {
  return query(state_, call, std::move(request));
}

async::Task<aws::dynamodb::ScanOutput> DynamoDb::Scan(const wire::Call& call, aws::dynamodb::ScanInput request) {
  return scan(state_, call, std::move(request));
}

async::Task<aws::dynamodb::BatchGetItemOutput> DynamoDb::BatchGetItem(const wire::Call& call,
                                                                      aws::dynamodb::BatchGetItemInput request) {
  co_await check_access(state_, call, actions_of("BatchGetItem", request));
  co_return co_await batch_get(state_, call, std::move(request));
}

async::Task<aws::dynamodb::BatchWriteItemOutput> DynamoDb::BatchWriteItem(const wire::Call& call,
                                                                          aws::dynamodb::BatchWriteItemInput request) {
  co_await check_access(state_, call, actions_of("BatchWriteItem", request));
  co_return co_await batch_write(state_, call, std::move(request));
}

async::Task<aws::dynamodb::TransactGetItemsOutput> DynamoDb::TransactGetItems(const wire::Call& call,
                                                                              aws::dynamodb::TransactGetItemsInput request) {
  co_await check_access(state_, call, actions_of(request));
  co_return co_await transact_get(state_, call, std::move(request));
}

async::Task<aws::dynamodb::TransactWriteItemsOutput> DynamoDb::TransactWriteItems(
    const wire::Call& call, aws::dynamodb::TransactWriteItemsInput request) {
  co_await check_access(state_, call, actions_of(request));
  co_return co_await transact_write(state_, call, std::move(request));
}

async::Task<aws::dynamodb::DescribeTimeToLiveOutput> DynamoDb::DescribeTimeToLive(
    const wire::Call& call, aws::dynamodb::DescribeTimeToLiveInput request) {
  return describe_time_to_live(state_, call, std::move(request));
}

async::Task<aws::dynamodb::UpdateTimeToLiveOutput> DynamoDb::UpdateTimeToLive(const wire::Call& call,
                                                                              aws::dynamodb::UpdateTimeToLiveInput request) {
  return update_time_to_live(state_, call, std::move(request));
}

async::Task<> DynamoDb::TagResource(const wire::Call& call, aws::dynamodb::TagResourceInput request) {
  return tag(state_, call, std::move(request));
}

async::Task<> DynamoDb::UntagResource(const wire::Call& call, aws::dynamodb::UntagResourceInput request) {
  return untag(state_, call, std::move(request));
}

async::Task<aws::dynamodb::ListTagsOfResourceOutput> DynamoDb::ListTagsOfResource(
    const wire::Call& call, aws::dynamodb::ListTagsOfResourceInput request) {
  return list_tags(state_, call, std::move(request));
}

async::Task<aws::dynamodb::DescribeContinuousBackupsOutput> DynamoDb::DescribeContinuousBackups(
    const wire::Call& call, aws::dynamodb::DescribeContinuousBackupsInput request) {
  return describe_continuous_backups(state_, call, std::move(request));
}

async::Task<api::CreateBackupOutput> DynamoDb::CreateBackup(const wire::Call& call, api::CreateBackupInput request) {
  return create_backup(state_, call, std::move(request));
}

async::Task<api::DescribeBackupOutput> DynamoDb::DescribeBackup(const wire::Call& call, api::DescribeBackupInput request) {
  return describe_backup(state_, call, std::move(request));
}

async::Task<api::ListBackupsOutput> DynamoDb::ListBackups(const wire::Call& call, api::ListBackupsInput request) {
  return list_backups(state_, call, std::move(request));
}

async::Task<api::DeleteBackupOutput> DynamoDb::DeleteBackup(const wire::Call& call, api::DeleteBackupInput request) {
  return delete_backup(state_, call, std::move(request));
}

async::Task<api::UpdateContinuousBackupsOutput> DynamoDb::UpdateContinuousBackups(const wire::Call& call,
                                                                                  api::UpdateContinuousBackupsInput request) {
  return update_continuous_backups(state_, call, std::move(request));
}

async::Task<api::RestoreTableFromBackupOutput> DynamoDb::RestoreTableFromBackup(const wire::Call& call,
                                                                                api::RestoreTableFromBackupInput request) {
  return restore_from_backup(state_, call, std::move(request));
}

async::Task<api::RestoreTableToPointInTimeOutput> DynamoDb::RestoreTableToPointInTime(
    const wire::Call& call, api::RestoreTableToPointInTimeInput request) {
  return restore_to_point_in_time(state_, call, std::move(request));
}

async::Task<api::PutResourcePolicyOutput> DynamoDb::PutResourcePolicy(const wire::Call& call,
                                                                      api::PutResourcePolicyInput request) {
  return put_policy(state_, call, std::move(request));
}

async::Task<api::GetResourcePolicyOutput> DynamoDb::GetResourcePolicy(const wire::Call& call,
                                                                      api::GetResourcePolicyInput request) {
  return get_policy(state_, call, std::move(request));
}

async::Task<api::DeleteResourcePolicyOutput> DynamoDb::DeleteResourcePolicy(const wire::Call& call,
                                                                            api::DeleteResourcePolicyInput request) {
  return delete_policy(state_, call, std::move(request));
}

}  // namespace lambari::dynamodb
