#include "delivery/retry.h"

#include <gtest/gtest.h>

namespace lambari::delivery {
namespace {

using namespace std::chrono_literals;

TEST(Retry, DelaysGrowToTheLongest) {
  const Backoff plain{1s, 300s, 2.0, 0.0};
  const struct {
    unsigned made;
    std::chrono::milliseconds expected;
  } table[] = {{0, 1s}, {1, 1s}, {2, 2s}, {3, 4s}, {9, 256s}, {10, 300s}, {1'000, 300s}, {4'000'000'000, 300s}};
  for (const auto& row : table) EXPECT_EQ(delay(plain, row.made, 0.7), row.expected) << row.made;
}

TEST(Retry, JitterTakesItsPartOfTheDelay) {
  const struct {
    double jitter, draw;
    std::chrono::milliseconds expected;
  } table[] = {{0.0, 0.9, 4s}, {0.5, 0.0, 4s}, {0.5, 0.5, 3s}, {1.0, 0.5, 2s}, {1.0, 0.0, 4s}};
  for (const auto& row : table)
    EXPECT_EQ(delay({1s, 300s, 2.0, row.jitter}, 3, row.draw), row.expected) << row.jitter << " " << row.draw;
}

TEST(Retry, EndsByAttemptsOrByAge) {
  const base::Timestamp added{1'000'000};
  const auto after = [&](std::chrono::milliseconds time) { return base::Timestamp{added.ms + time.count()}; };
  RetryPolicy policy{{60s, 120s, 2.0, 0.0}, 3, 10min};
  EXPECT_EQ(next_attempt(policy, 1, added, after(1s), 0).at, after(61s));
  EXPECT_EQ(next_attempt(policy, 2, added, after(61s), 0).at, after(181s));
  EXPECT_EQ(next_attempt(policy, 3, added, after(181s), 0).gave_up, GiveUp::attempts);
  // An attempt just inside the age is made, one just after it is not.
  EXPECT_EQ(next_attempt(policy, 1, added, after(9min), 0).gave_up, GiveUp::no);
  EXPECT_EQ(next_attempt(policy, 1, added, after(9min + 1ms), 0).gave_up, GiveUp::age);
  policy.max_attempts.reset();
  policy.max_age.reset();
  EXPECT_EQ(next_attempt(policy, 1'000, added, after(100h), 0).at, after(100h + 120s));
}

TEST(Retry, DrawsStayInTheUnitInterval) {
  for (int i = 0; i < 1'000; ++i) {
    const auto drawn = draw();
    EXPECT_GE(drawn, 0.0);
    EXPECT_LT(drawn, 1.0);
  }
}

}  // namespace
}  // namespace lambari::delivery
