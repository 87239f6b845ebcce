// Point-in-time recovery, and restores of either kind.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html
#include <algorithm>

#include "services/dynamodb/backup.h"
#include "services/dynamodb/control.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/define.h"
#include "services/dynamodb/keys.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::int64_t kDay = 24LL * 3600 * 1000;  // ms
constexpr std::int32_t kLongestPeriod = 35;        // days

std::int64_t earliest(const Recovery& recovery, base::Timestamp now) {
  return std::max(recovery.since, now.ms - recovery.days * kDay);
}

api::ContinuousBackupsDescription describe(const Table& table, base::Timestamp now) {
  api::ContinuousBackupsDescription out;
  out.ContinuousBackupsStatus = "ENABLED";  // on AWS of every table; recovery is what is turned on and off
  auto& recovery = out.PointInTimeRecoveryDescription.emplace();
  recovery.PointInTimeRecoveryStatus = table.recovery ? "ENABLED" : "DISABLED";
  if (table.recovery) {
    recovery.RecoveryPeriodInDays = static_cast<std::int32_t>(table.recovery->days);
    recovery.EarliestRestorableDateTime = base::Timestamp{earliest(*table.recovery, now)};
    recovery.LatestRestorableDateTime = now;
  }
  return out;
}

SharedTable need_source(State& state, store::Reader& reader, const TableKey& name) {
  auto table = state.tables.find(reader, name);
  if (!table) throw api::TableNotFoundException("Table not found: " + name.name);
  return table;
}

void check_target(store::Reader& reader, const TableKey& name) {
  const auto row = reader.get(keys::table(name));
  if (!row) return;
  const auto status = decode_table(*row).status;
  if (status == "CREATING" || status == "DELETING") {
    throw api::TableInUseException("Table is being " + std::string(status == "CREATING" ? "created" : "deleted") + ": " +
                                   name.name);
  }
  throw api::TableAlreadyExistsException("Table already exists: " + name.name);
}

TableKey target_of(const wire::Call& call, const std::string& name) {
  check_table_name(name, 3);
  return {call.account, call.region, name};
}

// The row of a table whose rows are to come from `copy`.
void begin_restore(store::Transaction& t, const Table& table, Table* source, Copy copy) {
  copy.target = table.id;
  copy.restored = table.name;
  begin_copy(t, source, std::move(copy));
  t.put(keys::table(table.name), encode(table));
}

TableKey source_of(const wire::Call& call, const api::RestoreTableToPointInTimeInput& request) {
  if (request.SourceTableArn && request.SourceTableName) {
    invalid("Only one of SourceTableArn or SourceTableName can be specified");
  }
  if (!request.SourceTableArn && !request.SourceTableName) invalid("SourceTableArn or SourceTableName must be specified");
  auto name = table_key(call, request.SourceTableArn ? *request.SourceTableArn : *request.SourceTableName);
  if (name.account != call.account) throw api::TableNotFoundException("Table not found: " + name.name);
  return name;
}

// The moment that is asked for, in ms.
std::int64_t moment_of(base::Timestamp wanted, const Recovery& recovery, base::Timestamp now) {
  if (wanted > now || wanted.ms < earliest(recovery, now)) {
    throw api::InvalidRestoreTimeException(
        "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and "
        "LatestRestorableDateTime");
  }
  return wanted.ms;
}

}  // namespace

async::Task<api::UpdateContinuousBackupsOutput> update_continuous_backups(Shared state, wire::Call call,
                                                                          api::UpdateContinuousBackupsInput request) {
  const auto name = table_key(call, request.TableName);
  const auto& wanted = request.PointInTimeRecoverySpecification;
  const auto days = wanted.RecoveryPeriodInDays;
  if (days && (*days < 1 || *days > kLongestPeriod)) invalid("RecoveryPeriodInDays must be between 1 and 35");
  if (days && !wanted.PointInTimeRecoveryEnabled) {
    invalid("RecoveryPeriodInDays can only be specified when PointInTimeRecoveryEnabled is true");
  }
  const auto described = co_await state->store.transact([&](store::Transaction& t) {
    auto table = *need_source(*state, t, name);
    if (table.status == "CREATING" || table.status == "DELETING") {
      throw api::ContinuousBackupsUnavailableException("Backups are being enabled for the table: " + name.name +
                                                       ". Please retry later");
    }
    const auto now = state->now();
    if (!wanted.PointInTimeRecoveryEnabled) {
      table.recovery.reset();
      if (!table.keeps_changes()) t.erase(store::prefix_range(keys::changes(table.id)));
    } else if (!table.recovery) {
      table.moment = table.time_of_change(now.ms);
      table.recovery = Recovery{days.value_or(kLongestPeriod), table.moment};
    } else if (days) {
      // What a shorter period has let go does not come back with a longer one.
      table.recovery->since = earliest(*table.recovery, now);
      table.recovery->days = *days;
    }
    t.put(keys::table(name), encode(table));
    return describe(table, now);
  });
  state->changed(name);
  api::UpdateContinuousBackupsOutput out;
  out.ContinuousBackupsDescription = described;
  co_return out;
}

async::Task<api::DescribeContinuousBackupsOutput> describe_continuous_backups(Shared state, wire::Call call,
                                                                              api::DescribeContinuousBackupsInput request) {
  const auto reader = state->store.read();
  api::DescribeContinuousBackupsOutput out;
  out.ContinuousBackupsDescription = describe(*need_source(*state, *reader, table_key(call, request.TableName)), state->now());
  co_return out;
}

async::Task<api::RestoreTableFromBackupOutput> restore_from_backup(Shared state, wire::Call call,
                                                                   api::RestoreTableFromBackupInput request) {
  const auto name = target_of(call, request.TargetTableName);
  const auto overrides = overrides_of(request);
  const auto table = co_await state->store.transact([&](store::Transaction& t) {
    const auto backup = find_backup(t, request.BackupArn);
    if (!backup || backup->table.name.account != call.account) {
      throw api::BackupNotFoundException("Backup not found: " + request.BackupArn);
    }
    if (backup->status != "AVAILABLE") throw api::BackupInUseException("Backup is being created: " + request.BackupArn);
    check_target(t, name);
    auto out =
        define_restored(backup->table, name, overrides, {backup->arn(), backup->table.arn(), backup->created}, state->now());
    Copy copy;
    copy.source = backup->rows;
    begin_restore(t, out, nullptr, std::move(copy));
    return out;
  });
  state->changed(name);
  state->stirred.notify_all();
  api::RestoreTableFromBackupOutput out;
  out.TableDescription = dynamodb::describe(table, Growth{});
  co_return out;
}

async::Task<api::RestoreTableToPointInTimeOutput> restore_to_point_in_time(Shared state, wire::Call call,
                                                                           api::RestoreTableToPointInTimeInput request) {
  const auto source = source_of(call, request);
  const auto name = target_of(call, request.TargetTableName);
  const auto overrides = overrides_of(request);
  if (request.UseLatestRestorableTime.value_or(false) == request.RestoreDateTime.has_value()) {
    invalid("Exactly one of UseLatestRestorableTime or RestoreDateTime must be specified");
  }
  const auto table = co_await state->store.transact([&](store::Transaction& t) {
    auto from = *need_source(*state, t, source);
    if (from.status == "DELETING") throw api::TableNotFoundException("Table not found: " + source.name);
    if (!from.recovery) {
      throw api::PointInTimeRecoveryUnavailableException("Point in time recovery is not enabled for table '" + source.name + "'");
    }
    check_target(t, name);
    const auto now = state->now();
    const auto latest = from.time_of_change(now.ms);
    Copy copy;
    copy.source = from.id;
    copy.table = source;
    copy.moment = request.RestoreDateTime ? moment_of(*request.RestoreDateTime, *from.recovery, now) : latest;
    auto out = define_restored(from, name, overrides, {{}, from.arn(), *copy.moment}, now);
    // Changes under way are later than all that were made, and so than the moment.
    from.moment = latest;
    begin_restore(t, out, &from, std::move(copy));
    return out;
  });
  state->changed(source);
  state->changed(name);
  state->stirred.notify_all();
  api::RestoreTableToPointInTimeOutput out;
  out.TableDescription = dynamodb::describe(table, Growth{});
  co_return out;
}

}  // namespace lambari::dynamodb
