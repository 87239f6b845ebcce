// What the parts of the room share. Kept alive by the service and by its background tasks.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/gate.h"
#include "async/loops.h"
#include "base/clock.h"
#include "contracts/log_sink.h"
#include "services/logs/model.h"
#include "store/store.h"
#include "wire/call.h"

namespace lambari::logs {

struct State {
  State(async::Loops& loops, base::Clock& clock, store::Store& store) : loops(loops), clock(clock), store(store) {}

  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;

  // The sink's buffer: events that are not committed yet, in the order they were written.
  struct Pending {
    GroupName group;
    std::string stream;
    std::vector<contracts::LogEvent> events;
    std::size_t bytes = 0;
  };
  std::mutex mutex;
  std::deque<Pending> buffer;             // guarded by mutex
  std::size_t buffered_bytes = 0;         // guarded by mutex; counts what is being committed, too
  std::uint64_t written = 0;              // guarded by mutex: writes accepted
  std::atomic<std::uint64_t> taken{0};    // writes that left the buffer for good
  std::atomic<std::size_t> undurable{0};  // writes not yet committed
  std::atomic<std::uint64_t> dropped{0};

  async::Event written_event;  // something is buffered
  async::Event full_event;     // much is buffered: do not wait for the batch to grow
  async::Event swept_event;    // the clock was moved, or the room stops
  async::Semaphore committing{1};
  std::atomic<bool> stopping{false};
  std::atomic<int> background{0};  // tasks that start() began and that still run
  async::Event ended_event;        // one of them ended
};

using Shared = std::shared_ptr<State>;

// sink.cc
void write_to_sink(State& state, State::Pending pending);
async::Task<> drain(Shared state);     // commits what was written before; throws when the store refuses
async::Task<> see_sink(Shared state);  // the same for a read: a store that refuses writes still answers
async::Task<> run_flusher(Shared state);
void drop_buffer(State& state);

// retention.cc
async::Task<> run_sweeper(Shared state);
async::Task<> sweep(Shared state);  // removes every expired event once
// Events before this moment are expired; the smallest time when they stay for ever.
std::int64_t oldest_kept(const Group& group, base::Timestamp now);

// names.cc
// From "logGroupName" or "logGroupIdentifier", of which exactly one must be given.
GroupName group_of(const wire::Call& call, const std::optional<std::string>& name, const std::optional<std::string>& identifier);
GroupName group_of_name(const wire::Call& call, const std::string& name);
GroupName group_of_identifier(const wire::Call& call, const std::string& identifier);  // a name or an ARN
GroupName group_of_arn(const wire::Call& call, const std::string& arn);                // of the tagging calls

}  // namespace lambari::logs
