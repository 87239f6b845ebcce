// What is over: messages past their retention, deduplication ids of past periods, names of deleted queues. Readers pass over it
// at once; here it is removed a little later.
#include "base/log.h"
#include "services/sqs/keys.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

namespace {

constexpr auto kSweepEvery = std::chrono::minutes(1);
constexpr std::size_t kPage = 256;
constexpr std::size_t kErasedAtOnce = 100;

// Looks at a page of messages from `range.begin` and erases those that are over; moves `range.begin` past the page. False at the
// range's end, or at the first that stays when `ordered` by age.
async::Task<bool> erase_page(Shared state, QueueRef queue, store::Range& range, bool ordered, std::int64_t now) {
  auto& line = *queue->line;
  std::vector<Position> gone;
  std::vector<std::string> blobs;
  std::string next;
  bool more = false;
  co_await state->d.store.commit([&](store::Transaction& t) {
    gone.clear();
    blobs.clear();
    const auto rows = t.scan(range, kErasedAtOnce);
    more = rows.size() == kErasedAtOnce;
    if (more) next = keys::after(rows.back().key);
    for (const auto& pair : rows) {
      Position at;
      std::string group;
      if (!keys::read_message(pair.key, at, group)) continue;
      auto row = decode_message(pair.value);
      if (row.head.sent + queue->queue.retention > now) {
        if (!ordered || row.head.moved) continue;
        more = false;
        break;
      }
      erase_message(t, line, at, row);
      gone.push_back(at);
      if (!row.blob.empty()) blobs.push_back(std::move(row.blob));
    }
  });
  for (const auto at : gone) line.forget(at);
  line.removed(gone.size());
  if (!blobs.empty()) co_await erase_blobs(state, std::move(blobs));
  range.begin = std::move(next);
  co_return more;
}

// Messages that were moved here and are older than their place says.
async::Task<> sweep_moved(Shared state, QueueRef queue, std::int64_t now) {
  auto& line = *queue->line;
  const store::Range range{keys::moved(line.generation()), keys::moved(line.generation(), now - queue->queue.retention + 1)};
  for (bool more = true; more;) {
    std::vector<Position> gone;
    std::vector<std::string> blobs;
    co_await state->d.store.commit([&](store::Transaction& t) {
      gone.clear();
      blobs.clear();
      const auto rows = t.scan(range, kErasedAtOnce);
      more = rows.size() == kErasedAtOnce;
      for (const auto& pair : rows) {
        std::int64_t sent = 0;
        Position at;
        std::string group;
        t.erase(pair.key);
        if (!keys::read_moved(pair.key, sent, at, group)) continue;
        auto row = t.get(keys::message(line.generation(), at, group));
        if (!row) continue;
        auto decoded = decode_message(*row);
        erase_message(t, line, at, decoded);
        gone.push_back(at);
        if (!decoded.blob.empty()) blobs.push_back(std::move(decoded.blob));
      }
    });
    for (const auto at : gone) line.forget(at);
    line.removed(gone.size());
    if (!blobs.empty()) co_await erase_blobs(state, std::move(blobs));
  }
}

async::Task<> sweep_queue(Shared state, QueueName name, Queue queue) {
  const auto now = state->now();
  const auto generation = queue.generation;
  const auto retention = queue.retention;
  const auto oldest = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - retention));
  auto known = known_queue(*state, name);
  const auto head = known && known->line->loaded() ? known->line->head() : Position{};
  store::Range plain{keys::message(generation, head.due == 0 ? head : Position{}),
                     keys::message(generation, {0, (oldest + 1) << kSequenceBits})};
  store::Range delayed{keys::message(generation, {1, 0}),
                       keys::message(generation, {oldest + static_cast<std::uint64_t>(kMaxDelay) + 1, 0})};
  auto reader = state->d.store.read();
  const bool old_enough = queue.created + retention <= now;  // else nothing can be over, but what was moved here
  const bool any_plain = old_enough && !reader->keys(plain, 1).empty();
  const bool any_delayed = old_enough && !queue.fifo && !reader->keys(delayed, 1).empty();
  const bool any_moved = !reader->keys({keys::moved(generation), keys::moved(generation, now - retention + 1)}, 1).empty();
  const auto period = static_cast<std::uint64_t>(now / kDeduplicationWindow);
  const store::Range past{keys::once(generation), keys::once(generation, period - 1)};
  const bool any_past = !reader->keys(past, 1).empty();
  reader.reset();
  if (any_past) co_await state->d.store.commit([&](store::Transaction& t) { t.erase(past); });
  // Only a queue that has something to lose is loaded.
  if (!any_plain && !any_delayed && !any_moved) co_return;
  known = find_queue(*state, name);
  if (!known || known->line->generation() != generation) co_return;
  co_await ready(state, known);
  while (any_plain && !state->stopping && co_await erase_page(state, known, plain, true, now)) {
  }
  while (any_delayed && !state->stopping && co_await erase_page(state, known, delayed, false, now)) {
  }
  if (any_moved) co_await sweep_moved(state, known, now);
}

// The blobs of generations that ended.
async::Task<> sweep_dead(Shared state) {
  for (const auto& key : state->d.store.read()->keys(store::prefix_range(keys::dead()), kPage)) {
    std::uint64_t generation = 0;
    if (!keys::read_dead(key, generation)) continue;
    const auto range = store::prefix_range(keys::blobs(generation));
    for (;;) {
      const auto rows = state->d.store.read()->keys(range, kPage);
      std::vector<std::string> hashes;
      for (const auto& row : rows) {
        std::string hash;
        if (keys::read_blob(row, hash)) hashes.push_back(std::move(hash));
      }
      co_await erase_blobs(state, std::move(hashes));
      if (!rows.empty())
        co_await state->d.store.commit([&](store::Transaction& t) {
          for (const auto& row : rows) t.erase(row);
        });
      if (rows.size() < kPage) break;
    }
    co_await state->d.store.commit([&](store::Transaction& t) { t.erase(key); });
  }
}

async::Task<> forget_deleted_names(Shared state) {
  const auto now = state->now();
  auto range = store::prefix_range(keys::deleted());
  for (;;) {
    auto rows = state->d.store.read()->scan(range, kPage);
    std::vector<std::string> over;
    for (const auto& row : rows)
      if (std::strtoll(row.value.c_str(), nullptr, 10) + kMinute <= now) over.push_back(row.key);
    if (!over.empty())
      co_await state->d.store.commit([&](store::Transaction& t) {
        for (const auto& key : over) t.erase(key);
      });
    if (rows.size() < kPage) co_return;
    range.begin = keys::after(rows.back().key);
  }
}

}  // namespace

async::Task<> sweep(Shared state) {
  co_await forget_deleted_names(state);
  co_await sweep_dead(state);
  auto range = store::prefix_range(keys::queues());
  while (!state->stopping) {
    auto rows = state->d.store.read()->scan(range, kPage);
    for (const auto& row : rows) {
      QueueName name;
      if (state->stopping || !keys::read_queue(row.key, name)) continue;
      co_await sweep_queue(state, std::move(name), decode_queue(row.value));
    }
    if (rows.size() < kPage) co_return;
    range.begin = keys::after(rows.back().key);
  }
}

async::Task<> run_sweeper(Shared state) {
  while (!state->stopping) {
    const auto seen = state->sweep_event.ticket();
    try {
      co_await sweep(state);
    } catch (const std::exception& error) {
      base::log_warn("expired messages stay for now", {{"error", error.what()}});
    }
    if (state->stopping) break;
    co_await state->sweep_event.wait(seen, kSweepEvery);
  }
}

}  // namespace lambari::sqs
