// Tables on their way: CREATING, UPDATING, DELETING. Each step is a transaction of its own, so that what a stop cuts off goes on.
#include <algorithm>
#include <memory>
#include <mutex>
#include <set>

#include "base/log.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBackfilledAtOnce = 200;                       // items
constexpr auto kPause = 1s;                                          // after the store refused
constexpr std::int64_t kSystemBackupLife = 35LL * 24 * 3600 * 1000;  // ms

struct Filled {
  std::string from;  // where to go on; empty when all was seen
  Growth growth;
};

// Gives items of a table what they lack: rows of a new index, or expiry.
Filled backfill(State& state, store::Transaction& t, const Table& table, const Index* index, std::string from) {
  Filled out;
  auto range = store::prefix_range(keys::rows(table.id, 0));
  if (!from.empty()) range.begin = std::move(from);
  const auto rows = t.scan(range, kBackfilledAtOnce);
  for (const auto& [key, value] : rows) {
    const auto item = decode_item(value);
    if (index != nullptr) {
      const auto row = index_row(table, *index, key, item);
      if (!row) continue;
      // A write since the index began has put it there, and counted it.
      if (!t.get(row->first)) out.growth.indexes[index->id].add(size_of_item(row->second));
      t.put(row->first, encode(row->second));
    } else if (const auto second = expiry_of(table, item, state.clock.now().ms)) {
      t.put(keys::expiry(table.id, *second) + std::string(keys::tail(key)), "");
    }
  }
  if (rows.size() == kBackfilledAtOnce) out.from = rows.back().key + '\0';
  return out;
}

async::Task<> backfill_all(Shared state, TableKey name, std::uint64_t table_id, std::uint64_t index_id) {
  std::string from;
  do {
    auto filled = co_await state->store.transact([&](store::Transaction& t) -> Filled {
      const auto table = state->tables.find(t, name);
      if (!table || table->id != table_id) return {};
      const Index* index = nullptr;
      for (const auto& each : table->indexes)
        if (each.id == index_id) index = &each;
      if (index_id != 0 && index == nullptr) return {};
      return backfill(*state, t, *table, index, from);
    });
    state->sizes.grow(table_id, filled.growth);
    from = std::move(filled.from);
  } while (!from.empty() && !state->stopping);
}

// A table with point-in-time recovery leaves its rows to a backup.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
Backup backup_of_deleted(State& state, const Table& table) {
  const auto size = state.sizes.of(table.id).table;
  auto backup = new_backup(table, size, "SYSTEM", table.name.name + "$DeletedTableBackup", state.now());
  backup.status = "AVAILABLE";
  backup.expires = backup.created + kSystemBackupLife;
  backup.rows = table.id;
  backup.size = size;
  return backup;
}

async::Task<> erase_table(Shared state, TableKey name, Table table) {
  co_await state->store.commit([&](store::Transaction& t) {
    const auto now = state->tables.find(t, name);
    if (!now || now->id != table.id) return;
    if (table.recovery) {
      const auto backup = backup_of_deleted(*state, table);
      t.put(keys::backup(name, backup.label), encode(backup));
    } else {
      t.erase(store::prefix_range(keys::rows(table.id, 0)));
    }
    for (const auto& index : table.indexes) t.erase(store::prefix_range(keys::rows(table.id, index.id)));
    t.erase(store::prefix_range(keys::expiries(table.id)));
    for (const auto& stream : table.streams) t.erase(store::prefix_range(keys::stream(table.id, stream.label)));
    t.erase(store::prefix_range(keys::changes(table.id)));
    t.erase(store::prefix_range(keys::policies(table.id)));
    t.erase(keys::size(table.id));
    t.erase(keys::table(name));
  });
  state->changed(name);
  state->sizes.forget(table.id);
  state->buckets.forget(table.id);
}

async::Task<> settle(Shared state, TableKey name, Table table) {
  if (table.status == "DELETING") {
    co_await erase_table(state, name, table);
    co_return;
  }
  for (const auto& index : table.indexes) {
    if (index.status == "CREATING") co_await backfill_all(state, name, table.id, index.id);
  }
  if (table.ttl_begins && !table.ttl_attribute.empty()) co_await backfill_all(state, name, table.id, 0);
  if (state->stopping) co_return;
  co_await state->store.commit([&](store::Transaction& t) {
    const auto now = state->tables.find(t, name);
    if (!now || now->id != table.id || now->status == "DELETING") return;
    auto settled = *now;
    for (const auto& index : settled.indexes) {
      if (index.status == "DELETING") t.erase(store::prefix_range(keys::rows(settled.id, index.id)));
    }
    std::erase_if(settled.indexes, [](const Index& index) { return index.status == "DELETING"; });
    for (auto& index : settled.indexes) index.status = "ACTIVE";
    settled.ttl_begins = false;
    settled.status = "ACTIVE";
    t.put(keys::table(name), encode(settled));
  });
  for (const auto& index : table.indexes) {
    if (index.status == "DELETING") state->sizes.forget_index(table.id, index.id);
  }
  state->changed(name);
}

std::vector<Table> unsettled(State& state) {
  std::vector<Table> out;
  const auto reader = state.store.read();
  for (const auto& row : reader->scan(store::prefix_range(keys::tables()), 100'000)) {
    auto table = decode_table(row.value);
    // A restored table first gets its rows.
    if (table.status != "ACTIVE" && !reader->get(keys::copy(table.id))) out.push_back(std::move(table));
  }
  return out;
}

// Those whose items are being looked through by a task of their own.
class Busy {
 public:
  bool add(std::uint64_t table) {
    const std::lock_guard lock(mutex_);
    return tables_.insert(table).second;
  }
  void remove(std::uint64_t table) {
    const std::lock_guard lock(mutex_);
    tables_.erase(table);
  }
  bool has(std::uint64_t table) {
    const std::lock_guard lock(mutex_);
    return tables_.contains(table);
  }

 private:
  std::mutex mutex_;
  std::set<std::uint64_t> tables_;  // guarded by mutex_
};

bool needs_backfill(const Table& table) {
  return table.status != "DELETING" &&
         (table.ttl_begins ||
          std::any_of(table.indexes.begin(), table.indexes.end(), [](const auto& index) { return index.status == "CREATING"; }));
}

// A backfill takes as long as there are items: nobody else waits for it.
async::Task<> settle_apart(Shared state, std::shared_ptr<Busy> busy, Table table) {
  bool failed = false;
  try {
    // Read again: an earlier task may have settled it since it was met, and a request changed it again.
    const auto now = state->tables.find(*state->store.read(), table.name);
    if (now && now->id == table.id && now->status != "ACTIVE") co_await settle(state, table.name, *now);
  } catch (const std::exception& error) {
    base::log_error("a table waits: the store refuses", {{"error", error.what()}});
    failed = true;
  }
  if (failed) co_await async::sleep_for(kPause);
  busy->remove(table.id);
  state->stirred.notify_all();
  --state->background;
  state->ended.notify_all();
}

}  // namespace

async::Task<> run_settler(Shared state) {
  const auto busy = std::make_shared<Busy>();
  while (!state->stopping) {
    const auto ticket = state->stirred.ticket();
    bool failed = false;
    try {
      for (auto& table : unsettled(*state)) {
        if (state->stopping) break;
        if (!needs_backfill(table)) {
          if (!busy->has(table.id)) co_await settle(state, table.name, table);
        } else if (busy->add(table.id)) {
          ++state->background;
          state->loops.spawn("dynamodb backfill", settle_apart(state, busy, std::move(table)));
        }
      }
    } catch (const std::exception& error) {
      base::log_error("a table waits: the store refuses", {{"error", error.what()}});
      failed = true;
    }
    if (failed) {
      co_await async::sleep_for(kPause);
    } else {
      co_await state->stirred.wait(ticket, 3600s);
    }
  }
  --state->background;
  state->ended.notify_all();
}

}  // namespace lambari::dynamodb
