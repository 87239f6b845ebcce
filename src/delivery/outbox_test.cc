#include "delivery/outbox.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "async/gate.h"
#include "delivery/rows.h"
#include "store/engines.h"

namespace lambari::delivery {
namespace {

using namespace std::chrono_literals;

// What a test's handler sees, and where it waits for enough of it.
class Seen {
 public:
  void add(Work work) {
    {
      const std::lock_guard lock(mutex_);
      all_.push_back(std::move(work));
    }
    changed_.notify_all();
  }
  std::vector<Work> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }
  async::Task<bool> reaches(std::size_t expected) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      const auto ticket = changed_.ticket();
      if (count() >= expected) co_return true;
      if (std::chrono::steady_clock::now() > deadline) co_return false;
      co_await changed_.wait(ticket, 100ms);
    }
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Work> all_;
  async::Event changed_;
};

// In place of a braced list, which GCC 12 does not take in a co_await.
std::vector<std::string> these(auto... payloads) { return {std::string(std::move(payloads))...}; }

struct Bench {
  explicit Bench(std::function<Verdict(const Work&)> judge = [](const Work&) { return Verdict::done(); })
      : judge(std::move(judge)) {
    make();
  }
  ~Bench() { loops.stop(); }

  void make() {
    outbox.reset();
    outbox = std::make_unique<Outbox>(
        loops, clock, *store,
        Outbox::Options{"test", at_once,
                        [this](const std::string& lane) { return LaneRule{lane_at_once, lane.starts_with("fifo")}; }},
        [this](Work work) { return handle(this, std::move(work)); });
  }
  static async::Task<Verdict> handle(Bench* bench, Work work) {
    if (work.lane == "stuck") co_await bench->gate.acquire(60s);
    auto verdict = bench->judge(work);
    bench->seen.add(std::move(work));
    co_return verdict;
  }

  void run(async::Task<> task) { loops.run(std::move(task)); }
  base::Timestamp in(std::chrono::milliseconds time) const { return {clock.now().ms + time.count()}; }
  async::Task<> add(std::string lane, std::vector<std::string> payloads, base::Timestamp due = {}) {
    std::vector<Outbox::Added> added;
    co_await store->commit([&](store::Transaction& t) {
      added.clear();
      for (const auto& payload : payloads) added.push_back(outbox->add(t, {lane, due, payload}));
    });
    outbox->wake(added);
  }
  std::size_t rows_left() { return store->read()->scan(store::prefix_range(store::Key("delivery/item").str()), 100'000).size(); }
  std::size_t bodies_left() {
    return store->read()->scan(store::prefix_range(store::Key("delivery/body").str()), 100'000).size();
  }
  async::Task<bool> drained() {
    for (int i = 0; i < 2'000; ++i) {
      if (rows_left() == 0) co_return true;
      co_await async::sleep_for(10ms);
    }
    co_return false;
  }

  base::Clock clock;
  async::Loops loops{2, 1};  // destroyed after the store, whose waiters are on them
  std::unique_ptr<store::Store> store = store::open_memory();
  Seen seen;
  async::Semaphore gate{0};
  unsigned at_once = 512, lane_at_once = 8;
  std::function<Verdict(const Work&)> judge;
  std::unique_ptr<Outbox> outbox;
};

TEST(Outbox, DeliversWhatWasCommittedAndErasesIt) {
  Bench bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these("one", "two"));
    co_await b.add("b", these(std::string(1'500'000, 'x')));
    EXPECT_TRUE(co_await b.seen.reaches(3));
    EXPECT_TRUE(co_await b.drained());
    EXPECT_EQ(b.bodies_left(), 0u);
    // A transaction that fails has added nothing.
    Outbox::Added added;
    try {
      co_await b.store->commit([&](store::Transaction& t) {
        added = b.outbox->add(t, {"a", {}, "never"});
        throw std::runtime_error("no");
      });
    } catch (const std::runtime_error&) {
    }
    b.outbox->wake(added);
    co_await b.add("a", these("three"));
    EXPECT_TRUE(co_await b.seen.reaches(4));
    co_await b.outbox->stop();
  }(bench));
  std::multiset<std::string> payloads;
  for (const auto& work : bench.seen.all()) payloads.insert(work.payload);
  EXPECT_EQ(payloads, (std::multiset<std::string>{"one", "two", "three", std::string(1'500'000, 'x')}));
  EXPECT_EQ(bench.outbox->counters().done, 4u);
}

TEST(Outbox, WaitsForTheMovableClock) {
  Bench bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these("in six hours"), b.in(6h));
    co_await b.add("a", these("now"));
    EXPECT_TRUE(co_await b.seen.reaches(1));
    co_await async::sleep_for(30ms);
    EXPECT_EQ(b.seen.count(), 1u);
    b.clock.advance(6h);
    EXPECT_TRUE(co_await b.seen.reaches(2));
    EXPECT_TRUE(co_await b.drained());
  }(bench));
  EXPECT_EQ(bench.seen.all()[1].payload, "in six hours");
}

TEST(Outbox, TriesAgainWithWhatWasLeftAndThenGivesUp) {
  Bench* self = nullptr;
  Bench bench([&self](const Work& work) {
    if (work.attempt == 3) {
      return Verdict::dead([](store::Transaction& t) { t.put("dead", "letter"); });
    }
    return Verdict::again(self->in(60s), work.state + "x");
  });
  self = &bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these(std::string(100'000, 'p')));
    for (std::size_t i = 1; i <= 3; ++i) {
      EXPECT_TRUE(co_await b.seen.reaches(i));
      while (b.outbox->counters().again + b.outbox->counters().dead < i) co_await async::sleep_for(1ms);
      b.clock.advance(60s);
    }
    EXPECT_TRUE(co_await b.drained());
  }(bench));
  const auto all = bench.seen.all();
  ASSERT_EQ(all.size(), 3u);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].attempt, i + 1);
    EXPECT_EQ(all[i].state, std::string(i, 'x'));
    EXPECT_EQ(all[i].id, all[0].id);
    EXPECT_EQ(all[i].added, all[0].added);
    EXPECT_EQ(all[i].payload.size(), 100'000u);
  }
  EXPECT_EQ(bench.store->read()->get("dead"), "letter");
  EXPECT_EQ(bench.bodies_left(), 0u);
}

TEST(Outbox, AStuckLaneSlowsNoOther) {
  Bench bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("stuck", std::vector<std::string>(300, "s"));
    co_await b.add("quick", std::vector<std::string>(300, "q"));
    EXPECT_TRUE(co_await b.seen.reaches(300));
    for (const auto& work : b.seen.all()) EXPECT_EQ(work.lane, "quick");
    for (int i = 0; i < 300; ++i) b.gate.release();
    EXPECT_TRUE(co_await b.seen.reaches(600));
    EXPECT_TRUE(co_await b.drained());
  }(bench));
}

TEST(Outbox, AnOrderedLaneKeepsItsOrderThroughFailures) {
  Bench* self = nullptr;
  Bench bench([&self](const Work& work) {
    if (work.payload == "3" && work.attempt < 3) return Verdict::again(self->in(5s));
    return Verdict::done();
  });
  self = &bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    for (int i = 0; i < 200; ++i) co_await b.add("fifo-a", these(std::to_string(i)));
    co_await b.add("fifo-b", these("other"));
    EXPECT_TRUE(co_await b.seen.reaches(5));  // 0 1 2 3, and the other lane
    while (b.outbox->counters().again < 1) co_await async::sleep_for(1ms);
    co_await b.add("fifo-a", these("200"));
    co_await async::sleep_for(20ms);
    EXPECT_EQ(b.seen.count(), 5u) << "those behind a failure wait";
    b.clock.advance(5s);
    EXPECT_TRUE(co_await b.seen.reaches(6));
    while (b.outbox->counters().again < 2) co_await async::sleep_for(1ms);
    b.clock.advance(5s);
    EXPECT_TRUE(co_await b.seen.reaches(204));
    EXPECT_TRUE(co_await b.drained());
  }(bench));
  int expected = 0;
  for (const auto& work : bench.seen.all()) {
    if (work.lane != "fifo-a") continue;
    EXPECT_EQ(work.payload, std::to_string(expected));
    if (work.payload != "3" || work.attempt == 3) ++expected;
  }
  EXPECT_EQ(expected, 201);
}

TEST(Outbox, GoesOnAfterARestart) {
  Bench bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("later", these("l"), b.in(1h));
    co_await b.outbox->stop();
    co_await b.add("a", these("1", "2", "3"));  // woken in vain
    EXPECT_EQ(b.seen.count(), 0u);
    b.make();
    co_await b.outbox->start();
    EXPECT_TRUE(co_await b.seen.reaches(3));
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.seen.reaches(4));
    EXPECT_TRUE(co_await b.drained());
    const auto before = b.seen.all();
    co_await b.add("a", these("4"));
    EXPECT_TRUE(co_await b.seen.reaches(5));
    for (const auto& work : before) EXPECT_LT(work.id, b.seen.all()[4].id);
  }(bench));
}

TEST(Outbox, HoldsAWindowOfManyPending) {
  Bench bench;
  bench.lane_at_once = 64;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    for (int i = 0; i < 20; ++i) co_await b.add("a", std::vector<std::string>(1'000, "x"), b.in(i % 2 == 0 ? 0ms : 3'600'000ms));
    EXPECT_TRUE(co_await b.seen.reaches(10'000));
    EXPECT_LT(b.seen.count(), 10'001u);
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.seen.reaches(20'000));
    EXPECT_TRUE(co_await b.drained());
    while (b.outbox->counters().lanes > 0) co_await async::sleep_for(1ms);
  }(bench));
  std::set<std::uint64_t> ids;
  for (const auto& work : bench.seen.all()) ids.insert(work.id);
  EXPECT_EQ(ids.size(), 20'000u) << "each once";
}

TEST(Outbox, AnErasedLaneIsNotDelivered) {
  Bench* self = nullptr;
  Bench bench([&self](const Work& work) { return work.payload == "again" ? Verdict::again(self->in(0ms)) : Verdict::done(); });
  self = &bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these("later", "more"), b.in(1h));
    co_await b.add("kept", these("kept"), b.in(1h));
    co_await b.add("stuck", these("again"));
    while (b.outbox->counters().running < 1) co_await async::sleep_for(1ms);
    co_await b.store->commit([&](store::Transaction& t) {
      b.outbox->erase_lane(t, "a");
      b.outbox->erase_lane(t, "stuck");
    });
    b.outbox->forget("a");
    b.outbox->forget("stuck");
    b.gate.release();
    EXPECT_TRUE(co_await b.seen.reaches(1));
    b.clock.advance(1h);
    EXPECT_TRUE(co_await b.seen.reaches(2));
    EXPECT_TRUE(co_await b.drained());
    EXPECT_EQ(b.seen.count(), 2u);
    EXPECT_EQ(b.seen.all()[1].payload, "kept");
    co_await b.add("kept", these("gone"), b.in(1h));
    co_await b.outbox->clear();
    b.clock.advance(1h);
    co_await b.add("kept", these("new"));
    EXPECT_TRUE(co_await b.seen.reaches(3));
    EXPECT_EQ(b.seen.all()[2].payload, "new");
  }(bench));
}

TEST(Outbox, AHandlerThatThrowsIsCalledAgain) {
  Bench bench([](const Work& work) {
    if (work.attempt == 1) throw std::runtime_error("broken");
    return Verdict::done();
  });
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these("x"));
    while (b.outbox->counters().again < 1) co_await async::sleep_for(1ms);
    b.clock.advance(1s);
    EXPECT_TRUE(co_await b.seen.reaches(1));
    EXPECT_TRUE(co_await b.drained());
  }(bench));
  EXPECT_EQ(bench.seen.all()[0].attempt, 2u);
}

TEST(Outbox, OneVerdictThatCannotBeWrittenHoldsUpNoOther) {
  Bench bench([](const Work& work) {
    if (work.payload == "bad" && work.attempt == 1)
      return Verdict::dead([](store::Transaction& t) { t.put("k", std::string(2 << 20, 'x')); });
    return Verdict::done();
  });
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these("1", "bad", "2", "3"));
    EXPECT_TRUE(co_await b.seen.reaches(4));
    while (b.outbox->counters().again < 1) co_await async::sleep_for(1ms);
    b.clock.advance(1s);
    EXPECT_TRUE(co_await b.seen.reaches(5));
    EXPECT_TRUE(co_await b.drained());
  }(bench));
}

TEST(Outbox, RefusesWhatIsTooLarge) {
  Bench bench;
  bench.run([](Bench& b) -> async::Task<> {
    co_await b.outbox->start();
    co_await b.add("a", these(std::string(rows::kMaxPayload, 'x')));
    EXPECT_TRUE(co_await b.seen.reaches(1));
    for (const Item& item : {Item{"a", {}, std::string(rows::kMaxPayload + 1, 'x')}, Item{std::string(1'025, 'l'), {}, ""}}) {
      bool refused = false;
      try {
        co_await b.store->commit([&](store::Transaction& t) { b.outbox->add(t, item); });
      } catch (const std::length_error&) {
        refused = true;
      }
      EXPECT_TRUE(refused);
    }
  }(bench));
}

TEST(OutboxRows, ComeBackAsTheyWere) {
  for (const auto& row : {rows::Row{}, rows::Row{7, {123}, {-5}, 3, std::string("a\0b", 3), std::string("\0\xff\0\1", 4), 0},
                          rows::Row{~0ull, {0}, {1}, 1, "", "", 8 << 20}})
    EXPECT_EQ(rows::decode(rows::encode(row)), row);
  EXPECT_THROW(rows::decode(""), std::runtime_error);
  EXPECT_THROW(rows::decode("something else"), std::runtime_error);
  EXPECT_EQ(rows::lane_of("o", rows::item("o", std::string("l\0l", 3), {5}, 6)), std::string("l\0l", 3));
}

}  // namespace
}  // namespace lambari::delivery
