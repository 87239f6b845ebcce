// The buffer between the rooms that write logs and the store: bounded, committed in batches, in order.
#include <map>

#include "base/log.h"
#include "services/logs/rows.h"
#include "services/logs/state.h"

namespace lambari::logs {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBufferBytes = 16 << 20;  // beyond it events are dropped and counted
constexpr std::size_t kBatchBytes = 256 << 10;  // enough to commit without waiting
constexpr std::size_t kCommitBytes = 2 << 20;   // of one transaction
constexpr std::size_t kCommitEvents = 10'000;
constexpr auto kBatchTime = 200ms;
constexpr auto kRetryTime = 1s;

// One transaction's worth: whole writes, so that a write is never half committed.
std::deque<State::Pending> take(State& state) {
  std::lock_guard lock(state.mutex);
  std::deque<State::Pending> chunk;
  std::size_t bytes = 0, events = 0;
  while (!state.buffer.empty()) {
    auto& next = state.buffer.front();
    if (!chunk.empty() && (bytes + next.bytes > kCommitBytes || events + next.events.size() > kCommitEvents)) break;
    bytes += next.bytes;
    events += next.events.size();
    chunk.push_back(std::move(next));
    state.buffer.pop_front();
  }
  return chunk;
}

void give_back(State& state, std::deque<State::Pending> chunk) {
  std::lock_guard lock(state.mutex);
  while (!chunk.empty()) {
    state.buffer.push_front(std::move(chunk.back()));
    chunk.pop_back();
  }
}

void forget(State& state, const std::deque<State::Pending>& chunk) {
  std::size_t bytes = 0;
  for (const auto& pending : chunk) bytes += pending.bytes;
  {
    std::lock_guard lock(state.mutex);
    state.buffered_bytes -= bytes;
  }
  state.taken += chunk.size();
  state.undurable -= chunk.size();
}

void put_chunk(store::Transaction& t, const std::deque<State::Pending>& chunk, std::int64_t now) {
  std::map<GroupName, std::map<std::string_view, std::vector<NewEvent>>> sorted;
  for (const auto& pending : chunk) {
    auto& events = sorted[pending.group][pending.stream];
    for (const auto& event : pending.events) events.push_back({event.time.ms, event.message});
  }
  for (const auto& [name, streams] : sorted) {
    auto group = find_group(t, name);
    if (!group) {
      Group fresh;
      fresh.created = now;
      group = create_group(t, name, std::move(fresh));
    }
    for (const auto& [stream_name, events] : streams) {
      auto stream = find_stream(t, *group, stream_name);
      if (!stream) stream = create_stream(t, *group, stream_name, now);
      append_events(t, *group, stream_name, *stream, events, now);
    }
  }
}

async::Task<> commit_chunk(Shared state, std::shared_ptr<const std::deque<State::Pending>> chunk) {
  const auto now = state->clock.now().ms;
  co_await state->store.commit([chunk, now](store::Transaction& t) { put_chunk(t, *chunk, now); });
}

// The permit of the one who commits.
struct Turn {
  explicit Turn(async::Semaphore& semaphore) : semaphore(semaphore) {}
  ~Turn() { semaphore.release(); }
  Turn(const Turn&) = delete;
  async::Semaphore& semaphore;
};

}  // namespace

void write_to_sink(State& state, State::Pending pending) {
  const auto count = pending.events.size();
  std::size_t buffered = 0;
  bool first = false;
  {
    std::lock_guard lock(state.mutex);
    if (state.buffered_bytes + pending.bytes > kBufferBytes) {
      state.dropped += count;
      return;
    }
    first = state.buffer.empty();
    state.buffered_bytes += pending.bytes;
    buffered = state.buffered_bytes;
    ++state.written;
    ++state.undurable;
    state.buffer.push_back(std::move(pending));
  }
  if (first) state.written_event.notify_all();
  if (buffered >= kBatchBytes) state.full_event.notify_all();
}

void drop_buffer(State& state) {
  std::deque<State::Pending> all;
  {
    std::lock_guard lock(state.mutex);
    all.swap(state.buffer);
  }
  forget(state, all);
}

async::Task<> drain(Shared state) {
  if (state->undurable == 0) co_return;
  std::uint64_t goal = 0;
  {
    std::lock_guard lock(state->mutex);
    goal = state->written;
  }
  while (!co_await state->committing.acquire(30s)) {
  }
  Turn turn(state->committing);
  while (state->taken < goal) {
    auto chunk = std::make_shared<std::deque<State::Pending>>(take(*state));
    if (chunk->empty()) co_return;
    try {
      co_await commit_chunk(state, chunk);
    } catch (const store::StorageFull&) {
      give_back(*state, std::move(*chunk));
      throw;
    } catch (const store::StorageFailed&) {
      give_back(*state, std::move(*chunk));
      throw;
    } catch (const std::exception& error) {
      // It would fail again, and hold up everybody's logs behind it.
      for (const auto& pending : *chunk) state->dropped += pending.events.size();
      base::log_error("log events dropped", {{"error", error.what()}});
    }
    forget(*state, *chunk);
  }
}

async::Task<> see_sink(Shared state) {
  try {
    co_await drain(state);
  } catch (const store::StorageFull&) {
  } catch (const store::StorageFailed&) {
  }
}

async::Task<> run_flusher(Shared state) {
  while (!state->stopping) {
    const auto seen = state->written_event.ticket();
    if (state->undurable == 0) {
      co_await state->written_event.wait(seen, 60s);
      continue;
    }
    const auto full = state->full_event.ticket();
    bool enough = false;
    {
      std::lock_guard lock(state->mutex);
      enough = state->buffered_bytes >= kBatchBytes;
    }
    if (!enough && !state->stopping) co_await state->full_event.wait(full, kBatchTime);
    bool failed = false;
    try {
      co_await drain(state);
    } catch (const std::exception& error) {
      base::log_warn("log events wait for the store", {{"error", error.what()}});  // once a second at most
      failed = true;
    }
    if (failed && !state->stopping) co_await state->written_event.wait(state->written_event.ticket(), kRetryTime);
  }
}

}  // namespace lambari::logs
