// Provisioned concurrency: environments that are there before they are asked for, and what they count against.
#include <gmock/gmock.h>

#include <thread>

#include "services/lambda/fakes.h"
#include "services/lambda/provisioning.h"

namespace lambari::lambda {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using testing::World;
using namespace std::chrono_literals;

auto put(World& w, const std::string& name, const std::string& qualifier, int count) {
  return w.call_api(&Lambda::PutProvisionedConcurrencyConfig, {name, qualifier, count});
}
auto get(World& w, const std::string& name, const std::string& qualifier) {
  return w.call_api(&Lambda::GetProvisionedConcurrencyConfig, {name, qualifier});
}
auto wait(World& w, const std::string& name, const std::string& qualifier) {
  for (int i = 0; i < 400; ++i) {
    auto now = get(w, name, qualifier);
    if (now.Status != "IN_PROGRESS") return now;
    w.run(async::sleep_for(5ms));
  }
  ADD_FAILURE() << "never settled";
  return get(w, name, qualifier);
}
template <class Condition>
bool eventually(World& w, Condition condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    w.run(async::sleep_for(10ms));
  }
  return false;
}
void make_alias(World& w, const std::string& version, std::map<std::string, double> weights = {}) {
  aws::lambda::CreateAliasRequest request;
  request.FunctionName = "f";
  request.Name = "live";
  request.FunctionVersion = version;
  if (!weights.empty()) request.RoutingConfig.emplace().AdditionalVersionWeights = weights;
  w.call_api(&Lambda::CreateAlias, request);
}
std::size_t provisioned_specs(World& w) {
  const std::lock_guard lock(w.sandbox.mutex);
  return static_cast<std::size_t>(
      std::count_if(w.sandbox.specs.begin(), w.sandbox.specs.end(), [](const auto& spec) { return spec.provisioned; }));
}

TEST(Provisioned, SharesFollowWeights) {
  const Alias live{"live", "1", "", "", {{"2", 0.25}}}, all{"all", "2", "", "", {}};
  EXPECT_THAT(shares_of({{"live", {8, {}}}}, {{"live", live}}), UnorderedElementsAre(Pair(1, 6), Pair(2, 2)));
  EXPECT_THAT(shares_of({{"live", {8, {}}}, {"all", {1, {}}}, {"3", {4, {}}}}, {{"live", live}, {"all", all}}),
              UnorderedElementsAre(Pair(1, 6), Pair(2, 3), Pair(3, 4)));
  EXPECT_TRUE(shares_of({{"gone", {8, {}}}}, {}).empty());
}

TEST(Provisioned, EnvironmentsAreInitializedAheadAndSpillOver) {
  World w;
  w.create_active("f");
  w.publish("f");
  const auto answer = put(w, "f", "1", 2);
  EXPECT_EQ(answer.Status, "IN_PROGRESS");
  EXPECT_EQ(answer.RequestedProvisionedConcurrentExecutions, 2);
  auto now = wait(w, "f", "1");
  EXPECT_EQ(now.Status, "READY");
  EXPECT_EQ(now.AllocatedProvisionedConcurrentExecutions, 2);
  EXPECT_EQ(now.AvailableProvisionedConcurrentExecutions, 2);
  EXPECT_EQ(w.sandbox.specs.size(), 2u);
  EXPECT_EQ(provisioned_specs(w), 2u);
  for (int i = 0; i < 3; ++i) w.invoke("f", "{}", "1");
  EXPECT_EQ(w.sandbox.specs.size(), 2u) << "no cold start";
  EXPECT_EQ(w.room->counters().cold_starts, 0u);

  w.invoke("f");
  EXPECT_EQ(provisioned_specs(w), 2u) << "$LATEST has none of them";
  EXPECT_EQ(w.sandbox.specs.size(), 3u);

  // Three at once: the third is on demand.
  w.sandbox.takes = 300ms;
  std::atomic<int> done{0};
  struct Call {
    static async::Task<> run(World& w, std::atomic<int>& done) {
      aws::lambda::InvocationRequest request;
      request.FunctionName = "f:1";
      co_await w.room->Invoke(w.call, request);
      ++done;
    }
  };
  for (int i = 0; i < 3; ++i) w.loops.spawn("call", Call::run(w, done));
  EXPECT_TRUE(eventually(w, [&] { return done == 3; }));
  EXPECT_EQ(provisioned_specs(w), 2u);
  EXPECT_EQ(w.sandbox.specs.size(), 4u);
  w.sandbox.takes = 0ms;

  put(w, "f", "1", 1);
  EXPECT_EQ(wait(w, "f", "1").AllocatedProvisionedConcurrentExecutions, 1);
  w.call_api(&Lambda::DeleteProvisionedConcurrencyConfig, {"f", "1"});
  EXPECT_THAT(w.fault_of([&] { get(w, "f", "1"); }),
              "ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function");
  EXPECT_EQ(w.sandbox.alive, 2) << "those on demand are still there";
}

TEST(Provisioned, WhatDiesIsReplacedAndARestartBringsAllBack) {
  World w;
  w.create_active("f");
  w.publish("f");
  put(w, "f", "1", 1);
  EXPECT_EQ(wait(w, "f", "1").Status, "READY");
  auto good = w.sandbox.handler;
  w.sandbox.handler = [](const auto&, const auto&, const auto&) {
    sandbox::Outcome outcome;
    outcome.kind = sandbox::Outcome::Kind::crash;
    return outcome;
  };
  EXPECT_EQ(w.invoke("f", "{}", "1").FunctionError, "Unhandled");
  w.sandbox.handler = good;
  const auto replaced = [&](std::size_t times) {
    return eventually(
        w, [&] { return provisioned_specs(w) == times + 1 && get(w, "f", "1").AvailableProvisionedConcurrentExecutions == 1; });
  };
  EXPECT_TRUE(replaced(1));
  w.clock.advance(6h);
  EXPECT_TRUE(replaced(2)) << "none lives longer than six hours";
  w.restart();
  EXPECT_EQ(wait(w, "f", "1").Status, "READY");
  EXPECT_TRUE(eventually(w, [&] { return w.sandbox.alive == 1; }));
  EXPECT_TRUE(eventually(w, [&] {
    const std::lock_guard lock(w.meter.mutex);
    return w.meter.counts["Lambda-Provisioned-Concurrency-MB-ms arn:aws:lambda:us-east-1:000000000000:function:f"] > 0;
  })) << "counted once a second";
}

TEST(Provisioned, AliasesMoveTheirs) {
  World w;
  w.create_active("f");
  w.publish("f");
  make_alias(w, "1");
  w.update_code("f", "two");
  w.publish("f");
  put(w, "f", "live", 4);
  EXPECT_EQ(wait(w, "f", "live").AllocatedProvisionedConcurrentExecutions, 4);
  EXPECT_EQ(w.fault_of([&] { put(w, "f", "1", 1); }),
            "ResourceConflictException: Version is pointed by a Provisioned Concurrency alias");
  aws::lambda::UpdateAliasRequest move;
  move.FunctionName = "f";
  move.Name = "live";
  move.FunctionVersion = "2";
  w.call_api(&Lambda::UpdateAlias, move);
  EXPECT_EQ(wait(w, "f", "live").AllocatedProvisionedConcurrentExecutions, 4);
  {
    const std::lock_guard lock(w.sandbox.mutex);
    EXPECT_EQ(w.sandbox.specs.back().environment.at("AWS_LAMBDA_FUNCTION_VERSION"), "2");
  }
  EXPECT_EQ(w.sandbox.alive, 4) << "those of the version before are gone";
  w.call_api(&Lambda::DeleteAlias, {"f", "live"});
  EXPECT_TRUE(eventually(w, [&] { return w.sandbox.alive == 0; }));
  make_alias(w, "2");
  EXPECT_THAT(w.fault_of([&] { get(w, "f", "live"); }), StartsWith("ProvisionedConcurrencyConfigNotFoundException"));
  put(w, "f", "2", 1);
  EXPECT_EQ(w.fault_of([&] { put(w, "f", "live", 1); }),
            "ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned "
            "version");
  auto list = *w.call_api(&Lambda::ListProvisionedConcurrencyConfigs, {"f"}).ProvisionedConcurrencyConfigs;
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(*list[0].FunctionArn, ::testing::EndsWith(":function:f:2"));
  aws::lambda::DeleteFunctionRequest all;
  all.FunctionName = "f";
  w.call_api(&Lambda::DeleteFunction, all);
  EXPECT_TRUE(eventually(w, [&] { return w.sandbox.alive == 0; }));
}

TEST(Provisioned, ChangesInQuickSuccessionEndWell) {
  World w;
  w.create_active("f");
  w.publish("f");
  for (int i = 0; i < 40; ++i) {
    put(w, "f", "1", 1 + i % 3);
    if (i % 2 == 0) w.call_api(&Lambda::DeleteProvisionedConcurrencyConfig, {"f", "1"});
  }
  put(w, "f", "1", 3);
  const auto now = wait(w, "f", "1");
  EXPECT_EQ(now.Status, "READY");
  EXPECT_EQ(now.AllocatedProvisionedConcurrentExecutions, 3);
  EXPECT_TRUE(eventually(w, [&] { return w.sandbox.alive == 3; }));
  EXPECT_EQ(w.room->counters().environments, 3u);
}

TEST(Provisioned, AFailedInitIsReported) {
  World w;
  w.create_active("f");
  w.publish("f");
  auto good = w.sandbox.initializer;
  w.sandbox.initializer = [](const auto&, const auto&) {
    sandbox::Outcome outcome;
    outcome.kind = sandbox::Outcome::Kind::init_error;
    return outcome;
  };
  put(w, "f", "1", 2);
  const auto failed = wait(w, "f", "1");
  EXPECT_EQ(failed.Status, "FAILED");
  EXPECT_EQ(failed.StatusReason, "FUNCTION_ERROR_INIT_FAILURE");
  w.sandbox.initializer = good;
  put(w, "f", "1", 2);
  EXPECT_EQ(wait(w, "f", "1").Status, "READY") << "configured anew, it is tried again";
}

TEST(Provisioned, CountsAgainstReservationsAndTheAccount) {
  World w;
  w.create_active("f");
  w.publish("f");
  const auto reserve = [&](int count) { return w.call_api(&Lambda::PutFunctionConcurrency, {"f", count}); };
  EXPECT_EQ(
      w.fault_of([&] { put(w, "f", "$LATEST", 1); }),
      "InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  EXPECT_THAT(w.fault_of([&] { put(w, "f", "7", 1); }), HasSubstr("Function not found: "));
  EXPECT_THAT(w.fault_of([&] { put(w, "f", "nope", 1); }), HasSubstr("Cannot find alias arn: "));
  EXPECT_EQ(w.fault_of([&] { put(w, "f", "1", 1'001); }),
            "InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than account's unreserved "
            "concurrency [1000].");
  EXPECT_EQ(w.fault_of([&] { put(w, "f", "1", 901); }),
            "InvalidParameterValueException: Specified ConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [100].");
  put(w, "f", "1", 2);
  EXPECT_EQ(w.call_api(&Lambda::GetAccountSettings, {}).AccountLimit->UnreservedConcurrentExecutions, 998);
  EXPECT_EQ(
      w.fault_of([&] { reserve(1); }),
      "InvalidParameterValueException: ReservedConcurrentExecutions 1 should not be lower than function's total provisioned "
      "concurrency [2].");
  reserve(2);
  EXPECT_EQ(w.call_api(&Lambda::GetAccountSettings, {}).AccountLimit->UnreservedConcurrentExecutions, 998);
  EXPECT_EQ(w.fault_of([&] { put(w, "f", "1", 3); }),
            "InvalidParameterValueException: Requested Provisioned Concurrency should not be greater than the "
            "reservedConcurrentExecution for function");
  EXPECT_EQ(wait(w, "f", "1").Status, "READY");
  EXPECT_EQ(*w.invoke("f", "{}", "1").ExecutedVersion, "1");
  EXPECT_THAT(w.fault_of([&] { w.invoke("f"); }), "TooManyRequestsException: Rate Exceeded.")
      << "all of the reservation is provisioned";
}

TEST(Stored, CodeHasALimit) {
  World w;
  w.tear_down();
  const auto zip = static_cast<std::int64_t>(testing::hello_zip().size());
  w.settings.max_stored_code = static_cast<std::uint64_t>(2 * zip + zip / 2);
  w.build();
  w.create_active("a");
  w.create_active("b");
  EXPECT_EQ(w.fault_of([&] { w.create("c"); }), "CodeStorageExceededException: Code storage limit exceeded.");
  EXPECT_EQ(w.fault_of([&] { w.publish("a"); }), "CodeStorageExceededException: Code storage limit exceeded.");
  const auto usage = [&] { return *w.call_api(&Lambda::GetAccountSettings, {}).AccountUsage; };
  EXPECT_EQ(usage().FunctionCount, 2);
  EXPECT_EQ(usage().TotalCodeSize, 2 * zip);
  aws::lambda::DeleteFunctionRequest remove;
  remove.FunctionName = "b";
  w.call_api(&Lambda::DeleteFunction, remove);
  EXPECT_EQ(usage().TotalCodeSize, zip);
  w.publish("a");
  w.restart();
  EXPECT_EQ(usage().TotalCodeSize, 2 * zip);
  EXPECT_EQ(usage().FunctionCount, 1);
}

}  // namespace
}  // namespace lambari::lambda
