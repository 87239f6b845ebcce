// Feeds a function from a stream: finds its shards, reads a shard once its parents are done with, and runs the lanes of each
// (stream_lane.h). While nothing happens each lane has one long read under way.
#pragma once

#include <memory>
#include <string>

#include "async/loops.h"
#include "base/clock.h"
#include "services/lambda/sources/stream_lane.h"

namespace lambari::sources {

class StreamPoller final : public Feed {
 public:
  StreamPoller(async::Loops& loops, base::Clock& clock, contracts::StreamSource& streams, Caller caller, StreamSettings settings,
               Function function, std::shared_ptr<Checkpoints> checkpoints, std::shared_ptr<Counters> counters);
  ~StreamPoller() override;
  StreamPoller(const StreamPoller&) = delete;

  void wind_down() override;
  // Returns at once. Another feed must not begin before ended(): a record that is being processed would overtake itself.
  async::Task<> stop() override;
  std::string last_result() const override;
  bool ended() const override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::sources
