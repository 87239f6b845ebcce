#include "app/meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "app/meter_book.h"
#include "store/engines.h"

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

TEST(Meter, TellsWhatChanged) {
  Meter meter;
  meter.restore({{"lambda", "Request", "a", 7}, {"lambda", "Request", "b", 1}});
  EXPECT_TRUE(meter.changes().empty());
  meter.count("lambda", "Request", "a", 3);
  auto changes = meter.changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].resource, "a");
  EXPECT_EQ(changes[0].amount, 10u);
  EXPECT_EQ(meter.changes().size(), 1u) << "until it is written";
  meter.count("lambda", "Request", "a", 1);
  meter.written(changes);
  changes = meter.changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].amount, 11u) << "what was counted while it was being written";
  meter.written(changes);
  EXPECT_TRUE(meter.changes().empty());
}

TEST(MeterBook, KeepsWhatWasCounted) {
  auto store = store::open_memory();
  base::Clock clock;
  async::Loops loops(1, 1);
  base::Timestamp since;
  for (int run = 1; run <= 3; ++run) {
    Meter meter;
    MeterBook book(loops, clock, *store, meter);
    loops.run(book.open());
    if (run == 1) since = book.since();
    EXPECT_EQ(book.since(), since) << "of the first start";
    meter.count("lambda", "Request", "f", 2);
    loops.run(book.close());
    EXPECT_EQ(meter.read().at(0).amount, static_cast<std::uint64_t>(2 * run));
  }
  Meter meter;
  MeterBook book(loops, clock, *store, meter);
  loops.run(book.open());
  clock.advance(std::chrono::hours(1));
  loops.run(book.reset());
  EXPECT_TRUE(meter.read().empty());
  EXPECT_GT(book.since(), since);
  meter.count("lambda", "Request", "f", 1);
  loops.run(book.close());
  Meter after;
  MeterBook again(loops, clock, *store, after);
  loops.run(again.open());
  EXPECT_EQ(after.read().at(0).amount, 1u);
  loops.run(again.close());
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
