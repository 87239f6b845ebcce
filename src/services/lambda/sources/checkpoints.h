// How far the lanes of a stream's shards have got, kept durably. Implemented by the room that keeps the mapping.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"

namespace lambari::sources {

// Of one lane.
struct Place {
  std::string cursor;        // all before it is done with
  bool ended = false;        // the shard is closed, and all of it is done with
  bool window_open = false;  // a tumbling window has begun and its last invocation is to come
  std::int64_t window = 0;   // ms: its start; without one, no window begins before
  std::string state;         // JSON that the function returned for it
  bool operator==(const Place&) const = default;
};

// Thread-safe.
class Checkpoints {
 public:
  virtual ~Checkpoints() = default;
  // The places of the shard's `lanes` lanes; all at `first` when nothing is known, all at the least one when it was read by
  // another number of lanes before. What it answers is durable.
  virtual async::Task<std::vector<Place>> open(std::string shard, unsigned lanes, std::string first) = 0;
  // Returns when it is durable. The documents go to the mapping's on-failure destination; that is part of the same commit.
  virtual async::Task<> save(std::string shard, unsigned lane, Place place, std::vector<std::string> discarded) = 0;
};

}  // namespace lambari::sources
