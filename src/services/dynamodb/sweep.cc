// What goes by time: expired items, stream records older than a day, tokens; and the sizes, written about once a second.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
#include "base/json.h"
#include "base/log.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/state.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

using namespace std::chrono_literals;

constexpr auto kEvery = 1s;
constexpr int kTrimEvery = 60;                          // rounds
constexpr std::int64_t kStreamLife = 24 * 3600 * 1000;  // ms
constexpr std::int64_t kTokenLife = 10 * 60 * 1000;     // ms
constexpr std::size_t kAtOnce = 100;

// Deletes what has expired, some at a time; true when there may be more.
async::Task<bool> expire_some(Shared state, TableKey name) {
  Sequence::Ticket ticket(state->sequence);
  struct Done {
    std::size_t seen = 0;
    SharedTable table;
    std::vector<Growth> growth;
  };
  const auto done = co_await state->store.transact([&](store::Transaction& t) {
    ticket.restart();
    Done out;
    out.table = state->tables.find(t, name);
    if (!out.table || out.table->ttl_attribute.empty() || out.table->status == "DELETING") return out;
    const auto now = state->clock.now();
    const store::Range due{keys::expiries(out.table->id), keys::expiry(out.table->id, now.ms / 1000)};
    const auto prefix = keys::expiry(0, 0).size();
    for (const auto& row : t.scan(due, kAtOnce)) {
      ++out.seen;
      t.erase(row.key);
      auto change = load_item(t, keys::rows(out.table->id, 0) + row.key.substr(prefix));
      if (!change.before) continue;
      const auto second = expiry_of(*out.table, *change.before, 0);
      if (!second || *second >= now.ms / 1000) continue;
      change.expired = true;
      write_item(t, *out.table, change, ticket, now);
      out.growth.push_back(growth_of(change));
    }
    return out;
  });
  for (const auto& growth : done.growth) state->sizes.grow(done.table->id, growth);
  if (!done.growth.empty() && done.table->stream() != nullptr) state->written.notify_all();
  co_return done.seen == kAtOnce;
}

// Erases the records of a stream that are older than a day; the first young one ends the search.
async::Task<bool> trim_some(Shared state, std::uint64_t table, std::string label) {
  co_return co_await state->store.transact([&](store::Transaction& t) {
    const auto oldest = state->clock.now().ms - kStreamLife;
    std::size_t old = 0;
    for (const auto& row : t.scan(store::prefix_range(keys::stream(table, label)), kAtOnce)) {
      const auto time = decode_attribute(row.value, "time");
      if (!time || std::stoll(time->number()->text()) >= oldest) break;
      t.erase(row.key);
      ++old;
    }
    return old == kAtOnce;
  });
}

async::Task<> forget_tokens(Shared state) {
  auto range = store::prefix_range(store::Key("dynamodb/token").str());
  const auto oldest = state->clock.now().ms - kTokenLife;
  while (!state->stopping) {
    const auto rows = state->store.read()->scan(range, kAtOnce);
    std::vector<std::string> old;
    for (const auto& row : rows) {
      const auto value = base::parse_json(row.value);
      if (value && value->as_object().at("time").to_number<std::int64_t>() < oldest) old.push_back(row.key);
    }
    if (!old.empty()) {
      co_await state->store.commit([&](store::Transaction& t) {
        for (const auto& key : old) t.erase(key);
      });
    }
    if (rows.size() < kAtOnce) co_return;
    range.begin = rows.back().key + '\0';
  }
}

async::Task<> round(Shared state, bool trim) {
  std::vector<Table> tables;
  for (const auto& row : state->store.read()->scan(store::prefix_range(keys::tables()), 100'000)) {
    tables.push_back(decode_table(row.value));
  }
  for (const auto& table : tables) {
    while (!state->stopping && !table.ttl_attribute.empty() && co_await expire_some(state, table.name)) {
    }
    if (!trim) continue;
    for (const auto& stream : table.streams) {
      while (!state->stopping && co_await trim_some(state, table.id, stream.label)) {
      }
    }
  }
  if (trim) co_await forget_tokens(state);
}

}  // namespace

Growth Sizes::of(std::uint64_t table) {
  const std::lock_guard lock(mutex_);
  const auto it = tables_.find(table);
  return it == tables_.end() ? Growth{} : it->second.total;
}

void Sizes::set(std::uint64_t table, Growth total) {
  const std::lock_guard lock(mutex_);
  tables_[table] = {total, false};
}

void Sizes::grow(std::uint64_t table, Growth by) {
  if (by.items == 0 && by.bytes == 0) return;
  const std::lock_guard lock(mutex_);
  auto& entry = tables_[table];
  entry.total.items += by.items;
  entry.total.bytes += by.bytes;
  entry.changed = true;
}

void Sizes::forget(std::uint64_t table) {
  const std::lock_guard lock(mutex_);
  tables_.erase(table);
}

std::unordered_map<std::uint64_t, Growth> Sizes::take_changed() {
  const std::lock_guard lock(mutex_);
  std::unordered_map<std::uint64_t, Growth> out;
  for (auto& [table, entry] : tables_) {
    if (!entry.changed) continue;
    out.emplace(table, entry.total);
    entry.changed = false;
  }
  return out;
}

async::Task<> write_sizes(Shared state) {
  const auto changed = state->sizes.take_changed();
  if (changed.empty()) co_return;
  co_await state->store.commit([&](store::Transaction& t) {
    for (const auto& [table, total] : changed) {
      t.put(keys::size(table), base::to_json(base::json::object{{"items", total.items}, {"bytes", total.bytes}}));
    }
  });
}

async::Task<> run_sweeper(Shared state) {
  for (int count = 0; !state->stopping; ++count) {
    const auto ticket = state->stirred.ticket();
    try {
      co_await write_sizes(state);
      co_await round(state, count % kTrimEvery == 0);
    } catch (const std::exception& error) {
      base::log_error("expired items wait: the store refuses", {{"error", error.what()}});
    }
    if (co_await state->stirred.wait(ticket, kEvery)) count = -1;  // the clock may have been moved
  }
  --state->background;
  state->ended.notify_all();
}

}  // namespace lambari::dynamodb
