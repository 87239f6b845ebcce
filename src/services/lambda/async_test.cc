// Asynchronous invocation on a memory store: acceptance, retries by the movable clock, destinations and dead letters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "services/lambda/fakes.h"
#include "store/key.h"

namespace lambari::lambda {
namespace {

using namespace aws::lambda;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Kind = sandbox::Outcome::Kind;

const std::string kLetters = "arn:aws:sqs:us-east-1:000000000000:dlq";

struct Async : testing::WorldTest {
  std::atomic<int> calls{0};
  std::vector<std::string> events;
  std::mutex mutex;

  // The function fails its first `times` calls.
  void fails(int times) {
    w.sandbox.handler = [this, times](const auto&, const sandbox::Invocation& invocation, const auto&) {
      {
        const std::lock_guard lock(mutex);
        events.push_back(invocation.request_id + " " + invocation.payload);
      }
      sandbox::Outcome outcome;
      outcome.kind = ++calls <= times ? Kind::function_error : Kind::success;
      outcome.payload = outcome.kind == Kind::success ? R"({"ok":true})" : R"({"errorMessage":"boom","errorType":"E"})";
      return outcome;
    };
  }
  InvocationResponse send(const std::string& name, std::string payload = R"({"n":1})",
                          std::optional<std::string> qualifier = {}) {
    InvocationRequest request;
    request.FunctionName = name;
    request.InvocationType = "Event";
    request.Payload = std::move(payload);
    request.Qualifier = std::move(qualifier);
    return w.call_api(&Lambda::Invoke, request);
  }
  bool pending(std::size_t expected) {
    return becomes(
        [&] { return w.store->read()->scan(store::prefix_range(store::Key("delivery/item").str()), 1'000).size() == expected; });
  }
  // An attempt has ended, and the next one is set for later.
  bool waits() {
    return becomes([&] {
      for (const auto& row : w.store->read()->scan(store::prefix_range(store::Key("delivery/item").str()), 1'000)) {
        store::KeyReader key(row.key);
        std::string text;
        std::int64_t due = 0;
        for (int part = 0; part < 3; ++part) key.text(text);
        if (key.signed_number(due) && due > w.clock.now().ms) return true;
      }
      return false;
    });
  }
  PutFunctionEventInvokeConfigRequest config(const std::string& name) {
    PutFunctionEventInvokeConfigRequest request;
    request.FunctionName = name;
    return request;
  }
  base::json::value record(std::size_t index) { return *base::parse_json(w.queues.all().at(index).body); }
  void reserve(const std::string& name, int count) {
    PutFunctionConcurrencyRequest request;
    request.FunctionName = name;
    request.ReservedConcurrentExecutions = count;
    w.call_api(&Lambda::PutFunctionConcurrency, request);
  }
};

TEST_F(Async, IsAcceptedAndRunOnce) {
  fails(0);
  w.create_active("f");
  w.call.request_id = "11111111-2222-3333-4444-555555555555";
  const auto answer = send("f");
  EXPECT_EQ(answer.StatusCode, 202);
  EXPECT_FALSE(answer.Payload);
  EXPECT_FALSE(answer.ExecutedVersion);
  EXPECT_TRUE(pending(0));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(events.at(0), "11111111-2222-3333-4444-555555555555 {\"n\":1}");
  InvokeAsyncRequest old;
  old.FunctionName = "f";
  old.InvokeArgs = "[]";
  EXPECT_EQ(w.call_api(&Lambda::InvokeAsync, old).Status, 202);
  EXPECT_TRUE(becomes([&] { return calls == 2; }));
}

TEST_F(Async, RefusesWhatCannotRun) {
  w.create_active("f");
  EXPECT_EQ(w.fault_of([&] { send("none"); }), "ResourceNotFoundException: Function not found: " + kArn + "none");
  EXPECT_THAT(w.fault_of([&] { send("f", "{"); }), HasSubstr("InvalidRequestContentException: Could not parse request body"));
  EXPECT_EQ(
      w.fault_of([&] { send("f", '"' + std::string(1'048'575, 'x') + '"'); }),
      "RequestEntityTooLargeException: 1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)");
  EXPECT_EQ(send("f", '"' + std::string(1'048'574, 'x') + '"').StatusCode, 202);
}

TEST_F(Async, TriesAgainAfterOneMinuteAndTwo) {
  fails(2);
  w.create_active("f");
  send("f");
  EXPECT_TRUE(becomes([&] { return calls == 1; }));
  EXPECT_TRUE(waits());
  w.clock.advance(40s);
  w.run(async::sleep_for(30ms));
  EXPECT_EQ(calls, 1);
  w.clock.advance(20s);
  EXPECT_TRUE(becomes([&] { return calls == 2; }));
  EXPECT_TRUE(waits());
  w.clock.advance(100s);
  w.run(async::sleep_for(30ms));
  EXPECT_EQ(calls, 2);
  w.clock.advance(20s);
  EXPECT_TRUE(becomes([&] { return calls == 3; }));
  EXPECT_TRUE(pending(0));
  EXPECT_EQ(events[0], events[2]) << "the same request, with its id";
}

TEST_F(Async, FailureGoesToTheDeadLetterQueueAndTheDestination) {
  fails(100);
  auto request = w.create_request("f");
  request.DeadLetterConfig.emplace().TargetArn = kLetters;
  w.call_api(&Lambda::CreateFunction, request);
  EXPECT_EQ(w.wait("f").DeadLetterConfig->TargetArn, kLetters);
  auto put = config("f");
  put.MaximumRetryAttempts = 1;
  put.DestinationConfig.emplace().OnFailure.emplace().Destination = kQueue;
  const auto shown = w.call_api(&Lambda::PutFunctionEventInvokeConfig, put);
  EXPECT_EQ(shown.FunctionArn, kArn + "f:$LATEST");
  EXPECT_EQ(shown.DestinationConfig->OnFailure->Destination, kQueue);
  EXPECT_FALSE(shown.DestinationConfig->OnSuccess->Destination);
  send("f");
  EXPECT_TRUE(becomes([&] { return calls == 1; }));
  EXPECT_TRUE(waits());
  w.clock.advance(60s);
  EXPECT_TRUE(becomes([&] { return w.queues.all().size() == 2; }));
  EXPECT_TRUE(pending(0));
  EXPECT_EQ(calls, 2);
  auto parcels = w.queues.all();
  if (parcels[0].target != kLetters) std::swap(parcels[0], parcels[1]);
  EXPECT_EQ(parcels[0].target, kLetters);
  EXPECT_EQ(parcels[0].body, R"({"n":1})");
  EXPECT_EQ(parcels[0].attributes.at("ErrorMessage").value, "boom");
  EXPECT_EQ(parcels[0].attributes.at("ErrorCode").value, "200");
  EXPECT_EQ(parcels[0].sender.kind, contracts::Principal::Kind::assumed_role);
  EXPECT_EQ(parcels[0].source_arn, kArn + "f");
  const auto body = *base::parse_json(parcels[1].body);
  EXPECT_EQ(body.at("requestContext").at("condition"), "RetriesExhausted");
  EXPECT_EQ(body.at("requestContext").at("approximateInvokeCount"), 2);
  EXPECT_EQ(body.at("responsePayload").at("errorMessage"), "boom");
  EXPECT_EQ(w.room->counters().events_dropped, 1u);
}

TEST_F(Async, SuccessGoesToAnotherFunction) {
  fails(0);
  w.create_active("f");
  w.create_active("g");
  auto put = config("f");
  put.DestinationConfig.emplace().OnSuccess.emplace().Destination = kArn + "g";
  w.call_api(&Lambda::PutFunctionEventInvokeConfig, put);
  send("f");
  EXPECT_TRUE(becomes([&] { return calls == 2; }));
  EXPECT_TRUE(pending(0));
  EXPECT_THAT(events.at(1), HasSubstr(R"("condition":"Success","approximateInvokeCount":1)"));
  EXPECT_THAT(events.at(1), HasSubstr(R"("responsePayload":{"ok":true})"));
}

TEST_F(Async, AThrottledFunctionIsTriedForSixHours) {
  fails(0);
  auto request = w.create_request("f");
  request.DeadLetterConfig.emplace().TargetArn = kLetters;
  w.call_api(&Lambda::CreateFunction, request);
  w.wait("f");
  w.credentials.unusable_roles.insert(testing::kRole);  // no environment can be made: not the function's fault
  send("f");
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(waits());
    w.clock.advance(1h);
  }
  EXPECT_TRUE(waits());
  w.credentials.unusable_roles.clear();
  w.clock.advance(6min);
  EXPECT_TRUE(becomes([&] { return calls == 1; }));
  EXPECT_TRUE(pending(0));

  w.credentials.unusable_roles.insert(testing::kRole);
  w.clock.advance(2h);  // the credentials of the environment that is idle end
  send("f");
  EXPECT_TRUE(waits());
  w.clock.advance(7h);
  EXPECT_TRUE(becomes([&] { return w.room->counters().events_dropped == 1; }));
  EXPECT_EQ(calls, 1);
}

TEST_F(Async, ReservedConcurrencyOfZeroSendsEventsStraightToTheDeadLetters) {
  fails(0);
  auto request = w.create_request("f");
  request.DeadLetterConfig.emplace().TargetArn = kLetters;
  w.call_api(&Lambda::CreateFunction, request);
  w.wait("f");
  auto put = config("f");
  put.DestinationConfig.emplace().OnFailure.emplace().Destination = kQueue;
  w.call_api(&Lambda::PutFunctionEventInvokeConfig, put);
  reserve("f", 0);
  EXPECT_EQ(send("f").StatusCode, 202);
  EXPECT_TRUE(becomes([&] { return w.queues.all().size() == 2; }));
  EXPECT_EQ(calls, 0);
  for (const auto& parcel : w.queues.all()) {
    if (parcel.target == kLetters) {
      EXPECT_FALSE(parcel.attributes.contains("ErrorCode"));
      continue;
    }
    EXPECT_THAT(parcel.body, HasSubstr(R"("condition":"ZeroReservedConcurrency","approximateInvokeCount":0)"));
  }
}

TEST_F(Async, OutlivesARestart) {
  fails(1);
  w.create_active("f");
  send("f");
  EXPECT_TRUE(becomes([&] { return calls == 1; }));
  EXPECT_TRUE(waits());
  w.restart();
  w.clock.advance(60s);
  EXPECT_TRUE(becomes([&] { return calls == 2; }));
  EXPECT_TRUE(pending(0));
}

TEST_F(Async, AServiceNeedsTheResourcePolicy) {
  fails(0);
  w.create_active("f");
  contracts::Parcel parcel;
  parcel.target = kArn + "f";
  parcel.body = R"({"from":"sns"})";
  parcel.sender.kind = contracts::Principal::Kind::service;
  parcel.sender.arn = "sns.amazonaws.com";
  parcel.source_arn = "arn:aws:sns:us-east-1:000000000000:t";
  EXPECT_EQ(w.run(w.room->deliver(parcel)).kind, contracts::Delivery::Kind::delivered);
  EXPECT_TRUE(becomes([&] { return calls == 1; }));
  const auto asked = w.authorizer.last("lambda:InvokeFunction");
  EXPECT_EQ(asked.context.at("aws:SourceArn").at(0), parcel.source_arn);
  w.authorizer.denied_actions.insert("lambda:InvokeFunction");
  parcel.sender.arn = "s3.amazonaws.com";
  const auto refused = w.run(w.room->deliver(parcel));
  EXPECT_EQ(refused.kind, contracts::Delivery::Kind::refused);
  EXPECT_EQ(refused.code, "AccessDeniedException");
  w.authorizer.denied_actions.clear();
  parcel.target = kArn + "none";
  EXPECT_EQ(w.run(w.room->deliver(parcel)).status, 404);
  parcel.target = kArn + "f";
  parcel.body = "not json";
  EXPECT_EQ(w.run(w.room->deliver(parcel)).code, "InvalidRequestContentException");
}

TEST_F(Async, ARecordIsTriedAgainUntilItsTargetTakesIt) {
  fails(0);
  w.create_active("f");
  auto put = config("f");
  put.DestinationConfig.emplace().OnSuccess.emplace().Destination = kQueue;
  w.call_api(&Lambda::PutFunctionEventInvokeConfig, put);
  w.queues.answer = {contracts::Delivery::Kind::try_again, "ThrottlingException", "", 400};
  send("f");
  EXPECT_TRUE(becomes([&] { return w.queues.all().size() == 1; }));
  EXPECT_TRUE(waits());
  w.queues.answer = {};
  w.clock.advance(1s);
  EXPECT_TRUE(becomes([&] { return w.queues.all().size() == 2; }));
  EXPECT_TRUE(pending(0));
  EXPECT_EQ(w.queues.all()[0].id, w.queues.all()[1].id);
  w.queues.answer = {contracts::Delivery::Kind::refused, "AWS.SimpleQueueService.NonExistentQueue", "", 400};
  send("f");
  EXPECT_TRUE(becomes([&] { return w.room->counters().destination_failures == 1; }));
  EXPECT_TRUE(pending(0));
}

TEST_F(Async, ConfigurationsOfEachQualifier) {
  w.create_active("f");
  w.publish("f");
  auto put = config("f");
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::PutFunctionEventInvokeConfig, put); }),
              HasSubstr("You must specify at least one of error handling or destination setting."));
  put.MaximumEventAgeInSeconds = 60;
  put.MaximumRetryAttempts = 0;
  w.call_api(&Lambda::PutFunctionEventInvokeConfig, put);
  put.Qualifier = "1";
  w.call_api(&Lambda::PutFunctionEventInvokeConfig, put);
  put.Qualifier = "2";
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::PutFunctionEventInvokeConfig, put); }),
            "ResourceNotFoundException: The function doesn't exist.");

  UpdateFunctionEventInvokeConfigRequest update;
  update.FunctionName = "f";
  update.Qualifier = "1";
  update.MaximumRetryAttempts = 2;
  const auto updated = w.call_api(&Lambda::UpdateFunctionEventInvokeConfig, update);
  EXPECT_EQ(updated.MaximumRetryAttempts, 2);
  EXPECT_EQ(updated.MaximumEventAgeInSeconds, 60);
  EXPECT_EQ(updated.FunctionArn, kArn + "f:1");

  ListFunctionEventInvokeConfigsRequest list;
  list.FunctionName = "f";
  list.MaxItems = 1;
  auto page = w.call_api(&Lambda::ListFunctionEventInvokeConfigs, list);
  ASSERT_EQ(page.FunctionEventInvokeConfigs->size(), 1u);
  ASSERT_TRUE(page.NextMarker);
  list.Marker = page.NextMarker;
  page = w.call_api(&Lambda::ListFunctionEventInvokeConfigs, list);
  EXPECT_EQ(page.FunctionEventInvokeConfigs->at(0).FunctionArn, kArn + "f:1");
  EXPECT_FALSE(page.NextMarker);

  w.restart();
  GetFunctionEventInvokeConfigRequest get{"f", "1"};
  EXPECT_EQ(w.call_api(&Lambda::GetFunctionEventInvokeConfig, get).MaximumRetryAttempts, 2);
  w.call_api(&Lambda::DeleteFunctionEventInvokeConfig, DeleteFunctionEventInvokeConfigRequest{"f", "1"});
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::GetFunctionEventInvokeConfig, get); }),
            "ResourceNotFoundException: The function " + kArn + "f:1 doesn't have an EventInvokeConfig");
  // Gone with the function.
  DeleteFunctionRequest gone;
  gone.FunctionName = "f";
  w.call_api(&Lambda::DeleteFunction, gone);
  w.create_active("f");
  EXPECT_THAT(
      w.fault_of([&] { w.call_api(&Lambda::GetFunctionEventInvokeConfig, GetFunctionEventInvokeConfigRequest{"f", {}}); }),
      HasSubstr("doesn't have an EventInvokeConfig"));
}

TEST_F(Async, DestinationsAreChecked) {
  w.create_active("f");
  auto put = config("f");
  const auto refusal = [&](const std::string& arn) {
    put.DestinationConfig.emplace().OnFailure.emplace().Destination = arn;
    return w.fault_of([&] { w.call_api(&Lambda::PutFunctionEventInvokeConfig, put); });
  };
  EXPECT_THAT(refusal(kArn + "f"), HasSubstr("You can't specify the function as a destination for itself."));
  EXPECT_THAT(refusal("arn:aws:sns:us-east-1:000000000000:t"),
              HasSubstr("SNS as a destination is not supported by lambari yet."));
  EXPECT_THAT(refusal("arn:aws:s3:::b"), HasSubstr("S3"));
  EXPECT_THAT(refusal("arn:aws:kinesis:us-east-1:000000000000:stream/s"), HasSubstr("is invalid."));
  w.authorizer.denied_actions.insert("sqs:SendMessage");
  EXPECT_EQ(
      refusal(kQueue),
      "InvalidParameterValueException: The function's execution role does not have permissions to call SendMessage on " + kQueue);
  auto request = w.create_request("g");
  request.DeadLetterConfig.emplace().TargetArn = kLetters;
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::CreateFunction, request); }),
            "InvalidParameterValueException: The provided execution role does not have permissions to call SendMessage on SQS");
  UpdateFunctionConfigurationRequest update;
  update.FunctionName = "f";
  update.DeadLetterConfig.emplace().TargetArn = kLetters;
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::UpdateFunctionConfiguration, update); }), HasSubstr("SendMessage on SQS"));
  w.authorizer.denied_actions.clear();
  EXPECT_EQ(w.call_api(&Lambda::UpdateFunctionConfiguration, update).DeadLetterConfig->TargetArn, kLetters);
  w.wait("f");
  update.DeadLetterConfig->TargetArn = "";
  EXPECT_FALSE(w.call_api(&Lambda::UpdateFunctionConfiguration, update).DeadLetterConfig);
}

}  // namespace
}  // namespace lambari::lambda
