#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "async/gate.h"
#include "async/loops.h"
#include "async/pipe.h"
#include "async/visit.h"

namespace lambari::async {
namespace {

using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;

// Counts tasks down and lets the test thread wait for zero.
class Latch {
 public:
  explicit Latch(int count) : left_(count) {}
  void down() {
    if (left_.fetch_sub(1) == 1) done_.set_value();
  }
  bool wait() { return done_.get_future().wait_for(30s) == std::future_status::ready; }

 private:
  std::atomic<int> left_;
  std::promise<void> done_;
};

Task<> note_thread(std::thread::id* id) {
  *id = std::this_thread::get_id();
  co_return;
}

// What a thread that is no loop's still has to post is posted before the loop's queue goes down.
TEST(Visit, IsWaitedFor) {
  std::atomic<bool> posted{false};
  std::promise<void> begun, stop_called;
  std::thread visitor;
  {
    Loops loops(2);
    visitor = std::thread([&] {
      auto visit = std::make_unique<Visit>(loops.context(0));
      begun.set_value();
      stop_called.get_future().wait();
      for (int i = 0; i < 10'000; ++i) boost::asio::post(loops.context(0), [] {});
      posted = true;
      visit.reset();
    });
    begun.get_future().wait();
    stop_called.set_value();
    loops.stop();
    EXPECT_TRUE(posted);
  }
  visitor.join();
}

TEST(Loops, RunsTasksOnTheLoopAskedFor) {
  Loops loops(2);
  ASSERT_EQ(loops.size(), 2u);
  std::thread::id first, again, second;
  for (auto [index, id] : {std::pair{0u, &first}, {0u, &again}, {1u, &second}}) {
    Latch latch(1);
    auto task = [](std::thread::id* id, Latch* latch) -> Task<> {
      co_await note_thread(id);
      latch->down();
    };
    loops.spawn("note", task(id, &latch), loops.executor(index));
    ASSERT_TRUE(latch.wait());
  }
  EXPECT_EQ(first, again);
  EXPECT_NE(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST(Loops, NextGoesRound) {
  Loops loops(3);
  auto a = loops.next(), b = loops.next(), c = loops.next(), d = loops.next();
  EXPECT_TRUE(a == d);
  EXPECT_FALSE(a == b);
  EXPECT_FALSE(b == c);
}

Task<> fail() {
  throw std::runtime_error("no luck");
  co_return;
}

TEST(Loops, RunPassesExceptionsAndSpawnSurvivesThem) {
  Loops loops(1);
  EXPECT_THROW(loops.run(fail()), std::runtime_error);
  loops.spawn("expected failure", fail());
  loops.run(sleep_for(1ms));
}

Task<> block_and_note(Loops& loops, bool* other_thread, bool* came_back) {
  auto here = std::this_thread::get_id();
  co_await loops.block([&] { *other_thread = std::this_thread::get_id() != here; });
  *came_back = std::this_thread::get_id() == here;
  bool thrown = false;
  try {
    co_await loops.block([] { throw std::logic_error("from the pool"); });
  } catch (const std::logic_error&) {
    thrown = true;
  }
  EXPECT_TRUE(thrown);
}

TEST(Loops, BlockingWorkRunsElsewhereAndComesBack) {
  Loops loops(2);
  bool other_thread = false, came_back = false;
  loops.run(block_and_note(loops, &other_thread, &came_back));
  EXPECT_TRUE(other_thread);
  EXPECT_TRUE(came_back);
}

Task<> note_here(Loops& loops, unsigned* here) {
  *here = loops.here();
  co_return;
}

TEST(Loops, HereIsTheLoopOfTheThread) {
  Loops loops(3);
  for (unsigned index = 0; index < 3; ++index) {
    Latch latch(1);
    unsigned here = 99;
    auto task = [](Loops& loops, unsigned* here, Latch* latch) -> Task<> {
      co_await note_here(loops, here);
      latch->down();
    };
    loops.spawn("note", task(loops, &here, &latch), loops.executor(index));
    ASSERT_TRUE(latch.wait());
    EXPECT_EQ(here, index);
  }
  EXPECT_NE(loops.here(), loops.here());
}

struct Flag {
  std::atomic<int>* count;
  explicit Flag(std::atomic<int>* count) : count(count) { ++*count; }
  ~Flag() { --*count; }
};

Task<> hold(std::atomic<int>* alive, Event& event) {
  Flag flag(alive);
  co_await event.wait(event.ticket(), std::chrono::milliseconds::max());
}

Task<> hold_across(std::atomic<int>* alive, Loops& loops, Event& event) {
  Flag flag(alive);
  co_await boost::asio::co_spawn(loops.executor(1), hold(alive, event), boost::asio::use_awaitable);
}

Task<> hold_pool(std::atomic<int>* alive, Loops& loops, std::chrono::milliseconds time) {
  Flag flag(alive);
  co_await loops.block([time] { std::this_thread::sleep_for(time); });
}

TEST(Loops, StopDropsWhatIsSuspended) {
  std::atomic<int> alive = 0;
  Event event;
  {
    Loops loops(2, 1);
    loops.spawn("hold", hold(&alive, event), loops.executor(0));
    loops.spawn("hold", hold_across(&alive, loops, event), loops.executor(0));
    loops.spawn("hold", hold_pool(&alive, loops, 50ms), loops.executor(0));
    loops.spawn("hold", hold_pool(&alive, loops, 50ms), loops.executor(1));
    for (int i = 0; i < 2000 && alive < 5; ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(alive, 5);
    loops.stop();
    EXPECT_EQ(alive, 0);
    loops.stop();
    EXPECT_THROW(loops.run(sleep_for(1ms)), std::runtime_error);
    loops.spawn("after stop", hold(&alive, event));
  }
  EXPECT_EQ(alive, 0);
  event.notify_all();
}

Task<> expect_timeout(Event& event) {
  auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(co_await event.wait(event.ticket(), 20ms));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 19ms);
}

Task<> expect_no_wait(Event& event) {
  auto before = event.ticket();
  event.notify_one();
  EXPECT_TRUE(co_await event.wait(before, 0ms));
  EXPECT_FALSE(co_await event.wait(event.ticket(), 0ms));
}

TEST(Event, TimesOutAndTicketsMissNothing) {
  Loops loops(1);
  Event event;
  loops.run(expect_timeout(event));
  loops.run(expect_no_wait(event));
}

Task<> wait_and_count(Event& event, Event::Ticket ticket, std::atomic<int>* notified, Latch* latch) {
  if (co_await event.wait(ticket, 30s)) ++*notified;
  latch->down();
}

TEST(Event, NotifyAllWakesAllAndOneWakesOne) {
  Loops loops(2);
  Event event;
  std::atomic<int> notified = 0;
  Latch latch(10);
  auto ticket = event.ticket();
  for (int i = 0; i < 10; ++i) loops.spawn("wait", wait_and_count(event, ticket, &notified, &latch));
  loops.run(sleep_for(20ms));
  EXPECT_EQ(notified, 0);
  event.notify_one();
  loops.run(sleep_for(20ms));
  EXPECT_EQ(notified, 1);
  event.notify_all();
  EXPECT_TRUE(latch.wait());
  EXPECT_EQ(notified, 10);
}

// A bounded queue of numbers between loops, made of nothing but the Event under test.
struct Channel {
  std::mutex mutex;
  int produced = 0, consumed = 0;
  Event changed;
};

Task<> consume(Channel& channel, int total, std::atomic<int>* timeouts, Latch* latch) {
  for (;;) {
    auto ticket = channel.changed.ticket();
    {
      std::lock_guard lock(channel.mutex);
      if (channel.consumed == total) break;
      if (channel.consumed < channel.produced) {
        ++channel.consumed;
        if (channel.consumed == total) channel.changed.notify_all();
        continue;
      }
    }
    if (!co_await channel.changed.wait(ticket, 20s)) ++*timeouts;
  }
  latch->down();
}

TEST(Event, LosesNoWakeUpAcrossLoopsAndThreads) {
  for (bool one : {false, true}) {
    Loops loops(3);
    Channel channel;
    constexpr int kTotal = 6000, kConsumers = 6, kProducers = 3;
    std::atomic<int> timeouts = 0;
    Latch latch(kConsumers);
    for (int i = 0; i < kConsumers; ++i) loops.spawn("consume", consume(channel, kTotal, &timeouts, &latch));
    std::vector<std::thread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&] {
        for (int i = 0; i < kTotal / kProducers; ++i) {
          {
            std::lock_guard lock(channel.mutex);
            ++channel.produced;
          }
          one ? channel.changed.notify_one() : channel.changed.notify_all();
          if (i % 64 == 0) std::this_thread::yield();
        }
      });
    }
    EXPECT_TRUE(latch.wait());
    for (auto& producer : producers) producer.join();
    EXPECT_EQ(channel.consumed, kTotal);
    EXPECT_EQ(timeouts, 0);
  }
}

Task<> cancelled_wait(Event& event, bool* ended) {
  auto result = co_await (event.wait(event.ticket(), 30s) || sleep_for(10ms));
  EXPECT_EQ(result.index(), 1u);
  *ended = true;
}

TEST(Event, CanBeCancelled) {
  Loops loops(1);
  Event event;
  bool ended = false;
  loops.run(cancelled_wait(event, &ended));
  EXPECT_TRUE(ended);
}

Task<> use(Semaphore& semaphore, std::atomic<int>* inside, std::atomic<int>* most, int rounds, Latch* latch) {
  for (int i = 0; i < rounds; ++i) {
    if (!co_await semaphore.acquire(30s)) {
      ADD_FAILURE() << "timed out";
      break;
    }
    int now = ++*inside;
    for (int seen = *most; now > seen && !most->compare_exchange_weak(seen, now);) {
    }
    if (i % 8 == 0) co_await sleep_for(0ms);
    --*inside;
    semaphore.release();
  }
  latch->down();
}

TEST(Semaphore, NeverLetsInMoreThanItsPermits) {
  Loops loops(3);
  Semaphore semaphore(4);
  std::atomic<int> inside = 0, most = 0;
  Latch latch(24);
  for (int i = 0; i < 24; ++i) loops.spawn("use", use(semaphore, &inside, &most, 200, &latch));
  ASSERT_TRUE(latch.wait());
  EXPECT_LE(most, 4);
  EXPECT_EQ(semaphore.waiting(), 0u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
}

// Waiters that time out or are cancelled while permits change hands must not take a permit with them.
Task<> impatient(Semaphore& semaphore, int rounds, bool cancel, Latch* latch) {
  for (int i = 0; i < rounds; ++i) {
    bool got = false;
    if (cancel) {
      auto result = co_await (semaphore.acquire(30s) || sleep_for(std::chrono::milliseconds(i % 2)));
      got = result.index() == 0 && std::get<0>(result);
    } else {
      got = co_await semaphore.acquire(std::chrono::milliseconds(i % 2));
    }
    if (!got) continue;
    if (i % 3 == 0) co_await sleep_for(1ms);
    semaphore.release();
  }
  latch->down();
}

TEST(Semaphore, TimeoutsLoseNoPermit) {
  Loops loops(3);
  Semaphore semaphore(2);
  Latch latch(12);
  for (int i = 0; i < 12; ++i) loops.spawn("impatient", impatient(semaphore, 100, false, &latch));
  ASSERT_TRUE(latch.wait());
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
}

TEST(Semaphore, CancellationsLoseNoPermit) {
  Loops loops(2);
  Semaphore semaphore(1);
  ASSERT_TRUE(semaphore.try_acquire());
  Latch latch(8);
  for (int i = 0; i < 8; ++i) loops.spawn("impatient", impatient(semaphore, 20, true, &latch));
  loops.run(sleep_for(5ms));
  semaphore.release();
  ASSERT_TRUE(latch.wait());
  loops.run(sleep_for(5ms));
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
}

Task<> in_turn(Semaphore& semaphore, std::vector<int>* order, int number, Latch* latch) {
  co_await semaphore.acquire(30s);
  order->push_back(number);
  semaphore.release();
  latch->down();
}

TEST(Semaphore, ServesInOrderOfArrival) {
  Loops loops(1);
  Semaphore semaphore(1);
  ASSERT_TRUE(semaphore.try_acquire());
  std::vector<int> order;
  Latch latch(5);
  for (int i = 0; i < 5; ++i) loops.spawn("in turn", in_turn(semaphore, &order, i, &latch));
  loops.run(sleep_for(5ms));
  EXPECT_EQ(semaphore.waiting(), 5u);
  semaphore.release();
  ASSERT_TRUE(latch.wait());
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4));
}

Task<> write_all(Pipe& pipe, int count, std::atomic<int>* written, Latch* done) {
  for (int i = 0; i < count; ++i) {
    if (!co_await pipe.write(std::string(100, static_cast<char>('a' + i % 26)))) break;
    ++*written;
  }
  pipe.finish();
  done->down();
}

Task<> read_all(Pipe& pipe, std::string* all) {
  while (auto piece = co_await pipe.read()) *all += *piece;
}

TEST(Pipe, KeepsOrderAcrossLoopsAndHoldsTheWriterBack) {
  Loops loops(2);
  Pipe pipe(250);
  std::atomic<int> written = 0;
  Latch done(1);
  loops.spawn("writer", write_all(pipe, 1000, &written, &done), loops.executor(1));
  loops.run(sleep_for(20ms));
  EXPECT_EQ(written, 3);  // 300 bytes wait: at most the capacity and a piece
  std::string all;
  loops.run(read_all(pipe, &all));
  ASSERT_TRUE(done.wait());
  ASSERT_EQ(all.size(), 100'000u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i) * 100], 'a' + i % 26);
}

TEST(Pipe, AWriterIsLetGoWhenTheReaderLeaves) {
  Loops loops(1);
  Pipe pipe(100);
  std::atomic<int> written = 0;
  Latch done(1);
  loops.spawn("writer", write_all(pipe, 10, &written, &done));
  loops.run(sleep_for(5ms));
  EXPECT_EQ(written, 1);
  pipe.leave();
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(written, 1);
}

}  // namespace
}  // namespace lambari::async
