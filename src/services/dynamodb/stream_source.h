// DynamoDB Streams as a source of event source mappings. Reading for a function costs no read units, as on AWS.
#pragma once

#include "contracts/stream_source.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {

// Thread-safe.
class StreamSource final : public contracts::StreamSource {
 public:
  explicit StreamSource(Shared state) : state_(std::move(state)) {}

  async::Task<std::optional<contracts::SourceStream>> describe(std::string stream_arn) override;
  async::Task<bool> may_read(contracts::Principal caller, std::string stream_arn) override;
  async::Task<std::string> locate(contracts::Principal caller, std::string stream_arn, std::string shard,
                                  contracts::StreamStart start) override;
  async::Task<contracts::StreamPage> read(contracts::Principal caller, contracts::StreamRead read) override;

 private:
  async::Task<contracts::Decision> may(contracts::Principal caller, std::string action, std::string stream_arn);
  async::Task<> check(contracts::Principal caller, std::string action, std::string stream_arn);

  Shared state_;
};

}  // namespace lambari::dynamodb
