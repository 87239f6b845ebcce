// CreateBackup, DescribeBackup, ListBackups, DeleteBackup.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
#include <algorithm>

#include "base/ids.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/control.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/define.h"
#include "services/dynamodb/keys.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxListed = 100;

[[noreturn]] void conflicting() {
  throw api::BackupInUseException(
      "There is another ongoing conflicting backup control plane operation on the table. The backup is either being created, "
      "deleted or restored to a table");
}

api::BackupDetails details(const Backup& backup) {
  api::BackupDetails out;
  out.BackupArn = backup.arn();
  out.BackupName = backup.name;
  out.BackupStatus = backup.status;
  out.BackupType = backup.type;
  out.BackupCreationDateTime = base::Timestamp{backup.created};
  out.BackupSizeBytes = backup.status == "AVAILABLE" ? backup.size.bytes : backup.table_size.bytes;
  if (backup.expires != 0) out.BackupExpiryDateTime = base::Timestamp{backup.expires};
  return out;
}

api::SourceTableFeatureDetails features(const Table& table) {
  api::SourceTableFeatureDetails out;
  const auto described = describe(table, {});
  for (const auto& index : described.LocalSecondaryIndexes.value_or(std::vector<api::LocalSecondaryIndexDescription>{})) {
    if (!out.LocalSecondaryIndexes) out.LocalSecondaryIndexes.emplace();
    auto& info = out.LocalSecondaryIndexes->emplace_back();
    info.IndexName = index.IndexName;
    info.KeySchema = index.KeySchema;
    info.Projection = index.Projection;
  }
  for (const auto& index : described.GlobalSecondaryIndexes.value_or(std::vector<api::GlobalSecondaryIndexDescription>{})) {
    if (!out.GlobalSecondaryIndexes) out.GlobalSecondaryIndexes.emplace();
    auto& info = out.GlobalSecondaryIndexes->emplace_back();
    info.IndexName = index.IndexName;
    info.KeySchema = index.KeySchema;
    info.Projection = index.Projection;
    const auto& throughput = table.index(*index.IndexName)->throughput;
    if (!table.on_demand) info.ProvisionedThroughput = {throughput.read, throughput.write};
  }
  out.StreamDescription = described.StreamSpecification;
  auto& ttl = out.TimeToLiveDescription.emplace();
  ttl.TimeToLiveStatus = table.ttl_attribute.empty() ? "DISABLED" : "ENABLED";
  if (!table.ttl_attribute.empty()) ttl.AttributeName = table.ttl_attribute;
  return out;
}

api::BackupDescription describe(const Backup& backup) {
  const auto& table = backup.table;
  api::BackupDescription out;
  out.BackupDetails = details(backup);
  auto& source = out.SourceTableDetails.emplace();
  source.TableName = table.name.name;
  source.TableId = table.uuid;
  source.TableArn = table.arn();
  source.KeySchema = describe(table, {}).KeySchema.value();
  source.TableCreationDateTime = base::Timestamp{table.created};
  source.ProvisionedThroughput = {table.throughput.read, table.throughput.write};
  source.BillingMode = table.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED";
  const auto& size = backup.status == "AVAILABLE" ? backup.size : backup.table_size;
  source.TableSizeBytes = size.bytes;
  source.ItemCount = size.items;
  out.SourceTableFeatureDetails = features(table);
  return out;
}

// Throws BackupNotFoundException and ValidationException.
Backup need_backup(store::Reader& reader, const wire::Call& call, const std::string& arn) {
  auto backup = find_backup(reader, arn);
  if (!backup || backup->table.name.account != call.account) throw api::BackupNotFoundException("Backup not found: " + arn);
  return *std::move(backup);
}

bool listed(const Backup& backup, const api::ListBackupsInput& request) {
  const auto type = request.BackupType.value_or("ALL");
  if (type != "ALL" && backup.type != type) return false;
  if (request.TimeRangeLowerBound && backup.created < request.TimeRangeLowerBound->ms) return false;
  return !request.TimeRangeUpperBound || backup.created < request.TimeRangeUpperBound->ms;
}

}  // namespace

std::optional<Backup> find_backup(store::Reader& reader, const std::string& arn) {
  const auto name = parse_backup_arn(arn);
  if (!name) invalid("Invalid BackupArn: " + arn);
  return reader.get(keys::backup(name->table, name->label)).transform(decode_backup);
}

bool in_use(store::Reader& reader, const Backup& backup) {
  if (backup.status != "AVAILABLE") return true;
  const auto rows = reader.scan(store::prefix_range(keys::copies()), kMaxCopies);
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return decode_copy(row.value).source == backup.rows; });
}

void erase_backup(store::Transaction& t, const Backup& backup) {
  t.erase(store::prefix_range(keys::rows(backup.rows, 0)));
  t.erase(keys::backup(backup.table.name, backup.label));
}

void begin_copy(store::Transaction& t, Table* source, Copy copy) {
  if (t.keys(store::prefix_range(keys::copies()), kMaxCopies).size() >= kMaxCopies) {
    throw api::LimitExceededException("Subscriber limit exceeded: There can be at most " + std::to_string(kMaxCopies) +
                                      " backups and restores under way at a time");
  }
  if (copy.moment) {
    // Whoever changes an item after this reads the table's row as it is now: he leaves what the item was, at a later time.
    source->copies.push_back({copy.target, *copy.moment});
    source->moment = std::max(source->moment, *copy.moment);
    t.put(keys::table(source->name), encode(*source));
  }
  t.put(keys::copy(copy.target), encode(copy));
}

async::Task<api::CreateBackupOutput> create_backup(Shared state, wire::Call call, api::CreateBackupInput request) {
  const auto name = table_key(call, request.TableName);
  const auto backup = co_await state->store.transact([&](store::Transaction& t) {
    const auto found = state->tables.find(t, name);
    if (!found) throw api::TableNotFoundException("Table not found: " + name.name);
    if (found->status == "CREATING") {
      throw api::ContinuousBackupsUnavailableException("Backups are being enabled for the table: " + name.name +
                                                       ". Please retry later");
    }
    if (found->status == "DELETING") throw api::TableInUseException("Table is being deleted: " + name.name);
    for (const auto& row : t.scan(store::prefix_range(keys::copies()), kMaxCopies)) {
      const auto copy = decode_copy(row.value);
      if (copy.source == found->id && !copy.backup_arn.empty()) conflicting();
    }
    auto table = *found;
    auto out = new_backup(table, state->sizes.of(table.id).table, "USER", request.BackupName, state->now());
    out.status = "CREATING";
    out.rows = base::random_u64() >> 1;
    t.put(keys::backup(name, out.label), encode(out));
    Copy copy;
    copy.target = out.rows;
    copy.source = table.id;
    copy.moment = table.time_of_change(out.created);
    copy.table = name;
    copy.backup_arn = out.arn();
    begin_copy(t, &table, std::move(copy));
    return out;
  });
  state->changed(name);
  state->stirred.notify_all();
  api::CreateBackupOutput out;
  out.BackupDetails = details(backup);
  co_return out;
}

async::Task<api::DescribeBackupOutput> describe_backup(Shared state, wire::Call call, api::DescribeBackupInput request) {
  api::DescribeBackupOutput out;
  out.BackupDescription = describe(need_backup(*state->store.read(), call, request.BackupArn));
  co_return out;
}

async::Task<api::ListBackupsOutput> list_backups(Shared state, wire::Call call, api::ListBackupsInput request) {
  const auto limit = static_cast<std::size_t>(
      std::clamp(request.Limit.value_or(static_cast<std::int32_t>(kMaxListed)), 1, static_cast<std::int32_t>(kMaxListed)));
  auto range = store::prefix_range(request.TableName ? keys::backups(table_key(call, *request.TableName))
                                                     : keys::backups(call.account, call.region));
  if (request.ExclusiveStartBackupArn) {
    const auto start = parse_backup_arn(*request.ExclusiveStartBackupArn);
    if (!start) invalid("Invalid ExclusiveStartBackupArn: " + *request.ExclusiveStartBackupArn);
    range.begin = std::max(range.begin, keys::backup(start->table, start->label) + '\0');
  }
  api::ListBackupsOutput out;
  auto& summaries = out.BackupSummaries.emplace();
  const auto reader = state->store.read();
  for (bool more = range.begin < range.end; more;) {
    const auto rows = reader->scan(range, kMaxListed);
    more = rows.size() == kMaxListed;
    for (const auto& row : rows) {
      range.begin = row.key + '\0';
      const auto backup = decode_backup(row.value);
      if (!listed(backup, request)) continue;
      if (summaries.size() == limit) {
        out.LastEvaluatedBackupArn = summaries.back().BackupArn;
        co_return out;
      }
      auto& summary = summaries.emplace_back();
      summary.TableName = backup.table.name.name;
      summary.TableId = backup.table.uuid;
      summary.TableArn = backup.table.arn();
      const auto what = details(backup);
      summary.BackupArn = what.BackupArn;
      summary.BackupName = what.BackupName;
      summary.BackupCreationDateTime = what.BackupCreationDateTime;
      summary.BackupExpiryDateTime = what.BackupExpiryDateTime;
      summary.BackupStatus = what.BackupStatus;
      summary.BackupType = what.BackupType;
      summary.BackupSizeBytes = what.BackupSizeBytes;
    }
  }
  co_return out;
}

async::Task<api::DeleteBackupOutput> delete_backup(Shared state, wire::Call call, api::DeleteBackupInput request) {
  auto backup = co_await state->store.transact([&](store::Transaction& t) {
    auto found = need_backup(t, call, request.BackupArn);
    if (in_use(t, found)) conflicting();
    erase_backup(t, found);
    return found;
  });
  api::DeleteBackupOutput out;
  out.BackupDescription = describe(backup);
  out.BackupDescription->BackupDetails->BackupStatus = "DELETED";
  co_return out;
}

}  // namespace lambari::dynamodb
