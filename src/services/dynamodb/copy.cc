// Fills backups and restored tables with rows, some at a time, each time in a transaction that also says how far it came: what a
// stop or a kill cuts off goes on from there. All that are under way advance in turn, for half of the time at most.
#include <algorithm>
#include <chrono>
#include <map>

#include "base/log.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRowsAtOnce = 500, kBytesAtOnce = 256 * 1024;  // of one transaction, about
constexpr std::size_t kRowsOfAScan = 16;                             // each may have 400 KiB
constexpr auto kPause = 1s;                                          // after the store refused

// What one transaction does to the copy's rows.
struct Part {
  std::map<std::string, std::string> rows;  // "": erased
  bool last = false;
};

Part copy_rows(store::Reader& reader, Copy& copy) {
  Part part;
  const auto prefix = keys::rows(copy.source, 0);
  auto range = store::prefix_range(prefix);
  if (!copy.cursor.empty()) range.begin = copy.cursor;
  for (std::size_t bytes = 0; !part.last && part.rows.size() < kRowsAtOnce && bytes < kBytesAtOnce;) {
    const auto rows = reader.scan(range, kRowsOfAScan);
    for (const auto& row : rows) {
      bytes += row.key.size() + row.value.size();
      copy.size.add(size_of_item(decode_item(row.value)));
      part.rows.emplace(keys::rows(copy.target, 0) + row.key.substr(prefix.size()), row.value);
    }
    part.last = rows.size() < kRowsOfAScan;
    if (!rows.empty()) copy.cursor = range.begin = rows.back().key + '\0';
  }
  return part;
}

Part undo_changes(store::Reader& reader, Copy& copy) {
  Part part;
  store::Range range{keys::changes_from(copy.source, *copy.moment + 1), copy.cursor};
  if (copy.cursor.empty()) range.end = store::prefix_range(keys::changes(copy.source)).end;
  std::size_t seen = 0;
  for (std::size_t bytes = 0; !part.last && seen < kRowsAtOnce && bytes < kBytesAtOnce;) {
    const auto changes = reader.scan(range, kRowsOfAScan, store::Order::descending);
    for (const auto& change : changes) {
      ++seen;
      bytes += change.key.size() + change.value.size();
      part.rows.insert_or_assign(keys::item_of_change(copy.target, change.key), change.value);
    }
    part.last = changes.size() < kRowsOfAScan;
    if (!changes.empty()) copy.cursor = range.end = changes.back().key;
  }
  for (const auto& [key, value] : part.rows) {
    if (const auto old = reader.get(key)) {
      const auto gone = size_of_item(decode_item(*old));
      copy.size.add({-gone.items, -gone.bytes});
    }
    if (!value.empty()) copy.size.add(size_of_item(decode_item(value)));
  }
  return part;
}

// The table need not keep its changes for this copy any more.
void release(store::Transaction& t, State& state, const Copy& copy) {
  const auto found = state.tables.find(t, copy.table);
  if (!found || found->id != copy.source) return;
  auto table = *found;
  std::erase_if(table.copies, [&](const auto& each) { return each.target == copy.target; });
  if (!table.keeps_changes()) t.erase(store::prefix_range(keys::changes(table.id)));
  t.put(keys::table(copy.table), encode(table));
}

void finish(store::Transaction& t, State& state, const Copy& copy) {
  t.erase(keys::copy(copy.target));
  if (copy.moment) release(t, state, copy);
  if (copy.backup_arn.empty()) {
    Growth total;
    total.table = copy.size;
    t.put(keys::size(copy.target), encode(total));
    return;
  }
  const auto name = parse_backup_arn(copy.backup_arn);
  const auto key = keys::backup(name->table, name->label);
  if (const auto row = t.get(key)) {
    auto backup = decode_backup(*row);
    backup.status = "AVAILABLE";
    backup.size = copy.size;
    t.put(key, encode(backup));
  }
}

async::Task<> advance(Shared state, Copy copy) {
  const auto key = keys::copy(copy.target);
  const bool was_undoing = copy.undoing;
  // The first look at the changes comes after the last one at the rows: it misses none that a row may hold.
  const auto part = [&] {
    const auto reader = state->store.read();
    return was_undoing ? undo_changes(*reader, copy) : copy_rows(*reader, copy);
  }();
  bool done = part.last;
  if (part.last && !was_undoing && copy.moment) {
    copy.undoing = true;
    copy.cursor.clear();
    done = false;
  }
  const bool there = co_await state->store.transact([&](store::Transaction& t) {
    if (!t.get(key)) return false;  // all was deleted meanwhile
    for (const auto& [row, value] : part.rows) {
      if (value.empty()) {
        t.erase(row);
      } else {
        t.put(row, value);
      }
    }
    if (done) {
      finish(t, *state, copy);
    } else {
      t.put(key, encode(copy));
    }
    return true;
  });
  if (!there || !done) co_return;
  if (copy.moment) state->changed(copy.table);
  if (copy.backup_arn.empty()) {
    Growth total;
    total.table = copy.size;
    state->sizes.set(copy.target, std::move(total));
    state->changed(copy.restored);
    state->stirred.notify_all();  // the settler fills its indexes
  }
}

}  // namespace

async::Task<> run_copier(Shared state) {
  while (!state->stopping) {
    const auto ticket = state->stirred.ticket();
    bool failed = false, any = false;
    try {
      for (const auto& row : state->store.read()->scan(store::prefix_range(keys::copies()), kMaxCopies)) {
        if (state->stopping) break;
        any = true;
        const auto begun = std::chrono::steady_clock::now();
        co_await advance(state, decode_copy(row.value));
        const auto taken = std::chrono::steady_clock::now() - begun;
        co_await async::sleep_for(std::chrono::duration_cast<std::chrono::milliseconds>(taken));
      }
    } catch (const std::exception& error) {
      base::log_error("backups and restores wait: the store refuses", {{"error", error.what()}});
      failed = true;
    }
    if (failed) {
      co_await async::sleep_for(kPause);
    } else if (!any) {
      co_await state->stirred.wait(ticket, 3600s);
    }
  }
  --state->background;
  state->ended.notify_all();
}

}  // namespace lambari::dynamodb
