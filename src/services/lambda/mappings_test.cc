// Event source mappings on a memory store and a queue in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/lambda/fakes.h"
#include "services/lambda/mapping_model.h"

namespace lambari::lambda {
namespace {

using namespace aws::lambda;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Kind = sandbox::Outcome::Kind;

const std::string kFifo = "arn:aws:sqs:us-east-1:000000000000:q.fifo";

struct Mapped : testing::WorldTest {
  std::mutex mutex;
  std::vector<std::string> events;
  std::atomic<bool> broken{false};

  Mapped() {
    w.sandbox.handler = [this](const auto&, const sandbox::Invocation& invocation, const auto&) {
      const std::lock_guard lock(mutex);
      events.push_back(invocation.payload);
      sandbox::Outcome outcome;
      outcome.kind = broken ? Kind::function_error : Kind::success;
      outcome.payload = "null";
      return outcome;
    };
    w.create_active("f");
  }
  CreateEventSourceMappingRequest request() { return request(kQueue); }
  CreateEventSourceMappingRequest request(const std::string& queue, const std::string& function = "f") {
    CreateEventSourceMappingRequest out;
    out.FunctionName = function;
    out.EventSourceArn = queue;
    return out;
  }
  EventSourceMappingConfiguration create(const CreateEventSourceMappingRequest& r) {
    return w.call_api(&Lambda::CreateEventSourceMapping, r);
  }
  EventSourceMappingConfiguration get(const std::string& uuid) {
    return w.call_api(&Lambda::GetEventSourceMapping, GetEventSourceMappingRequest{uuid});
  }
  bool settles(const std::string& uuid, const std::string& state) {
    return becomes([&] { return get(uuid).State == state; });
  }
  bool empty() {
    return becomes([&] { return w.queue_source.left(kQueue) == 0; });
  }
  std::string refusal(CreateEventSourceMappingRequest r) {
    return w.fault_of([&] { create(r); });
  }
};

TEST_F(Mapped, FeedsTheFunction) {
  w.queue_source.send(kQueue, "m1", "before");
  const auto made = create(request());
  EXPECT_EQ(made.State, "Creating");
  EXPECT_EQ(made.StateTransitionReason, "USER_INITIATED");
  EXPECT_EQ(made.BatchSize, 10);
  EXPECT_EQ(made.MaximumBatchingWindowInSeconds, 0);
  EXPECT_EQ(made.FunctionArn, kArn + "f");
  EXPECT_EQ(made.EventSourceArn, kQueue);
  EXPECT_EQ(made.EventSourceMappingArn, "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:" + *made.UUID);
  EXPECT_TRUE(settles(*made.UUID, "Enabled"));
  EXPECT_TRUE(empty());
  w.queue_source.send(kQueue, "m2", "after");
  EXPECT_TRUE(empty());
  EXPECT_EQ(events.at(0), R"({"Records":[{"messageId":"m1","body":"before"}]})");
  EXPECT_EQ(get(*made.UUID).LastProcessingResult, "OK");
  EXPECT_EQ(w.room->counters().records_deleted, 2u);
  w.restart();
  w.queue_source.send(kQueue, "m3", "after a restart");
  EXPECT_TRUE(empty());
}

TEST_F(Mapped, IsDisabledUpdatedEnabledAndDeleted) {
  const auto uuid = *create(request()).UUID;
  EXPECT_TRUE(settles(uuid, "Enabled"));
  UpdateEventSourceMappingRequest update;
  update.UUID = uuid;
  update.Enabled = false;
  EXPECT_EQ(w.call_api(&Lambda::UpdateEventSourceMapping, update).State, "Disabling");
  EXPECT_TRUE(settles(uuid, "Disabled"));
  w.queue_source.send(kQueue, "m1", "x");
  w.run(async::sleep_for(50ms));
  EXPECT_EQ(w.queue_source.left(kQueue), 1u);
  w.restart();
  w.run(async::sleep_for(50ms));
  EXPECT_EQ(w.queue_source.left(kQueue), 1u) << "it stays disabled";
  update.Enabled = std::nullopt;
  update.BatchSize = 3;
  update.FilterCriteria.emplace().Filters.emplace().emplace_back().Pattern = R"({"body":["y"]})";
  update.ScalingConfig.emplace().MaximumConcurrency = 7;
  const auto updated = w.call_api(&Lambda::UpdateEventSourceMapping, update);
  EXPECT_EQ(updated.State, "Updating");
  EXPECT_EQ(updated.BatchSize, 3);
  EXPECT_TRUE(settles(uuid, "Disabled"));
  update = {};
  update.UUID = uuid;
  update.Enabled = true;
  EXPECT_EQ(w.call_api(&Lambda::UpdateEventSourceMapping, update).State, "Enabling");
  EXPECT_TRUE(settles(uuid, "Enabled"));
  EXPECT_EQ(get(uuid).ScalingConfig->MaximumConcurrency, 7);
  EXPECT_TRUE(empty());
  EXPECT_TRUE(events.empty()) << "filtered out, and deleted";
  w.queue_source.send(kQueue, "m2", "y");
  EXPECT_TRUE(empty());
  EXPECT_EQ(events.size(), 1u);

  const auto deleted = w.call_api(&Lambda::DeleteEventSourceMapping, DeleteEventSourceMappingRequest{uuid});
  EXPECT_EQ(deleted.State, "Deleting");
  EXPECT_TRUE(becomes(
      [&] { return w.fault_of([&] { get(uuid); }) == "ResourceNotFoundException: The resource you requested does not exist."; }));
  w.queue_source.send(kQueue, "m3", "y");
  w.run(async::sleep_for(50ms));
  EXPECT_EQ(events.size(), 1u);
  const auto again = *create(request()).UUID;
  EXPECT_TRUE(empty());
  EXPECT_NE(again, uuid);
}

TEST_F(Mapped, RefusesAsAwsDoes) {
  const auto uuid = *create(request()).UUID;
  EXPECT_EQ(refusal(request()),
            "ResourceConflictException: An event source mapping with SQS arn (\" " + kQueue +
                " \") and function (\" f \") already exists. Please update or delete the existing mapping with UUID " + uuid);
  EXPECT_EQ(refusal(request(kQueue, "none")), "InvalidParameterValueException: Function does not exist");
  auto r = request();
  r.EventSourceArn.reset();
  EXPECT_EQ(refusal(r), "InvalidParameterValueException: Unrecognized event source.");
  EXPECT_THAT(refusal(request("arn:aws:kinesis:us-east-1:000000000000:stream/s")),
              HasSubstr("The event source kinesis is not supported"));
  r = request(kFifo);
  r.BatchSize = 11;
  EXPECT_THAT(refusal(r), HasSubstr("Batch size must not exceed 10 for FIFO queues"));
  r = request(kFifo);
  r.MaximumBatchingWindowInSeconds = 1;
  EXPECT_THAT(refusal(r), HasSubstr("Batching window is not supported for FIFO queues"));
  r = request("arn:aws:sqs:us-east-1:000000000000:other");
  r.BatchSize = 11;
  EXPECT_THAT(refusal(r),
              HasSubstr("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"));
  r.MaximumBatchingWindowInSeconds = 1;
  r.FilterCriteria.emplace().Filters.emplace().emplace_back().Pattern = R"({"body":5})";
  EXPECT_THAT(refusal(r), HasSubstr("Invalid filter pattern definition."));
  r.FilterCriteria.reset();
  r.ParallelizationFactor = 2;
  EXPECT_THAT(refusal(r), HasSubstr("ParallelizationFactor is not supported"));
  r.ParallelizationFactor.reset();
  w.queue_source.visibility = 2s;
  EXPECT_EQ(refusal(r),
            "InvalidParameterValueException: Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds");
  w.queue_source.visibility = 30s;
  w.queue_source.gone = true;
  EXPECT_THAT(refusal(r),
              HasSubstr("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."));
  w.queue_source.gone = false;
  w.authorizer.denied_actions.insert("sqs:DeleteMessage");
  EXPECT_THAT(refusal(r), HasSubstr("The function execution role does not have permissions to call DeleteMessage on SQS"));
  w.authorizer.denied_actions.clear();
  r.BatchSize = 10'000;
  EXPECT_EQ(create(r).BatchSize, 10'000);
}

TEST_F(Mapped, AFailureComesAgain) {
  broken = true;
  const auto uuid = *create(request()).UUID;
  w.queue_source.send(kQueue, "m1", "x");
  EXPECT_TRUE(becomes([&] { return get(uuid).LastProcessingResult == "PROBLEM: Function call failed"; }));
  EXPECT_EQ(w.queue_source.left(kQueue), 1u);
  broken = false;
  w.queue_source.show(kQueue);
  EXPECT_TRUE(empty());
  EXPECT_EQ(events.size(), 2u);
}

TEST_F(Mapped, AFunctionThatIsTurnedOffUsesUpNoReceives) {
  PutFunctionConcurrencyRequest reserve;
  reserve.FunctionName = "f";
  reserve.ReservedConcurrentExecutions = 0;
  w.call_api(&Lambda::PutFunctionConcurrency, reserve);
  const auto uuid = *create(request()).UUID;
  w.queue_source.send(kQueue, "m1", "x");
  EXPECT_TRUE(becomes([&] { return get(uuid).LastProcessingResult.value_or("").starts_with("PROBLEM"); }));
  EXPECT_EQ(w.queue_source.queues[kQueue].at(0).receives, 0);
  w.call_api(&Lambda::DeleteFunctionConcurrency, DeleteFunctionConcurrencyRequest{"f"});
  EXPECT_TRUE(empty());
}

TEST_F(Mapped, IsListedAndTagged) {
  std::vector<std::string> uuids;
  for (int i = 0; i < 3; ++i) uuids.push_back(*create(request("arn:aws:sqs:us-east-1:000000000000:q" + std::to_string(i))).UUID);
  w.create_active("g");
  auto tagged = request(kQueue, "g");
  tagged.Tags.emplace()["a"] = "1";
  const auto g = create(tagged);
  ListEventSourceMappingsRequest list;
  EXPECT_EQ(w.call_api(&Lambda::ListEventSourceMappings, list).EventSourceMappings->size(), 4u);
  list.FunctionName = kArn + "g";
  EXPECT_EQ(w.call_api(&Lambda::ListEventSourceMappings, list).EventSourceMappings->at(0).UUID, g.UUID);
  list = {};
  list.EventSourceArn = "arn:aws:sqs:us-east-1:000000000000:q1";
  EXPECT_EQ(w.call_api(&Lambda::ListEventSourceMappings, list).EventSourceMappings->at(0).UUID, uuids[1]);
  list = {};
  list.MaxItems = 3;
  auto page = w.call_api(&Lambda::ListEventSourceMappings, list);
  ASSERT_EQ(page.EventSourceMappings->size(), 3u);
  list.Marker = page.NextMarker;
  page = w.call_api(&Lambda::ListEventSourceMappings, list);
  EXPECT_EQ(page.EventSourceMappings->size(), 1u);
  EXPECT_FALSE(page.NextMarker);

  TagResourceRequest more;
  more.Resource = *g.EventSourceMappingArn;
  more.Tags["b"] = "2";
  w.call_api(&Lambda::TagResource, more);
  UntagResourceRequest less;
  less.Resource = *g.EventSourceMappingArn;
  less.TagKeys = {"a"};
  w.call_api(&Lambda::UntagResource, less);
  EXPECT_EQ(w.call_api(&Lambda::ListTags, ListTagsRequest{*g.EventSourceMappingArn}).Tags,
            (std::map<std::string, std::string>{{"b", "2"}}));
  w.run(w.room->nuke());
  list = {};
  EXPECT_TRUE(w.call_api(&Lambda::ListEventSourceMappings, list).EventSourceMappings->empty());
}

TEST(MappingModel, ComesBackAsItWas) {
  Mapping m;
  m.uuid = "u";
  m.source = kFifo;
  m.function = {"1", "r", "f"};
  m.qualifier = "live";
  m.filters = {"{}"};
  m.report_failures = true;
  m.max_concurrency = 2;
  m.enabled = false;
  m.generation = 7;
  m.tags["k"] = "v";
  EXPECT_EQ(decode_mapping(encode(m)), m);
  m.starting_position = "LATEST";
  m.parallelization = 3;
  m.max_age_s = 60;
  m.max_retries = 0;
  m.tumbling_s = 9;
  m.bisect = true;
  m.on_failure = "arn";
  EXPECT_EQ(decode_mapping(encode(m)), m);
}

}  // namespace
}  // namespace lambari::lambda
