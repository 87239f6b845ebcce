// Who may run, how fast it grows, what is kept: the pure parts.
#include <gtest/gtest.h>

#include "services/lambda/admission.h"
#include "services/lambda/traffic.h"

namespace lambari::lambda {
namespace {

using namespace std::chrono_literals;
using Answer = Admission::Answer;
using Share = Admission::Share;

const FunctionKey kA{"1", "r", "a"}, kB{"1", "r", "b"};
const Bucket::Time kStart{std::chrono::hours(1)};

TEST(Admission, ReservedAndShared) {
  Admission admission({.requests = 100, .environments = 1'000});
  const Shares reserved{2, 10, 2}, shared{std::nullopt, 10, 8};
  const auto enter = [&](const FunctionKey& f, const Shares& shares) { return admission.enter(f, shares, kStart).answer; };
  EXPECT_EQ(enter(kA, reserved), Answer::admitted);
  EXPECT_EQ(enter(kA, reserved), Answer::admitted);
  EXPECT_EQ(enter(kA, reserved), Answer::function_limit);
  EXPECT_EQ(enter(kB, shared), Answer::admitted);
  EXPECT_EQ(enter(kB, shared), Answer::admitted);
  EXPECT_EQ(enter(kB, shared), Answer::account_limit);
  EXPECT_EQ(admission.running(), 4);
  admission.enter_provisioned();
  EXPECT_EQ(admission.running(), 5);
  admission.leave(kB, Share::provisioned);
  EXPECT_EQ(enter(kB, shared), Answer::account_limit) << "a provisioned one was never counted among the shared";
  admission.leave(kB, Share::common);
  EXPECT_EQ(enter(kB, shared), Answer::admitted);
  admission.leave(kA, Share::own);
  EXPECT_EQ(enter(kA, reserved), Answer::admitted);
  EXPECT_EQ(enter({"1", "other", "b"}, shared), Answer::admitted);
  EXPECT_EQ(enter(kA, Shares{0, 10, 0}), Answer::function_limit);
}

TEST(Admission, TenRequestsASecondForEachUnit) {
  Admission admission;
  const Shares reserved{3, 1'000, 3}, shared{std::nullopt, 2, 0};
  const auto call = [&](const FunctionKey& f, const Shares& shares, Bucket::Time now) {
    const auto entry = admission.enter(f, shares, now);
    if (entry.answer == Answer::admitted) admission.leave(f, entry.share);
    return entry.answer;
  };
  for (int i = 0; i < 30; ++i) EXPECT_EQ(call(kA, reserved, kStart), Answer::admitted);
  EXPECT_EQ(call(kA, reserved, kStart), Answer::function_rate);
  EXPECT_EQ(call(kA, reserved, kStart + 100ms), Answer::admitted);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(call(kB, shared, kStart), Answer::admitted);
  EXPECT_EQ(call(kB, shared, kStart), Answer::account_rate);
  admission.prune(kStart + 1s);
  EXPECT_EQ(call(kB, shared, kStart), Answer::account_rate) << "what was taken lately is not forgotten";
  admission.prune(kStart + 1h);
  EXPECT_EQ(call(kB, shared, kStart), Answer::admitted);
}

TEST(Admission, AFunctionGrowsByAThousandInTenSeconds) {
  Admission admission;
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(admission.grow(kA, kStart));
  EXPECT_FALSE(admission.grow(kA, kStart));
  EXPECT_TRUE(admission.grow(kB, kStart)) << "each function has a rate of its own";
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(admission.grow(kA, kStart + 1s));
  EXPECT_FALSE(admission.grow(kA, kStart + 1s));
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(admission.grow(kA, kStart + 1h));
  EXPECT_FALSE(admission.grow(kA, kStart + 1h)) << "unused growth is not saved";
}

TEST(Traffic, TeachesHowLongToKeep) {
  constexpr auto kBase = 300'000ms;
  Traffic none;
  EXPECT_EQ(none.keep(0, kBase), kBase);

  Traffic rare;  // every ten minutes: an environment waits for the next
  for (int i = 1; i <= 4; ++i) rare.arrived({i * 600'000}, 1);
  EXPECT_EQ(rare.keep(0, kBase), 900'000ms);
  EXPECT_EQ(rare.keep(1, kBase), 60'000ms) << "one at a time: a second one is surplus";

  Traffic daily;
  for (int i = 1; i <= 3; ++i) daily.arrived({i * 86'400'000LL}, 1);
  EXPECT_EQ(daily.keep(0, kBase), kBase * Traffic::kLongest) << "bounded";

  Traffic burst;
  for (int i = 0; i < 50; ++i) burst.arrived({1'000 + i}, i + 1);
  EXPECT_EQ(burst.keep(49, kBase), kBase);
  for (int i = 0; i < 50; ++i) burst.arrived({2'000 + i * 100}, 1);
  EXPECT_EQ(burst.keep(0, kBase), kBase);
  EXPECT_EQ(burst.keep(10, kBase), 60'000ms) << "the burst is over";
}

}  // namespace
}  // namespace lambari::lambda
