// The index of a queue alone, with messages put into the store by hand.
#include "services/sqs/line.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "async/loops.h"
#include "services/sqs/keys.h"
#include "services/sqs/rows.h"
#include "store/engines.h"

namespace lambari::sqs {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

class LineTest : public testing::Test {
 protected:
  ~LineTest() override { loops_.stop(); }

  void put(std::vector<std::pair<Position, std::string>> messages) {
    loops_.run(store_->commit([&](store::Transaction& t) {
      for (const auto& [at, group] : messages) t.put(keys::message(1, at, group), "m");
    }));
  }
  // As send() does it. Gives the first sequence.
  std::uint64_t send(Line& line, std::size_t count, const std::string& group = {}, std::int64_t now = kNow) {
    const auto first = line.begin_sends(count, now);
    commit(first, count, group);
    finish(line, first, count, group, now);
    return first;
  }
  void commit(std::uint64_t first, std::size_t count, const std::string& group = {}) {
    std::vector<std::pair<Position, std::string>> messages;
    for (std::size_t i = 0; i < count; ++i) messages.push_back({{0, first + i}, group});
    put(std::move(messages));
  }
  static void finish(Line& line, std::uint64_t first, std::size_t count, const std::string& group = {}, std::int64_t now = kNow) {
    std::vector<Line::Sent> sent;
    for (std::size_t i = 0; i < count; ++i) sent.push_back({{0, first + i}, group});
    line.finish_sends(first, count, std::move(sent), now);
  }
  static std::vector<std::uint64_t> take(Line& line, std::size_t count, std::int64_t now = kNow, std::int64_t timeout = 30'000) {
    std::vector<std::uint64_t> out;
    for (const auto& taken : line.take(count, now, 0)) {
      out.push_back(taken.position.sequence);
      line.settle(taken.position, {taken.before.receives + 1, now, now, now + timeout, true, taken.group});
    }
    return out;
  }
  using Sequences = std::vector<std::uint64_t>;

  async::Loops loops_{1, 1};
  std::unique_ptr<store::Store> store_ = store::open_memory();
};

TEST_F(LineTest, ASlowCommitIsNotPassedOver) {
  for (const bool fifo : {false, true}) {
    Line line(*store_, 1, fifo);
    line.load(kNow);
    const auto slow = line.begin_sends(1, kNow);
    const auto fast = send(line, 1, fifo ? "g" : "");
    // A standard queue gives what is there; a FIFO queue keeps the order.
    EXPECT_EQ(take(line, 10), fifo ? Sequences{} : Sequences{fast});
    commit(slow, 1, fifo ? "g" : "");
    finish(line, slow, 1, fifo ? "g" : "");
    EXPECT_EQ(take(line, 10), fifo ? (Sequences{slow, fast}) : Sequences{slow});
    loops_.run(store_->commit([](store::Transaction& t) { t.erase(store::Range{}); }));
  }
}

TEST_F(LineTest, ASendThatFailedLeavesNoHole) {
  Line line(*store_, 1, true);
  line.load(kNow);
  const auto failed = line.begin_sends(3, kNow);
  const auto good = send(line, 1, "g");
  EXPECT_EQ(take(line, 10), Sequences{});
  line.finish_sends(failed, 3, {}, kNow);
  EXPECT_EQ(take(line, 10), Sequences{good});
}

TEST_F(LineTest, MoreThanAWindowIsReadFromTheStoreOnce) {
  Line line(*store_, 1, false);
  line.load(kNow);
  constexpr std::size_t kCount = 3 * Line::kWindow;
  for (std::size_t sent = 0; sent < kCount; sent += 1024) send(line, 1024);
  EXPECT_EQ(line.counts(kNow, 0).visible, kCount);
  std::set<std::uint64_t> seen;
  for (;;) {
    const auto got = take(line, 100);
    if (got.empty()) break;
    for (const auto sequence : got) EXPECT_TRUE(seen.insert(sequence).second);
    if (seen.size() == 2000) send(line, 10);
  }
  EXPECT_EQ(seen.size(), kCount + 10);
}

TEST_F(LineTest, ReturnedMessagesAndNewOnesTakeTurns) {
  Line line(*store_, 1, false);
  line.load(kNow);
  send(line, 100);
  const auto first = take(line, 10, kNow, 0);  // visible again at once
  const auto second = take(line, 10, kNow + 1), third = take(line, 10, kNow + 1);
  EXPECT_TRUE((second == first) != (third == first));
}

TEST_F(LineTest, AGroupOpensWhenTheLastOfItsFlightsEnds) {
  Line line(*store_, 1, true);
  line.load(kNow);
  const auto first = send(line, 4, "g");
  const auto other = send(line, 1, "h");
  EXPECT_EQ(take(line, 2, kNow, 10'000), (Sequences{first, first + 1}));
  EXPECT_EQ(take(line, 10, kNow, 20'000), Sequences{other});
  EXPECT_EQ(line.next_change(0), kNow + 10'000);
  EXPECT_TRUE(line.forget({0, first}));
  EXPECT_EQ(take(line, 10), Sequences{});
  EXPECT_TRUE(line.change_visibility({0, first + 1}, 1, kNow + 5'000));
  EXPECT_FALSE(line.change_visibility({0, first + 1}, 2, kNow));  // another receive's
  EXPECT_EQ(take(line, 10, kNow + 4'999), Sequences{});
  EXPECT_EQ(take(line, 10, kNow + 5'000), (Sequences{first + 1, first + 2, first + 3}));
  EXPECT_FALSE(line.forget({0, first}));
}

TEST_F(LineTest, WhatIsGivenBackKeepsItsPlace) {
  Line line(*store_, 1, true);
  line.load(kNow);
  const auto first = send(line, 3, "g");
  const auto taken = line.take(2, kNow, 0);
  for (auto at = taken.rbegin(); at != taken.rend(); ++at) line.give_back(*at);
  EXPECT_EQ(take(line, 10), (Sequences{first, first + 1, first + 2}));
}

TEST_F(LineTest, DelayedMessagesComeWhenTheyAreDue) {
  Line line(*store_, 1, false);
  line.load(kNow);
  const auto first = line.begin_sends(2, kNow);
  const Position soon{kNow + 1'000, first + 1}, late{kNow + 2'000, first};
  put({{soon, ""}, {late, ""}});
  line.finish_sends(first, 2, {{late, ""}, {soon, ""}}, kNow);
  EXPECT_EQ(line.counts(kNow, 0).delayed, 2u);
  EXPECT_EQ(take(line, 10, kNow + 999), Sequences{});
  EXPECT_EQ(line.next_change(0), kNow + 1'000);
  EXPECT_EQ(take(line, 10, kNow + 1'000), Sequences{first + 1});
  EXPECT_EQ(line.next_change(0), kNow + 2'000);
  // The clock went back: what is sent now is due before what was loaded.
  const auto third = line.begin_sends(1, kNow);
  put({{{kNow + 500, third}, ""}});
  line.finish_sends(third, 1, {{{kNow + 500, third}, ""}}, kNow);
  EXPECT_EQ(take(line, 10, kNow + 500), Sequences{third});
  EXPECT_EQ(take(line, 10, kNow + 2'000), Sequences{first});
}

TEST_F(LineTest, LoadKnowsWhatWasReceived) {
  {
    Line line(*store_, 1, true);
    line.load(kNow);
    send(line, 5, "g");
  }
  const auto at = [](std::uint64_t i) { return Position{0, (static_cast<std::uint64_t>(kNow) << kSequenceBits) + i}; };
  loops_.run(store_->commit([&](store::Transaction& t) {
    t.put(keys::receipt(1, at(0)), encode(Receipt{2, kNow, kNow, kNow + 500, true, "g"}));
    t.put(keys::receipt(1, at(1)), encode(Receipt{1, kNow, kNow, kNow - 500, true, "g"}));
  }));
  Line line(*store_, 1, true);
  line.load(kNow, 2);
  EXPECT_EQ(line.counts(kNow, 0).in_flight, 1u);
  while (line.count_rest(2)) {
  }
  EXPECT_EQ(line.counts(kNow, 0).visible, 4u);
  EXPECT_EQ(line.find(at(0), kNow)->receipt.receives, 2u);
  EXPECT_EQ(take(line, 10), Sequences{});
  const auto taken = line.take(10, kNow + 500, 0);
  ASSERT_EQ(taken.size(), 5u);
  EXPECT_EQ(taken[0].before.receives, 2u);
  EXPECT_EQ(taken[1].before.receives, 1u);
  EXPECT_EQ(taken[2].before.receives, 0u);
  EXPECT_GT(line.begin_sends(1, kNow - 1'000'000), at(4).sequence);  // the clock went back over the restart
}

}  // namespace
}  // namespace lambari::sqs
