#include "delivery/timers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "async/gate.h"
#include "store/engines.h"

namespace lambari::delivery {
namespace {

using namespace std::chrono_literals;

struct Bench {
  Bench() { make(); }
  ~Bench() { loops.stop(); }
  void make() {
    timers = std::make_unique<Timers>(loops, clock, *store, "test",
                                      [this](Timers::Fired fired) { return handle(this, std::move(fired)); });
  }
  static async::Task<std::optional<base::Timestamp>> handle(Bench* bench, Timers::Fired fired) {
    {
      const std::lock_guard lock(bench->mutex);
      bench->fired.push_back(fired.name + "=" + fired.payload);
    }
    const auto held = bench->hold.exchange(false);
    ++bench->count;
    if (held) co_await bench->gate.acquire(20s);
    if (fired.payload == "throws" && ++bench->thrown == 1) throw std::runtime_error("broken");
    if (fired.payload == "hourly") co_return base::Timestamp{fired.due.ms + 3'600'000};
    co_return std::nullopt;
  }
  async::Task<> set(std::string name, std::chrono::milliseconds in, std::string payload) {
    const base::Timestamp due{clock.now().ms + in.count()};
    const auto added = co_await store->transact([&](store::Transaction& t) { return timers->set(t, name, due, payload); });
    timers->wake(added);
  }
  async::Task<> cancel(std::string name) {
    co_await store->commit([&](store::Transaction& t) { timers->cancel(t, name); });
  }
  async::Task<bool> fires(int expected) {
    for (int i = 0; i < 2'000 && count < expected; ++i) co_await async::sleep_for(5ms);
    co_await async::sleep_for(20ms);  // and not once more
    co_return count == expected;
  }
  std::vector<std::string> names() {
    const std::lock_guard lock(mutex);
    return fired;
  }
  std::size_t rows() { return store->read()->scan({"", ""}, 1'000).size(); }

  base::Clock clock;
  async::Loops loops{2, 1};  // destroyed after the store, whose waiters are on them
  std::unique_ptr<store::Store> store = store::open_memory();
  std::mutex mutex;
  std::vector<std::string> fired;
  std::atomic<int> count{0}, thrown{0};
  std::atomic<bool> hold{false};
  async::Semaphore gate{0};
  std::unique_ptr<Timers> timers;
};

TEST(Timers, FireOnceWhenTheirTimeComes) {
  Bench bench;
  bench.loops.run([](Bench& b) -> async::Task<> {
    co_await b.timers->start();
    co_await b.set("late", 2h, "l");
    co_await b.set("early", 1h, "e");
    co_await b.set("gone", 1h, "g");
    co_await b.cancel("gone");
    co_await b.cancel("never was");
    co_await b.set("moved", 1h, "old");
    co_await b.set("moved", 3h, "new");
    EXPECT_TRUE(co_await b.fires(0));
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(1));
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(2));
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(3));
  }(bench));
  EXPECT_EQ(bench.names(), (std::vector<std::string>{"early=e", "late=l", "moved=new"}));
  EXPECT_EQ(bench.rows(), 1u) << "but for the outbox's own";
}

TEST(Timers, FireAgainWhenTheirHandlerSaysSo) {
  Bench bench;
  bench.loops.run([](Bench& b) -> async::Task<> {
    co_await b.timers->start();
    co_await b.set("t", 1h, "hourly");
    for (int i = 1; i <= 3; ++i) {
      b.clock.advance(1h);
      EXPECT_TRUE(co_await b.fires(i));
    }
    co_await b.cancel("t");
    b.clock.advance(5h);
    EXPECT_TRUE(co_await b.fires(3));
    co_await b.set("x", 0ms, "throws");
    EXPECT_TRUE(co_await b.fires(4));
    b.clock.advance(2s);
    EXPECT_TRUE(co_await b.fires(5));
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(5));
  }(bench));
}

TEST(Timers, SetAgainWhileTheyFire) {
  Bench bench;
  bench.loops.run([](Bench& b) -> async::Task<> {
    co_await b.timers->start();
    b.hold = true;
    co_await b.set("t", 0ms, "first");
    EXPECT_TRUE(co_await b.fires(1));
    co_await b.set("t", 1h, "second");
    b.gate.release();
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(2));
  }(bench));
  EXPECT_EQ(bench.names().back(), "t=second");
}

TEST(Timers, OutliveTheProcess) {
  Bench bench;
  bench.loops.run([](Bench& b) -> async::Task<> {
    co_await b.timers->start();
    co_await b.set("t", 1h, "x");
    co_await b.set("u", 2h, "y");
    co_await b.timers->stop();
    b.clock.advance(1h);
    b.make();
    co_await b.timers->start();
    EXPECT_TRUE(co_await b.fires(1));
    co_await b.set("u", 1h, "z");
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(2));
    co_await b.set("v", 1h, "w");
    co_await b.timers->clear();
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.fires(2));
  }(bench));
  EXPECT_EQ(bench.names(), (std::vector<std::string>{"t=x", "u=z"}));
}

}  // namespace
}  // namespace lambari::delivery
