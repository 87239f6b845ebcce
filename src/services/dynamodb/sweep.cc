// What goes by time: expired items, stream records older than a day, changes and backups that were kept long enough, tokens; and
// the sizes, written about once a second.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
#include "base/json.h"
#include "base/log.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/state.h"
#include "services/dynamodb/stream_reader.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

using namespace std::chrono_literals;

constexpr auto kEvery = 1s;
constexpr int kTrimEvery = 60;                       // rounds
constexpr std::int64_t kDay = 24 * 3600 * 1000;      // ms
constexpr std::int64_t kTokenLife = 10 * 60 * 1000;  // ms
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
      write_item(t, *out.table, change, ticket, state->now());
      out.growth.push_back(std::move(change.growth));
    }
    return out;
  });
  for (const auto& growth : done.growth) state->sizes.grow(done.table->id, growth);
  if (!done.growth.empty() && done.table->stream() != nullptr) state->news.tell(done.table->id);
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

// Changes of a table that neither its recovery period nor a copy under way needs.
store::Range old_changes(const Table& table, base::Timestamp now) {
  auto needed = now.ms;
  if (table.recovery) needed -= table.recovery->days * kDay;
  for (const auto& copy : table.copies) needed = std::min(needed, copy.moment);
  return {keys::changes(table.id), keys::changes_from(table.id, needed)};
}

async::Task<> trim_changes(Shared state, Table table) {
  if (state->store.read()->keys(old_changes(table, state->clock.now()), 1).empty()) co_return;
  co_await state->store.commit([&](store::Transaction& t) {
    const auto now = state->tables.find(t, table.name);
    if (now && now->id == table.id) t.erase(old_changes(*now, state->clock.now()));
  });
}

// System backups go after 35 days, unless a table is being restored from one.
async::Task<> forget_backups(Shared state) {
  const auto now = state->clock.now().ms;
  const auto reader = state->store.read();
  auto range = store::prefix_range(store::Key("dynamodb/backup").str());
  while (!state->stopping) {
    const auto rows = reader->scan(range, kAtOnce);
    for (const auto& row : rows) {
      const auto backup = decode_backup(row.value);
      if (backup.expires == 0 || backup.expires > now) continue;
      co_await state->store.commit([&](store::Transaction& t) {
        if (!in_use(t, backup)) erase_backup(t, backup);
      });
    }
    if (rows.size() < kAtOnce) co_return;
    range.begin = rows.back().key + '\0';
  }
}

// What the sweeper has to do with the tables as they are, read again only when one has changed.
struct Watched {
  std::uint64_t version = ~std::uint64_t{0};
  std::vector<std::pair<TableKey, std::uint64_t>> expiring;  // with time to live, and their ids
  std::vector<Table> kept;                                   // with streams or changes
};

Watched watch(State& state) {
  Watched out;
  out.version = state.table_changes;
  for (const auto& row : state.store.read()->scan(store::prefix_range(keys::tables()), 100'000)) {
    auto table = decode_table(row.value);
    if (!table.ttl_attribute.empty()) out.expiring.emplace_back(table.name, table.id);
    if (!table.streams.empty() || table.keeps_changes()) out.kept.push_back(std::move(table));
  }
  return out;
}

bool any_due(store::Reader& reader, std::uint64_t table, base::Timestamp now) {
  return !reader.keys({keys::expiries(table), keys::expiry(table, now.ms / 1000)}, 1).empty();
}

async::Task<> trim(Shared state, const Watched& watched) {
  for (const auto& table : watched.kept) {
    for (const auto& stream : table.streams) {
      while (!state->stopping && co_await trim_some(state, table.id, stream.label)) {
      }
    }
    if (table.keeps_changes()) co_await trim_changes(state, table);
  }
  co_await forget_backups(state);
  co_await forget_tokens(state);
}

}  // namespace

async::Task<> run_sweeper(Shared state) {
  Watched watched;
  for (int count = 0; !state->stopping; ++count) {
    const auto ticket = state->stirred.ticket();
    try {
      co_await write_sizes(state);
      if (watched.version != state->table_changes) watched = watch(*state);
      for (const auto& [name, id] : watched.expiring) {
        if (!any_due(*state->store.read(), id, state->clock.now())) continue;
        while (!state->stopping && co_await expire_some(state, name)) {
        }
      }
      if (count % kTrimEvery == 0) co_await trim(state, watched);
    } catch (const std::exception& error) {
      base::log_error("expired items wait: the store refuses", {{"error", error.what()}});
    }
    if (co_await state->stirred.wait(ticket, kEvery)) count = -1;  // the clock may have been moved
  }
  --state->background;
  state->ended.notify_all();
}

}  // namespace lambari::dynamodb
