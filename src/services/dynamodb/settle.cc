// Tables on their way: CREATING, UPDATING, DELETING. Each step is a transaction of its own, so that what a stop cuts off goes on.
#include "base/log.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBackfilledAtOnce = 200;  // items
constexpr auto kPause = 1s;                     // after the store refused

// Gives items of a table what they lack: rows of a new index, or expiry. Returns where to go on; empty when all was seen.
std::string backfill(State& state, store::Transaction& t, const Table& table, const Index* index, std::string from) {
  auto range = store::prefix_range(keys::rows(table.id, 0));
  if (!from.empty()) range.begin = std::move(from);
  const auto rows = t.scan(range, kBackfilledAtOnce);
  for (const auto& [key, value] : rows) {
    const auto item = decode_item(value);
    if (index != nullptr) {
      if (const auto row = index_row(table, *index, key, item)) t.put(row->first, encode(row->second));
    } else if (const auto second = expiry_of(table, item, state.clock.now().ms)) {
      t.put(keys::expiry(table.id, *second) + std::string(keys::tail(key)), "");
    }
  }
  return rows.size() < kBackfilledAtOnce ? std::string() : rows.back().key + '\0';
}

async::Task<> backfill_all(Shared state, TableKey name, std::uint64_t table_id, std::uint64_t index_id) {
  std::string from;
  do {
    from = co_await state->store.transact([&](store::Transaction& t) -> std::string {
      const auto table = state->tables.find(t, name);
      if (!table || table->id != table_id) return {};
      const Index* index = nullptr;
      for (const auto& each : table->indexes)
        if (each.id == index_id) index = &each;
      if (index_id != 0 && index == nullptr) return {};
      return backfill(*state, t, *table, index, from);
    });
  } while (!from.empty() && !state->stopping);
}

async::Task<> erase_table(Shared state, TableKey name, Table table) {
  co_await state->store.commit([&](store::Transaction& t) {
    t.erase(store::prefix_range(keys::rows(table.id, 0)));
    for (const auto& index : table.indexes) t.erase(store::prefix_range(keys::rows(table.id, index.id)));
    t.erase(store::prefix_range(keys::expiries(table.id)));
    for (const auto& stream : table.streams) t.erase(store::prefix_range(keys::stream(table.id, stream.label)));
    t.erase(keys::size(table.id));
    t.erase(keys::table(name));
  });
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
  if (!table.ttl_attribute.empty()) co_await backfill_all(state, name, table.id, 0);
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
    if (settled.ttl_attribute.empty()) t.erase(store::prefix_range(keys::expiries(settled.id)));
    settled.status = "ACTIVE";
    t.put(keys::table(name), encode(settled));
  });
}

std::vector<Table> unsettled(State& state) {
  std::vector<Table> out;
  for (const auto& row : state.store.read()->scan(store::prefix_range(keys::tables()), 100'000)) {
    auto table = decode_table(row.value);
    if (table.status != "ACTIVE") out.push_back(std::move(table));
  }
  return out;
}

}  // namespace

async::Task<> run_settler(Shared state) {
  while (!state->stopping) {
    const auto ticket = state->stirred.ticket();
    bool failed = false;
    try {
      for (auto& table : unsettled(*state)) {
        if (state->stopping) break;
        auto name = table.name;
        co_await settle(state, std::move(name), std::move(table));
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
