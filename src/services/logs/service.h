// CloudWatch Logs: groups, streams and events; and the sink where the other rooms write their users' logs.
//   https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
#pragma once

#include <memory>

#include "async/loops.h"
#include "aws/logs/api.h"
#include "base/clock.h"
#include "contracts/log_sink.h"
#include "contracts/room.h"
#include "store/store.h"

namespace lambari::logs {

struct Dependencies {
  async::Loops& loops;  // the flusher and the retention sweeper run here, from start() to stop()
  base::Clock& clock;
  store::Store& store;
};

struct State;

// Thread-safe. Reads see what was written to the sink before. Without start() the sink still works: a read, flush() or
// stop() commits what is buffered.
class Logs final : public aws::logs::AbstractService, public contracts::LogSink, public contracts::Room {
 public:
  explicit Logs(Dependencies dependencies);
  ~Logs() override;
  Logs(const Logs&) = delete;

  // contracts::LogSink
  void write(const std::string& account, const std::string& region, const std::string& group, const std::string& stream,
             std::vector<contracts::LogEvent> events) override;
  async::Task<> flush() override;  // throws store::StorageFull / StorageFailed when the store refuses; the events stay buffered
  std::uint64_t dropped() const;   // events that did not fit in the buffer, since the process began

  // contracts::Room
  std::string_view name() const override { return "logs"; }
  async::Task<> start() override;
  async::Task<> stop() override;
  async::Task<> nuke() override;

  // wire::Service
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  // aws::logs::AbstractService
  async::Task<> CreateLogGroup(const wire::Call& call, aws::logs::CreateLogGroupRequest request) override;
  async::Task<> DeleteLogGroup(const wire::Call& call, aws::logs::DeleteLogGroupRequest request) override;
  async::Task<aws::logs::DescribeLogGroupsResponse> DescribeLogGroups(const wire::Call& call,
                                                                      aws::logs::DescribeLogGroupsRequest request) override;
  async::Task<aws::logs::ListLogGroupsResponse> ListLogGroups(const wire::Call& call,
                                                              aws::logs::ListLogGroupsRequest request) override;
  async::Task<> CreateLogStream(const wire::Call& call, aws::logs::CreateLogStreamRequest request) override;
  async::Task<> DeleteLogStream(const wire::Call& call, aws::logs::DeleteLogStreamRequest request) override;
  async::Task<aws::logs::DescribeLogStreamsResponse> DescribeLogStreams(const wire::Call& call,
                                                                        aws::logs::DescribeLogStreamsRequest request) override;
  async::Task<aws::logs::PutLogEventsResponse> PutLogEvents(const wire::Call& call,
                                                            aws::logs::PutLogEventsRequest request) override;
  async::Task<aws::logs::GetLogEventsResponse> GetLogEvents(const wire::Call& call,
                                                            aws::logs::GetLogEventsRequest request) override;
  async::Task<aws::logs::FilterLogEventsResponse> FilterLogEvents(const wire::Call& call,
                                                                  aws::logs::FilterLogEventsRequest request) override;
  async::Task<> PutRetentionPolicy(const wire::Call& call, aws::logs::PutRetentionPolicyRequest request) override;
  async::Task<> DeleteRetentionPolicy(const wire::Call& call, aws::logs::DeleteRetentionPolicyRequest request) override;
  async::Task<> PutLogGroupDeletionProtection(const wire::Call& call,
                                              aws::logs::PutLogGroupDeletionProtectionRequest request) override;
  async::Task<> TagResource(const wire::Call& call, aws::logs::TagResourceRequest request) override;
  async::Task<> UntagResource(const wire::Call& call, aws::logs::UntagResourceRequest request) override;
  async::Task<aws::logs::ListTagsForResourceResponse> ListTagsForResource(const wire::Call& call,
                                                                          aws::logs::ListTagsForResourceRequest request) override;
  async::Task<> TagLogGroup(const wire::Call& call, aws::logs::TagLogGroupRequest request) override;
  async::Task<> UntagLogGroup(const wire::Call& call, aws::logs::UntagLogGroupRequest request) override;
  async::Task<aws::logs::ListTagsLogGroupResponse> ListTagsLogGroup(const wire::Call& call,
                                                                    aws::logs::ListTagsLogGroupRequest request) override;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace lambari::logs
