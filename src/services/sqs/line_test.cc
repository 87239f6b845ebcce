// The index of a queue alone, with messages put into the store by hand.
#include "services/sqs/line.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <random>
#include <set>

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

// Everything in any order, against what a queue promises: no message is given to two at once; in a FIFO queue what is given is
// the oldest of its group, while nobody holds another of it; in the end every message that was not deleted comes.
class RandomLine : public LineTest, public testing::WithParamInterface<std::tuple<bool, int>> {};

TEST_P(RandomLine, KeepsItsPromises) {
  const auto [fifo, seed] = GetParam();
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  struct Known {
    std::string group;
    Receipt receipt;
    bool sent = false, deleted = false;
    std::int64_t hidden_until = 0;
  };
  std::map<std::uint64_t, Known> model;
  std::vector<std::pair<std::uint64_t, std::size_t>> sending;  // committed, not finished
  auto line = std::make_unique<Line>(*store_, 1, fifo);
  line->load(kNow);
  std::int64_t now = kNow;

  const auto check_taken = [&](const Line::Taken& taken) {
    auto& known = model.at(taken.position.sequence);
    ASSERT_TRUE(known.sent);
    ASSERT_LE(known.hidden_until, now) << "given to two";
    ASSERT_EQ(taken.before.receives, known.receipt.receives);
    if (!fifo) return;
    ASSERT_EQ(taken.group, known.group);
    for (const auto& [sequence, other] : model) {
      if (sequence >= taken.position.sequence) break;
      if (other.group == known.group && other.sent && !other.deleted) ASSERT_GT(other.hidden_until, now) << "not the oldest";
    }
  };
  const auto take_some = [&](std::size_t limit, std::int64_t timeout) {
    const auto all = line->take(limit, now, 0);
    std::set<std::string> held;
    for (const auto& [sequence, known] : model)
      if (known.sent && !known.deleted && known.hidden_until > now) held.insert(known.group);
    for (const auto& taken : all) {
      if (fifo) ASSERT_FALSE(held.contains(taken.group)) << "the group is held";
    }
    for (const auto& taken : all) {
      // Messages before it in the same take are in flight already.
      check_taken(taken);
      auto& known = model.at(taken.position.sequence);
      known.hidden_until = now + (timeout > 0 ? timeout : 1);
    }
    if (pick(10) == 0) {  // the commit failed: nothing happened
      for (auto taken = all.rbegin(); taken != all.rend(); ++taken) {
        model.at(taken->position.sequence).hidden_until = now;
        line->give_back(*taken);
      }
      return;
    }
    for (const auto& taken : all) {
      auto& known = model.at(taken.position.sequence);
      known.receipt = {taken.before.receives + 1, now, now, known.hidden_until, true, taken.group};
      loops_.run(store_->commit([&](store::Transaction& t) { t.put(keys::receipt(1, taken.position), encode(known.receipt)); }));
      ASSERT_TRUE(line->settle(taken.position, known.receipt));
    }
  };
  const auto erase = [&](std::uint64_t sequence) {
    auto& known = model.at(sequence);
    line->forget({0, sequence});
    line->removed(1);
    loops_.run(store_->commit([&](store::Transaction& t) {
      t.erase(keys::message(1, {0, sequence}, known.group));
      t.erase(keys::receipt(1, {0, sequence}));
    }));
    known.deleted = true;
  };

  for (int step = 0; step < 400 && !HasFatalFailure(); ++step) {
    switch (pick(9)) {
      case 0:
      case 1: {
        const auto count = static_cast<std::size_t>(1 + pick(pick(20) == 0 ? 700 : 5));
        const auto group = fifo ? std::to_string(pick(4)) : std::string();
        const auto first = line->begin_sends(count, now);
        for (std::size_t i = 0; i < count; ++i) model[first + i].group = group;
        if (pick(8) == 0) {
          line->finish_sends(first, count, {}, now);  // refused
          for (std::size_t i = 0; i < count; ++i) model.erase(first + i);
          break;
        }
        commit(first, count, group);
        for (std::size_t i = 0; i < count; ++i) model[first + i].sent = true;
        sending.emplace_back(first, count);
        if (sending.size() < 4 && pick(3) == 0) break;  // its commit takes long
        std::ranges::shuffle(sending, random);
        for (const auto& [begin, size] : sending) finish(*line, begin, size, model.at(begin).group, now);
        sending.clear();
        break;
      }
      case 2:
      case 3:
      case 4: take_some(static_cast<std::size_t>(1 + pick(12)), pick(3) * 10); break;
      case 5:
      case 6: {  // delete one that is in flight
        std::vector<std::uint64_t> held;
        for (const auto& [sequence, known] : model)
          if (known.sent && !known.deleted && known.receipt.receives > 0 && known.hidden_until > now) held.push_back(sequence);
        if (!held.empty()) erase(held[static_cast<std::size_t>(pick(static_cast<int>(held.size())))]);
        break;
      }
      case 7: now += pick(25); break;
      case 8:
        if (pick(6) == 0 && sending.empty()) {  // a restart; it takes a millisecond, so no sequence is used again
          ++now;
          line = std::make_unique<Line>(*store_, 1, fifo);
          line->load(now, 50);
          while (line->count_rest(50)) {
          }
        }
        break;
    }
  }
  if (HasFatalFailure()) return;
  for (const auto& [begin, size] : sending) finish(*line, begin, size, model.at(begin).group, now);
  std::size_t left = 0;
  for (const auto& [sequence, known] : model) left += known.sent && !known.deleted;
  const auto counted = line->counts(now, 0);
  EXPECT_EQ(counted.visible + counted.in_flight, left);
  for (int round = 0; left > 0 && round < 100'000; ++round) {
    now += 30;
    const auto all = line->take(10, now, 0);
    for (const auto& taken : all) {
      check_taken(taken);
      if (HasFatalFailure()) return;
      model.at(taken.position.sequence).hidden_until = now + 1;
    }
    for (const auto& taken : all) {
      erase(taken.position.sequence);
      --left;
    }
    if (all.empty() && round > 10) break;
  }
  EXPECT_EQ(left, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLine, testing::Combine(testing::Bool(), testing::Range(1, 13)));

}  // namespace
}  // namespace lambari::sqs
