// Invocation: environments, concurrency, routing, logs and refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/bytes.h"
#include "base/json.h"
#include "services/lambda/fakes.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

using namespace aws::lambda;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::World;
using Kind = sandbox::Outcome::Kind;

testing::Handler fails_with(sandbox::Outcome outcome) {
  return [outcome](const auto&, const auto&, const auto&) { return outcome; };
}

TEST(Invoke, AnswersAndLogs) {
  World w;
  w.create("f");  // Pending: the call waits for it
  w.call.request_id = "11111111-2222-3333-4444-555555555555";
  InvocationRequest request;
  request.FunctionName = "f";
  request.Payload = R"({"a":1})";
  request.LogType = "Tail";
  const auto answer = w.call_api(&Lambda::Invoke, request);
  EXPECT_EQ(answer.StatusCode, 200);
  EXPECT_EQ(answer.ExecutedVersion, "$LATEST");
  EXPECT_FALSE(answer.FunctionError);
  EXPECT_EQ(answer.Payload, R"({"version":"$LATEST","arn":"arn:aws:lambda:us-east-1:000000000000:function:f","event":{"a":1}})");
  const std::string expected =
      "START RequestId: 11111111-2222-3333-4444-555555555555 Version: $LATEST\n"
      "hello from $LATEST\n"
      "END RequestId: 11111111-2222-3333-4444-555555555555\n"
      "REPORT RequestId: 11111111-2222-3333-4444-555555555555\tDuration: 2.00 ms\tBilled Duration: 102 ms\tMemory Size: 128 "
      "MB\tMax Memory "
      "Used: 30 MB\tInit Duration: 100.00 ms\t\n";
  EXPECT_EQ(base::unbase64(*answer.LogResult), expected);
  const auto& streams = w.logs.text.at("/aws/lambda/f");
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_THAT(streams.begin()->first, ::testing::MatchesRegex(R"(..../../../\[\$LATEST\][0-9a-f]{32})"));
  EXPECT_THAT(streams.begin()->second,
              ::testing::AllOf(StartsWith("INIT_START Runtime Version: python:3.12"), ::testing::EndsWith(expected)));
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  EXPECT_EQ(w.meter.counts["Request " + arn], 1u);
  EXPECT_EQ(w.meter.counts["Lambda-MB-ms " + arn], 102u * 128);
}

TEST(Invoke, EnvironmentVariablesAndPaths) {
  World w;
  auto request = w.create_request("f");
  request.Environment.emplace().Variables = {{"MINE", "1"}, {"PATH", "/mine"}};
  request.MemorySize = 256;
  request.EphemeralStorage.emplace().Size = 1'024;
  w.call_api(&Lambda::CreateFunction, request);
  w.invoke("f");
  const auto& spec = w.sandbox.specs.at(0);
  const auto& e = spec.environment;
  EXPECT_EQ(e.at("MINE"), "1");
  EXPECT_EQ(e.at("PATH"), "/mine");
  EXPECT_EQ(e.at("AWS_LAMBDA_FUNCTION_NAME"), "f");
  EXPECT_EQ(e.at("AWS_LAMBDA_FUNCTION_VERSION"), "$LATEST");
  EXPECT_EQ(e.at("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "256");
  EXPECT_EQ(e.at("AWS_LAMBDA_LOG_GROUP_NAME"), "/aws/lambda/f");
  EXPECT_EQ(e.at("AWS_LAMBDA_LOG_STREAM_NAME"), w.logs.text.at("/aws/lambda/f").begin()->first);
  EXPECT_EQ(e.at("AWS_REGION"), "us-east-1");
  EXPECT_EQ(e.at("AWS_ACCESS_KEY_ID"), "ASIATEST");
  EXPECT_EQ(e.at("AWS_SESSION_TOKEN"), "token");
  for (const auto* sandboxes_own :
       {"AWS_EXECUTION_ENV", "AWS_LAMBDA_INITIALIZATION_TYPE", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"})
    EXPECT_FALSE(e.contains(sandboxes_own)) << sandboxes_own;
  EXPECT_EQ(spec.memory_mb, 256);
  EXPECT_EQ(spec.tmp_mb, 1'024);
  EXPECT_TRUE(std::filesystem::exists(spec.code / "index.py"));
}

TEST(Invoke, AnEnvironmentIsUsedAgainUntilTheCodeChanges) {
  World w;
  w.create_active("f");
  for (int i = 0; i < 5; ++i) w.invoke("f");
  EXPECT_EQ(w.sandbox.specs.size(), 1u);
  w.update_code("f", "2");
  EXPECT_EQ(w.sandbox.alive, 0);
  w.invoke("f");
  w.invoke("f");
  EXPECT_EQ(w.sandbox.specs.size(), 2u);
  EXPECT_NE(w.sandbox.specs[0].code, w.sandbox.specs[1].code);
  const auto counters = w.room->counters();
  EXPECT_EQ(counters.cold_starts, 2u);
  EXPECT_EQ(counters.invocations, 7u);
  EXPECT_EQ(counters.idle_environments, 1u);
  w.call_api(&Lambda::DeleteFunction, DeleteFunctionRequest{"f", {}});
  EXPECT_EQ(w.sandbox.alive, 0);
}

TEST(Invoke, CredentialsThatEndSoonAreNotUsed) {
  World w;
  w.create_active("f");
  w.invoke("f");
  w.clock.advance(50min);
  w.invoke("f");
  EXPECT_EQ(w.sandbox.specs.size(), 1u);
  w.clock.advance(9min);
  w.invoke("f");
  EXPECT_EQ(w.sandbox.specs.size(), 2u);
  EXPECT_EQ(w.sandbox.alive, 1);
  w.clock.reset();
}

TEST(Invoke, IdleOnesAreRetired) {
  World w;
  w.tear_down();
  w.settings.idle_timeout = 100ms;
  w.build();
  w.create_active("f");
  w.invoke("f");
  EXPECT_EQ(w.sandbox.alive, 1);
  for (int i = 0; i < 100 && w.sandbox.alive > 0; ++i) w.run(async::sleep_for(50ms));
  EXPECT_EQ(w.sandbox.alive, 0);
  EXPECT_EQ(w.room->counters().environments, 0u);
}

TEST(Invoke, TheOldestIdleOneMakesRoom) {
  World w;
  w.tear_down();
  w.settings.max_environments = 2;
  w.build();
  for (const auto* name : {"a", "b", "c"}) {
    w.create_active(name);
    w.invoke(name);
  }
  EXPECT_EQ(w.sandbox.alive, 2);
  w.invoke("b");
  w.invoke("c");
  EXPECT_EQ(w.sandbox.specs.size(), 3u);
  w.invoke("a");
  EXPECT_EQ(w.sandbox.specs.size(), 4u);
}

TEST(Invoke, FailuresInLambdasWords) {
  World w;
  w.create_active("f");
  struct Case {
    Kind kind;
    std::string payload;
  };
  sandbox::Outcome outcome;
  outcome.kind = Kind::function_error;
  outcome.payload = R"({"errorMessage":"boom","errorType":"Exception"})";
  w.sandbox.handler = fails_with(outcome);
  auto answer = w.invoke("f");
  EXPECT_EQ(answer.StatusCode, 200);
  EXPECT_EQ(answer.FunctionError, "Unhandled");
  EXPECT_EQ(answer.Payload, outcome.payload);
  EXPECT_EQ(w.sandbox.alive, 1) << "the handler's own error does not end the environment";

  outcome = {};
  outcome.kind = Kind::timeout;
  w.sandbox.handler = fails_with(outcome);
  answer = w.invoke("f");
  EXPECT_EQ(answer.FunctionError, "Unhandled");
  EXPECT_THAT(*answer.Payload, HasSubstr("Error: Task timed out after 3.00 seconds"));
  EXPECT_EQ(w.sandbox.alive, 0);
  bool logged = false;
  for (const auto& [stream, text] : w.logs.text.at("/aws/lambda/f"))
    logged |= text.find("Task timed out after 3.00 seconds") != text.npos;
  EXPECT_TRUE(logged);

  for (const auto kind : {Kind::crash, Kind::out_of_memory, Kind::init_error, Kind::payload_too_large}) {
    outcome.kind = kind;
    w.sandbox.handler = fails_with(outcome);
    answer = w.invoke("f");
    EXPECT_EQ(answer.FunctionError, "Unhandled");
    EXPECT_TRUE(base::parse_json(*answer.Payload)) << *answer.Payload;
    EXPECT_EQ(w.sandbox.alive, 0);
  }
}

TEST(Invoke, AStartThatFailsIsTriedAgainWithinTheInvocation) {
  World w;
  w.create_active("f");
  using Kind = sandbox::Outcome::Kind;
  int starts = 0;
  bool heals = true;
  w.sandbox.handler = [&](const sandbox::FunctionSpec& spec, const sandbox::Invocation& invocation, const sandbox::LineSink&) {
    ++starts;
    sandbox::Outcome outcome;
    outcome.payload = invocation.payload;
    if (heals && spec.init_within_invocation) return outcome;
    outcome.kind = Kind::crash;
    outcome.payload = {};
    outcome.exit_status = 3;
    outcome.init_failed = true;
    return outcome;
  };
  auto answer = w.invoke("f", R"({"again":1})");
  EXPECT_EQ(starts, 2);
  EXPECT_FALSE(answer.FunctionError);
  EXPECT_EQ(*answer.Payload, R"({"again":1})");
  EXPECT_EQ(w.sandbox.alive, 1);
  ASSERT_EQ(w.logs.text.at("/aws/lambda/f").size(), 1u) << "one stream";
  const auto log = w.logs.text.at("/aws/lambda/f").begin()->second;
  EXPECT_THAT(log, HasSubstr("Phase: init\tStatus: error\tError Type: Runtime.ExitError"));
  EXPECT_EQ(log.find("INIT_START", log.find("INIT_START") + 1), log.npos);

  heals = false;
  w.create_active("g");
  answer = w.invoke("g");
  EXPECT_EQ(starts, 4);
  EXPECT_EQ(answer.FunctionError, "Unhandled");
  EXPECT_THAT(*answer.Payload, HasSubstr("exit status 3"));
  EXPECT_THAT(w.logs.text.at("/aws/lambda/g").begin()->second, HasSubstr("Phase: invoke\tStatus: error"));
  EXPECT_EQ(w.sandbox.alive, 1);
}

using Idle = testing::WorldTest;

TEST_F(Idle, EnvironmentsAreFrozenAtOnceAndOnce) {
  w.create_active("f");
  for (int i = 1; i <= 2; ++i) {
    w.invoke("f");
    EXPECT_TRUE(becomes([&] { return w.sandbox.freezes == i; }));
  }
  EXPECT_EQ(w.sandbox.alive, 1);
}

TEST(Invoke, Refusals) {
  World w;
  w.create_active("f");
  const auto ask = [&](auto change) {
    return w.fault_of([&] {
      InvocationRequest request;
      request.FunctionName = "f";
      change(request);
      w.call_api(&Lambda::Invoke, request);
    });
  };
  using R = InvocationRequest;
  EXPECT_THAT(ask([](R& r) { r.Payload = "{nope"; }),
              StartsWith("InvalidRequestContentException: Could not parse request body into json"));
  EXPECT_THAT(
      ask([](R& r) { r.Payload = "\"" + std::string(7'000'000, 'x') + "\""; }),
      StartsWith("RequestEntityTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation"));
  EXPECT_THAT(ask([](R& r) { r.ClientContext = "***"; }),
              HasSubstr("Client context must be a valid Base64-encoded JSON object."));
  EXPECT_THAT(ask([](R& r) { r.ClientContext = std::string(4'000, 'A'); }), HasSubstr("no more than 3583 bytes"));
  EXPECT_THAT(ask([](R& r) { r.DurableExecutionName = "x"; }), HasSubstr("DurableExecutionName"));
  EXPECT_EQ(ask([](R& r) { r.Payload = "\"" + std::string(400'000, 'x') + "\""; }), "none");
  w.credentials.unusable_roles = {testing::kRole};
  w.update_code("f", "2");
  EXPECT_EQ(w.fault_of([&] { w.invoke("f"); }),
            "AccessDeniedException: The role defined for the function cannot be assumed by Lambda.");
  EXPECT_EQ(w.room->counters().environments, 0u);
  EXPECT_EQ(w.room->counters().functions_running, 0u);
}

TEST(Invoke, DryRunRunsNothing) {
  World w;
  w.create_active("f");
  InvocationRequest request;
  request.FunctionName = "f";
  request.InvocationType = "DryRun";
  EXPECT_EQ(w.call_api(&Lambda::Invoke, request).StatusCode, 204);
  EXPECT_TRUE(w.sandbox.specs.empty());
}

TEST(Invoke, ARoleThatMayNotLogWritesNoLog) {
  World w;
  w.create_active("f");
  w.authorizer.denied_actions = {"logs:PutLogEvents"};
  InvocationRequest request;
  request.FunctionName = "f";
  request.LogType = "Tail";
  EXPECT_THAT(*base::unbase64(*w.call_api(&Lambda::Invoke, request).LogResult), HasSubstr("hello from"));
  EXPECT_TRUE(w.logs.text.empty());
}

async::Task<> invoke_and_count(Lambda& room, const wire::Call& call, std::atomic<int>& served, std::atomic<int>& throttled,
                               std::string& reason) {
  InvocationRequest request;
  request.FunctionName = "f";
  try {
    co_await room.Invoke(call, request);
    ++served;
  } catch (const TooManyRequestsException& fault) {
    ++throttled;
    EXPECT_EQ(fault.message(), "Rate Exceeded.");
    EXPECT_EQ(fault.fields.retryAfterSeconds, "1");
    reason = *fault.fields.Reason;
  }
}

void hammer(World& w, int calls, std::atomic<int>& served, std::atomic<int>& throttled, std::string& reason) {
  std::atomic<int> done{0};
  struct Count {
    static async::Task<> run(async::Task<> task, std::atomic<int>& done) {
      co_await std::move(task);
      ++done;
    }
  };
  std::vector<std::string> reasons(static_cast<std::size_t>(calls));
  for (int i = 0; i < calls; ++i) {
    w.loops.spawn("call",
                  Count::run(invoke_and_count(*w.room, w.call, served, throttled, reasons[static_cast<std::size_t>(i)]), done));
  }
  for (int i = 0; i < 2'000 && done < calls; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(done, calls);
  for (const auto& each : reasons) {
    if (!each.empty()) reason = each;
  }
}

TEST(Invoke, ReservedConcurrencyIsEnforced) {
  World w;
  w.create_active("f");
  w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"f", 3});
  w.sandbox.takes = 300ms;
  std::atomic<int> served{0}, throttled{0};
  std::string reason;
  hammer(w, 8, served, throttled, reason);
  EXPECT_EQ(served, 3);
  EXPECT_EQ(throttled, 5);
  EXPECT_EQ(reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
  EXPECT_EQ(w.room->counters().throttles, 5u);
  w.call_api(&Lambda::PutFunctionConcurrency, PutFunctionConcurrencyRequest{"f", 0});
  EXPECT_THAT(w.fault_of([&] { w.invoke("f"); }), StartsWith("TooManyRequestsException"));
}

TEST(Invoke, AccountConcurrencyIsEnforced) {
  World w;
  w.tear_down();
  w.settings.account_concurrency = 4;
  w.build();
  w.create_active("f");
  w.sandbox.takes = 300ms;
  std::atomic<int> served{0}, throttled{0};
  std::string reason;
  hammer(w, 6, served, throttled, reason);
  EXPECT_EQ(served, 4);
  EXPECT_EQ(throttled, 2);
  EXPECT_EQ(reason, "ConcurrentInvocationLimitExceeded");
}

TEST(Invoke, ManyAtOnceAllGetAnswers) {
  World w;
  w.create_active("f");
  w.sandbox.takes = 1ms;
  std::atomic<int> served{0}, throttled{0};
  std::string reason;
  hammer(w, 300, served, throttled, reason);
  EXPECT_EQ(served, 300);
  EXPECT_LE(w.sandbox.specs.size(), 300u);
  const auto counters = w.room->counters();
  EXPECT_EQ(counters.functions_running, 0u);
  EXPECT_EQ(counters.environments, counters.idle_environments);
  EXPECT_EQ(static_cast<int>(counters.environments), w.sandbox.alive);
}

TEST(Invoke, WhatDiesIsNotWaitedFor) {
  World w;
  w.create_active("f");
  w.sandbox.takes = 1ms;
  w.sandbox.handler = [](const auto&, const auto&, const auto&) {
    sandbox::Outcome outcome;
    outcome.kind = sandbox::Outcome::Kind::crash;
    return outcome;
  };
  std::atomic<int> served{0}, throttled{0};
  std::string reason;
  hammer(w, 40, served, throttled, reason);
  EXPECT_EQ(served, 40);
  EXPECT_EQ(w.sandbox.specs.size(), 40u);
  EXPECT_EQ(w.sandbox.alive, 0);
  EXPECT_EQ(w.room->counters().environments, 0u);
}

async::Task<> invoke_until(Lambda& room, const wire::Call& call, std::atomic<bool>& stop, std::atomic<int>& served,
                           std::atomic<int>& running) {
  while (!stop) {
    InvocationRequest request;
    request.FunctionName = "f";
    try {
      const auto answer = co_await room.Invoke(call, request);
      EXPECT_EQ(answer.StatusCode, 200);
      ++served;
    } catch (const wire::Fault& fault) {
      ADD_FAILURE() << fault.code() << ": " << fault.message();
      stop = true;
    }
  }
  --running;
}

TEST(Invoke, UpdatesUnderLoadAreNotSeenAsFailures) {
  World w;
  w.create_active("f");
  w.sandbox.takes = 1ms;  // a call that never waits would keep its loop for itself
  std::atomic<bool> stop{false};
  std::atomic<int> served{0}, running{4};
  for (int i = 0; i < 4; ++i) w.loops.spawn("caller", invoke_until(*w.room, w.call, stop, served, running));
  for (int i = 0; i < 20; ++i) w.update_code("f", std::to_string(i));
  stop = true;
  for (int i = 0; i < 1'000 && running > 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(running, 0);
  EXPECT_GT(served, 20);
  w.invoke("f");
  EXPECT_EQ(w.sandbox.specs.back().code.filename().string().substr(0, 64), base::hex(base::sha256(testing::hello_zip("19"))));
}

TEST(Invoke, AliasesRouteByWeight) {
  World w;
  w.create_active("f");
  w.publish("f");
  w.update_code("f", "2");
  w.publish("f");
  AliasRoutingConfiguration routing;
  routing.AdditionalVersionWeights = {{"2", 0.3}};
  w.call_api(&Lambda::CreateAlias, CreateAliasRequest{"f", "live", "1", {}, routing});
  std::map<std::string, int> counts;
  for (int i = 0; i < 1'000; ++i) {
    const auto answer = w.invoke("f", {}, "live");
    ++counts[*answer.ExecutedVersion];
    EXPECT_THAT(*answer.Payload, HasSubstr("function:f:live"));
  }
  // 1000 draws at 0.3: six standard deviations are 87.
  EXPECT_NEAR(counts["2"], 300, 87);
  EXPECT_EQ(counts["1"] + counts["2"], 1'000);

  UpdateAliasRequest update;
  update.FunctionName = "f";
  update.Name = "live";
  update.RoutingConfig.emplace().AdditionalVersionWeights.emplace();
  w.call_api(&Lambda::UpdateAlias, update);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(w.invoke("f", {}, "live").ExecutedVersion, "1");
}

TEST(Invoker, ServicesAreAskedByTheResourcePolicyOnce) {
  World w;
  w.create_active("f");
  AddPermissionRequest add;
  add.FunctionName = "f";
  add.StatementId = "s";
  add.Action = "lambda:InvokeFunction";
  add.Principal = "apigateway.amazonaws.com";
  w.call_api(&Lambda::AddPermission, add);
  contracts::Invocation invocation;
  invocation.function = "arn:aws:lambda:us-east-1:000000000000:function:f";
  invocation.payload = R"("x")";
  invocation.caller.kind = contracts::Principal::Kind::service;
  invocation.caller.arn = "apigateway.amazonaws.com";
  invocation.source_arn = "arn:aws:execute-api:us-east-1:000000000000:abc/*/GET/";
  for (int i = 0; i < 3; ++i) {
    const auto result = w.run(w.room->invoke(invocation));
    EXPECT_FALSE(result.refusal) << result.refusal->message;
    EXPECT_THAT(result.payload, HasSubstr(R"("event":"x")"));
    EXPECT_EQ(result.executed_version, "$LATEST");
  }
  EXPECT_EQ(w.authorizer.count("lambda:InvokeFunction"), 1);
  EXPECT_THAT(w.authorizer.last("lambda:InvokeFunction").resource_policy, HasSubstr("apigateway.amazonaws.com"));
  EXPECT_THAT(w.authorizer.last("lambda:InvokeFunction").context.at("aws:SourceAccount"), ::testing::ElementsAre("000000000000"));

  // A changed policy is asked anew.
  w.call_api(&Lambda::RemovePermission, RemovePermissionRequest{"f", "s", {}, {}});
  w.authorizer.denied_actions = {"lambda:InvokeFunction"};
  const auto refused = w.run(w.room->invoke(invocation));
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, "AccessDeniedException");
  EXPECT_EQ(refused.refusal->status, 403);

  invocation.function = "arn:aws:lambda:us-east-1:000000000000:function:nope";
  EXPECT_EQ(w.run(w.room->invoke(invocation)).refusal->code, "ResourceNotFoundException");
  invocation.function = "f";
  EXPECT_EQ(w.run(w.room->invoke(invocation)).refusal->code, "InvalidParameterValueException");
}

}  // namespace
}  // namespace lambari::lambda
