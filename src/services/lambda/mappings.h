// Event source mappings: their operations, and their pollers while they are enabled.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "async/gate.h"
#include "aws/lambda/types.h"
#include "services/lambda/async_queue.h"
#include "services/lambda/async_rules.h"
#include "services/lambda/house.h"
#include "services/lambda/mapping_model.h"
#include "services/lambda/sources/feed.h"

namespace lambari::lambda {

// Thread-safe.
class Mappings {
 public:
  // Runs the function once.
  using Run = std::function<async::Task<Attempt>(Event)>;

  // `events` delivers what on-failure destinations are told.
  Mappings(House& house, AsyncQueue& events, Run run) : house_(house), events_(events), run_(std::move(run)) {}

  // Pollers of what is enabled; transitions that a stop cut off.
  async::Task<> start();
  // No new batches from now on.
  void wind_down();
  // When what was received has been dealt with, but for a bounded time only.
  async::Task<> stop();
  // The pollers of what is gone: after the rows were erased.
  void forget_all();

  using Described = aws::lambda::EventSourceMappingConfiguration;
  async::Task<Described> create(const wire::Call& call, aws::lambda::CreateEventSourceMappingRequest request);
  async::Task<Described> get(const wire::Call& call, aws::lambda::GetEventSourceMappingRequest request);
  async::Task<aws::lambda::ListEventSourceMappingsResponse> list(const wire::Call& call,
                                                                 aws::lambda::ListEventSourceMappingsRequest request);
  async::Task<Described> update(const wire::Call& call, aws::lambda::UpdateEventSourceMappingRequest request);
  async::Task<Described> remove(const wire::Call& call, aws::lambda::DeleteEventSourceMappingRequest request);

  // Of a mapping's ARN.
  async::Task<> tag(const wire::Call& call, aws::lambda::TagResourceRequest request);
  async::Task<> untag(const wire::Call& call, aws::lambda::UntagResourceRequest request);
  async::Task<aws::lambda::ListTagsResponse> tags(const wire::Call& call, aws::lambda::ListTagsRequest request);

  const sources::Counters& counters() const { return *counters_; }

 private:
  // What runs for one mapping. `changing` lets one transition in at a time.
  struct Slot {
    async::Semaphore changing{1};
    std::shared_ptr<sources::Feed> feed;  // guarded by mutex_
  };

  std::shared_ptr<Slot> slot(const std::string& uuid);
  std::shared_ptr<sources::Feed> feed(const std::string& uuid);
  std::string last_result(const std::string& uuid);
  void settle_later(const Mapping& mapping);
  async::Task<> settle(Mapping mapping);
  std::shared_ptr<sources::Feed> begin(const Mapping& mapping);
  std::shared_ptr<sources::Feed> begin_queue(const Mapping& mapping, sources::Function function, sources::Caller caller);
  std::shared_ptr<sources::Feed> begin_stream(const Mapping& mapping, sources::Function function, sources::Caller caller);
  async::Task<sources::Answer> invoke(FunctionKey function, std::string qualifier, std::string event,
                                      std::vector<std::string> traces);
  bool loops(const FunctionKey& function, const std::string& qualifier, const std::string& trace);
  std::string obstacle(const FunctionKey& function, const std::string& qualifier);
  // The checks that AWS makes of source, function and role. Throw InvalidParameterValueException.
  async::Task<> check(Mapping mapping);
  async::Task<> check_queue(Mapping mapping, contracts::Principal role, std::chrono::seconds timeout);
  async::Task<> check_stream(Mapping mapping, contracts::Principal role);
  // Of a mapping that is being created: where each shard is read from.
  async::Task<std::map<std::string, std::string>> starts(Mapping mapping);
  sources::Caller caller(const Mapping& mapping);

  House& house_;
  AsyncQueue& events_;
  const Run run_;
  const std::shared_ptr<sources::Counters> counters_ = std::make_shared<sources::Counters>();
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;  // by UUID
};

}  // namespace lambari::lambda
