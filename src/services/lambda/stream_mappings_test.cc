// Event source mappings of streams on a memory store and a stream in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/lambda/fakes.h"
#include "services/lambda/keys.h"

namespace lambari::lambda {
namespace {

using namespace aws::lambda;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::World;
using Kind = sandbox::Outcome::Kind;

const std::string kStream = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-31T12:00:00.000";
const std::string kDestination = "arn:aws:sqs:us-east-1:000000000000:letters";

struct Streamed : ::testing::Test {
  World w;
  std::mutex mutex;
  std::vector<std::string> events;
  std::string poison;  // fails what holds it

  Streamed() {
    w.sandbox.handler = [this](const auto&, const sandbox::Invocation& invocation, const auto&) {
      const std::lock_guard lock(mutex);
      events.push_back(invocation.payload);
      sandbox::Outcome outcome;
      outcome.kind =
          !poison.empty() && invocation.payload.find(poison) != std::string::npos ? Kind::function_error : Kind::success;
      outcome.payload = "null";
      return outcome;
    };
    w.create_active("f");
  }
  CreateEventSourceMappingRequest request() {
    CreateEventSourceMappingRequest out;
    out.FunctionName = "f";
    out.EventSourceArn = kStream;
    out.StartingPosition = "TRIM_HORIZON";
    return out;
  }
  std::string create(const CreateEventSourceMappingRequest& r) { return *w.call_api(&Lambda::CreateEventSourceMapping, r).UUID; }
  void update(const UpdateEventSourceMappingRequest& r) {
    w.call_api(&Lambda::UpdateEventSourceMapping, r);
    EXPECT_TRUE(becomes([&] { return state(r.UUID) == "Enabled" || state(r.UUID) == "Disabled"; }));
  }
  std::string state(const std::string& uuid) {
    return *w.call_api(&Lambda::GetEventSourceMapping, GetEventSourceMappingRequest{uuid}).State;
  }
  template <class Condition>
  bool becomes(Condition condition) {
    for (int i = 0; i < 2'000; ++i) {
      if (condition()) return true;
      w.run(async::sleep_for(5ms));
    }
    return false;
  }
  void send(const std::string& id) { w.streams.send(id, id, w.clock.now()); }
  std::size_t count(const std::string& id) {
    const std::lock_guard lock(mutex);
    std::size_t out = 0;
    for (const auto& event : events) out += event.find("\"" + id + "\"") != std::string::npos;
    return out;
  }
  std::string refusal(CreateEventSourceMappingRequest r) {
    return w.fault_of([&] { create(r); });
  }
};

TEST_F(Streamed, GoesOnAfterARestart) {
  const auto uuid = create(request());
  send("a");
  EXPECT_TRUE(becomes([&] { return count("a") == 1; }));
  EXPECT_TRUE(becomes([&] { return state(uuid) == "Enabled"; }));
  w.restart();
  send("b");
  EXPECT_TRUE(becomes([&] { return count("b") == 1; }));
  EXPECT_EQ(count("a"), 1u);
}

TEST_F(Streamed, LatestIsTheMomentOfTheRequest) {
  send("a");
  auto r = request();
  r.StartingPosition = "LATEST";
  create(r);
  send("b");
  EXPECT_TRUE(becomes([&] { return count("b") == 1; }));
  EXPECT_EQ(count("a"), 0u);
}

TEST_F(Streamed, AnotherNumberOfLanesLosesNothing) {
  // Of two lanes one holds at "b", the other is done with "a" and "c" (by the key's last character).
  poison = "\"b\"";
  auto r = request();
  r.ParallelizationFactor = 2;
  r.BatchSize = 1;
  const auto uuid = create(r);
  for (const auto* id : {"a", "b", "c", "d"}) send(id);
  EXPECT_TRUE(becomes([&] { return count("c") == 1 && count("b") > 0; }));
  UpdateEventSourceMappingRequest change;
  change.UUID = uuid;
  change.Enabled = false;
  update(change);
  poison.clear();
  change.Enabled = true;
  change.ParallelizationFactor = 3;
  update(change);
  EXPECT_TRUE(becomes([&] { return count("d") == 1 && count("c") >= 1; }));
}

TEST_F(Streamed, DeletingForgetsThePlaces) {
  auto r = request();
  r.ParallelizationFactor = 4;
  const auto uuid = create(r);
  EXPECT_TRUE(becomes([&] { return state(uuid) == "Enabled"; }));
  const auto rows = [&] { return w.store->read()->scan(store::prefix_range(store::Key("lambda/checkpoint").str()), 100).size(); };
  EXPECT_TRUE(becomes([&] { return rows() == 4; }));
  w.call_api(&Lambda::DeleteEventSourceMapping, DeleteEventSourceMappingRequest{uuid});
  EXPECT_TRUE(becomes([&] { return rows() == 0; }));
}

TEST_F(Streamed, TellsTheDestination) {
  poison = "\"a\"";
  auto r = request();
  r.MaximumRetryAttempts = 0;
  r.DestinationConfig.emplace().OnFailure.emplace().Destination = kDestination;
  create(r);
  send("a");
  EXPECT_TRUE(becomes([&] { return w.queues.all().size() == 1; }));
  const auto parcel = w.queues.all().at(0);
  EXPECT_EQ(parcel.target, kDestination);
  EXPECT_THAT(parcel.body, HasSubstr(R"("condition":"RetryAttemptsExhausted")"));
  EXPECT_EQ(w.room->counters().records_dropped, 1u);
}

TEST_F(Streamed, WhatIsRefused) {
  auto r = request();
  r.StartingPosition.reset();
  EXPECT_EQ(refusal(r),
            "InvalidParameterValueException: 1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null.");
  r.StartingPosition = "AT_TIMESTAMP";
  EXPECT_EQ(refusal(r), "InvalidParameterValueException: Unsupported starting position for arn type: " + kStream);
  r = request();
  for (const auto* arn :
       {"arn:aws:dynamodb:us-east-1:000000000000:table/t", "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/",
        "arn:aws:dynamodb:us-east-1:000000000000:table/t/index/i"}) {
    r.EventSourceArn = arn;
    EXPECT_EQ(refusal(r), "InvalidParameterValueException: Unrecognized event source.") << arn;
  }
  r = request();
  r.MaximumRecordAgeInSeconds = 59;
  EXPECT_THAT(refusal(r), HasSubstr("MaximumRecordAgeInSeconds"));
  r = request();
  r.TumblingWindowInSeconds = 1;
  r.ParallelizationFactor = 2;
  EXPECT_THAT(refusal(r), HasSubstr("ParallelizationFactor"));
  r = request();
  r.DestinationConfig.emplace().OnSuccess.emplace().Destination = kDestination;
  EXPECT_THAT(refusal(r), HasSubstr("OnSuccess"));
  r = request();
  for (const auto* target :
       {"arn:aws:sqs:us-east-1:000000000000:q.fifo", "arn:aws:lambda:us-east-1:000000000000:function:g", "q"}) {
    r.DestinationConfig.emplace().OnFailure.emplace().Destination = target;
    EXPECT_THAT(refusal(r), HasSubstr("is invalid")) << target;
  }
  r = request();
  w.streams.readable = false;
  EXPECT_THAT(refusal(r), StartsWith("InvalidParameterValueException: Cannot access stream " + kStream + ". Please ensure"));
  w.streams.readable = true;
  w.streams.gone = true;
  EXPECT_EQ(refusal(r), "InvalidParameterValueException: Stream not found: " + kStream);
  w.streams.gone = false;
  const auto uuid = create(r);
  EXPECT_EQ(refusal(r), "ResourceConflictException: The event source arn (\" " + kStream +
                            " \") and function (\" f \") provided mapping already exists. Please update or delete the existing "
                            "mapping with UUID " +
                            uuid);
}

}  // namespace
}  // namespace lambari::lambda
