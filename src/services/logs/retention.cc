// Expired events: hidden at once by readers, removed here a little later.
#include <limits>

#include "base/log.h"
#include "services/logs/keys.h"
#include "services/logs/rows.h"
#include "services/logs/state.h"

namespace lambari::logs {

namespace {

using namespace std::chrono_literals;

constexpr auto kSweepEvery = 10min;
constexpr std::size_t kPage = 256;
constexpr std::size_t kErasedAtOnce = 2'000;

// Removes up to kErasedAtOnce events before `oldest`; true when there may be more.
bool erase_expired(store::Transaction& t, std::uint64_t group_id, const GroupName& name, const std::string& stream_name,
                   std::int64_t oldest) {
  auto group = find_group(t, name);
  if (!group || group->id != group_id) return false;
  auto stream = find_stream(t, *group, stream_name);
  if (!stream || !stream->has_events || stream->first >= oldest) return false;
  const store::Range expired{keys::events(group_id, stream->id), keys::event(group_id, stream->id, {oldest, 0})};
  auto rows = t.scan(expired, kErasedAtOnce);
  std::uint64_t bytes = 0;
  for (const auto& row : rows) bytes += decode_event(row.value).message.size() + kEventOverhead;
  const bool more = rows.size() == kErasedAtOnce;
  if (!rows.empty()) t.erase({expired.begin, keys::after(rows.back().key)});
  stream->bytes -= std::min(stream->bytes, bytes);
  if (!more) stream->first = std::min(oldest, stream->last);
  if (!more && stream->first < oldest) {  // nothing is left: stop looking here
    t.erase(keys::last(group_id, stream->last, stream_name));
    t.put(keys::last(group_id, 0, stream_name), "");
    stream->has_events = false;
    stream->bytes = 0;
  }
  t.put(keys::stream(group_id, stream_name), encode(*stream));
  if (bytes) add_stored_bytes(t, *group, -static_cast<std::int64_t>(bytes));
  return more;
}

async::Task<bool> erase_some(Shared state, std::uint64_t group_id, GroupName name, std::string stream, std::int64_t oldest) {
  co_return co_await state->store.transact(
      [&](store::Transaction& t) { return erase_expired(t, group_id, name, stream, oldest); });
}

async::Task<> sweep_group(Shared state, GroupName name, Group group, std::int64_t oldest) {
  auto range = store::prefix_range(keys::streams(group.id));
  while (!state->stopping) {
    auto rows = state->store.read()->scan(range, kPage);
    for (const auto& row : rows) {
      std::string stream_name;
      const auto stream = decode_stream(row.value);
      if (!keys::read_stream(row.key, stream_name) || !stream.has_events || stream.first >= oldest) continue;
      while (co_await erase_some(state, group.id, name, stream_name, oldest) && !state->stopping) {
      }
    }
    if (rows.size() < kPage) co_return;
    range.begin = keys::after(rows.back().key);
  }
}

}  // namespace

std::int64_t oldest_kept(const Group& group, base::Timestamp now) {
  if (!group.retention_days) return std::numeric_limits<std::int64_t>::min();
  return now.ms - group.retention_days * kDay;
}

async::Task<> sweep(Shared state) {
  auto range = store::prefix_range(keys::groups());
  while (true) {
    auto rows = state->store.read()->scan(range, kPage);
    for (const auto& row : rows) {
      GroupName name;
      auto group = decode_group(row.value);
      if (!keys::read_group(row.key, name) || !group.retention_days) continue;
      const auto oldest = oldest_kept(group, state->clock.now());
      co_await sweep_group(state, std::move(name), std::move(group), oldest);
    }
    if (rows.size() < kPage) co_return;
    range.begin = keys::after(rows.back().key);
  }
}

async::Task<> run_sweeper(Shared state) {
  auto seen = state->swept_event.ticket();
  while (!state->stopping) {
    try {
      co_await sweep(state);
    } catch (const std::exception& error) {
      base::log_warn("expired log events stay for now", {{"error", error.what()}});
    }
    if (state->stopping) break;
    co_await state->swept_event.wait(seen, kSweepEvery);
    seen = state->swept_event.ticket();
  }
}

}  // namespace lambari::logs
