// A lane reads its slice of one shard, batch after batch and strictly in order: gathers, filters, invokes, and moves on once the
// batch is processed or given up and that is durable. A batch that fails holds the lane, and no other.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "async/gate.h"
#include "async/loops.h"
#include "base/clock.h"
#include "contracts/stream_source.h"
#include "services/lambda/sources/checkpoints.h"
#include "services/lambda/sources/stream_rules.h"

namespace lambari::sources {

// What the lanes of one mapping share.
struct StreamContext {
  StreamContext(base::Clock& clock, contracts::StreamSource& streams, Caller caller, StreamSettings settings, Function function,
                std::shared_ptr<Checkpoints> checkpoints, std::shared_ptr<Counters> counters)
      : clock(clock),
        streams(streams),
        caller(std::move(caller)),
        settings(std::move(settings)),
        function(std::move(function)),
        checkpoints(std::move(checkpoints)),
        counters(std::move(counters)) {}

  base::Clock& clock;
  contracts::StreamSource& streams;
  const Caller caller;
  const StreamSettings settings;
  const Function function;
  const std::shared_ptr<Checkpoints> checkpoints;
  const std::shared_ptr<Counters> counters;

  async::Event ending;  // the end is asked for
  std::atomic<bool> stopping{false};

  mutable std::mutex mutex;
  std::string last_result = "No records processed";  // guarded by mutex

  void note(std::string result) {
    const std::lock_guard lock(mutex);
    last_result = std::move(result);
  }
  // Not through the end of the mapping's feed.
  async::Task<> pause(std::chrono::milliseconds time) {
    const auto ticket = ending.ticket();
    if (!stopping) co_await ending.wait(ticket, time);
  }
};

struct LaneOf {
  std::string shard;
  unsigned index = 0;
  std::chrono::milliseconds retention{0};
};

// Returns when the shard is closed and all of it is done with, or when the feed stops.
async::Task<> run_lane(std::shared_ptr<StreamContext> context, LaneOf lane, Place place);

}  // namespace lambari::sources
