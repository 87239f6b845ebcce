// DynamoDB Streams: what changed in a table, in order, for a day.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
//
// A stream has one shard. Its sequence numbers grow with the commits of each item; a reader sees a record once every record
// before it is there.
#pragma once

#include "aws/dynamodbstreams/api.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {

// Thread-safe.
class Streams final : public aws::dynamodbstreams::AbstractService {
 public:
  explicit Streams(Shared state) : state_(std::move(state)) {}

  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;
  async::Task<aws::dynamodbstreams::ListStreamsOutput> ListStreams(const wire::Call& call,
                                                                   aws::dynamodbstreams::ListStreamsInput request) override;
  async::Task<aws::dynamodbstreams::DescribeStreamOutput> DescribeStream(
      const wire::Call& call, aws::dynamodbstreams::DescribeStreamInput request) override;
  async::Task<aws::dynamodbstreams::GetShardIteratorOutput> GetShardIterator(
      const wire::Call& call, aws::dynamodbstreams::GetShardIteratorInput request) override;
  async::Task<aws::dynamodbstreams::GetRecordsOutput> GetRecords(const wire::Call& call,
                                                                 aws::dynamodbstreams::GetRecordsInput request) override;

 private:
  Shared state_;
};

}  // namespace lambari::dynamodb
