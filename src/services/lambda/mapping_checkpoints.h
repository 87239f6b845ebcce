// How far the lanes of a stream's mapping have got, in rows of the store; with what is given up, a record for the destination.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "services/lambda/async_queue.h"
#include "services/lambda/house.h"
#include "services/lambda/mapping_model.h"
#include "services/lambda/sources/checkpoints.h"

namespace lambari::lambda {

// Of one mapping. A row is written only while the mapping is there. Thread-safe.
class MappingCheckpoints final : public sources::Checkpoints {
 public:
  MappingCheckpoints(House& house, AsyncQueue& events, Mapping mapping)
      : house_(house), events_(events), mapping_(std::move(mapping)) {}

  async::Task<std::vector<sources::Place>> open(std::string shard, unsigned lanes, std::string first) override;
  async::Task<> save(std::string shard, unsigned lane, sources::Place place, std::vector<std::string> discarded) override;

  // Where a mapping that is being created begins to read the shard.
  static void begin(store::Transaction& t, const Mapping& mapping, const std::string& shard, std::string cursor);
  // Of a mapping that goes.
  static void erase(store::Transaction& t, const Mapping& mapping);

 private:
  std::vector<Record> records(const std::vector<std::string>& discarded) const;
  bool is_there(store::Reader& reader) const;

  House& house_;
  AsyncQueue& events_;
  const Mapping mapping_;
};

}  // namespace lambari::lambda
