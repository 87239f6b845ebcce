#include "app/meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace lambari::app {
namespace {

TEST(Meter, AddsUpFromManyThreads) {
  Meter meter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        meter.count("lambda", "Request", "arn:aws:lambda:us-east-1:000000000000:function:a-name-that-does-not-fit-in-place", 1);
        meter.count("lambda", "Lambda-GB-ms", "b", 3);
      }
    });
  for (auto& thread : threads) thread.join();
  auto usage = meter.read();
  ASSERT_EQ(usage.size(), 2u);
  EXPECT_EQ(usage[0].usage, "Lambda-GB-ms");
  EXPECT_EQ(usage[0].amount, 120'000u);
  EXPECT_EQ(usage[1].amount, 40'000u);
  meter.reset();
  EXPECT_TRUE(meter.read().empty());
}

TEST(Meter, OneThreadMayServeSeveralMeters) {
  for (int i = 0; i < 3; ++i) {
    Meter meter;
    meter.count("a", "b", "c", 1);
    EXPECT_EQ(meter.read().at(0).amount, 1u);
  }
}

TEST(Meter, NumberOfSeriesIsBounded) {
  Meter meter;
  for (std::size_t i = 0; i < Meter::kMeterSeries + 500; ++i) meter.count("a", "b", std::to_string(i), 1);
  auto usage = meter.read();
  EXPECT_EQ(usage.size(), Meter::kMeterSeries + 1);
  auto other = std::ranges::find(usage, "other", &Usage::resource);
  ASSERT_NE(other, usage.end());
  EXPECT_EQ(other->amount, 500u);
}

}  // namespace
}  // namespace lambari::app
