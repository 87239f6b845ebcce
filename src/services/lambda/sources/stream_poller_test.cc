// A stream's poller on a stream in memory.
#include "services/lambda/sources/stream_poller.h"

#include <gtest/gtest.h>

#include <thread>

#include "services/lambda/sources/fake_streams.h"

namespace lambari::sources {
namespace {

using Kind = Answer::Kind;
using namespace std::chrono_literals;

struct Bench {
  ~Bench() {
    poller.reset();
    loops.stop();
  }
  void begin() {
    settings.stream = "arn:s";
    poller = std::make_unique<StreamPoller>(
        loops, clock, streams, [] { return who(); }, settings,
        Function{[this](std::string event, std::vector<std::string>) { return invoke(this, std::move(event)); }, {}, {}}, places,
        counters);
  }
  void end() {
    poller->wind_down();
    EXPECT_TRUE(becomes([&] { return poller->ended(); }));
  }
  static async::Task<std::optional<contracts::Principal>> who() { co_return contracts::Principal{}; }
  static async::Task<Answer> invoke(Bench* bench, std::string event) {
    const auto document = base::parse_json(event)->as_object();
    std::string ids;
    for (const auto& record : document.at("Records").as_array()) ids += std::string(record.at("id").as_string()) + " ";
    const std::lock_guard lock(bench->mutex);
    bench->events.push_back(document);
    bench->batches.push_back(ids);
    co_return bench->answer(ids);
  }
  void send(const std::string& ids, const std::string& shard = "s1") {
    for (const char id : ids) streams.send(std::string(1, id), std::string(1, id), clock.now(), shard);
  }
  bool becomes(std::function<bool()> condition) {
    for (int i = 0; i < 4'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex);
    return batches;
  }
  bool sees(std::vector<std::string> expected) {
    return becomes([&] { return seen() == expected; });
  }

  base::Clock clock;
  testing::FakeStreams streams;
  std::shared_ptr<testing::FakeCheckpoints> places = std::make_shared<testing::FakeCheckpoints>();
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
  StreamSettings settings;
  std::mutex mutex;
  std::vector<base::json::object> events;
  std::vector<std::string> batches;
  std::function<Answer(const std::string&)> answer = [](const std::string&) { return Answer{}; };
  async::Loops loops{2};
  std::unique_ptr<StreamPoller> poller;
};

Answer failure() {
  Answer out;
  out.kind = Kind::function_error;
  out.problem = "Function call failed";
  return out;
}
Answer text(std::string payload) {
  Answer out;
  out.payload = std::move(payload);
  return out;
}

TEST(StreamPoller, GoesOnWhereItWas) {
  Bench b;
  b.settings.batch_size = 2;
  b.send("abc");
  b.begin();
  EXPECT_TRUE(b.sees({"a b ", "c "}));
  EXPECT_TRUE(b.becomes([&] { return b.places->place().cursor == testing::FakeStreams::cursor(3); }));
  EXPECT_EQ(b.poller->last_result(), "OK");
  b.end();
  b.send("d");
  b.begin();
  EXPECT_TRUE(b.sees({"a b ", "c ", "d "}));
}

TEST(StreamPoller, ReadsParentsBeforeChildren) {
  Bench b;
  b.send("ab");
  b.send("xy", "s2");
  b.streams.close("s1", {"s2", "s3"});
  b.send("z", "s3");
  std::atomic<bool> broken{true};
  b.answer = [&](const std::string&) { return broken ? failure() : Answer{}; };
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.seen().size() >= 2; }));
  for (const auto& batch : b.seen()) EXPECT_EQ(batch, "a b ") << "a failing batch holds the shard and its children";
  broken = false;
  EXPECT_TRUE(b.becomes([&] {
    const auto seen = b.seen();
    return std::count(seen.begin(), seen.end(), "x y ") == 1 && std::count(seen.begin(), seen.end(), "z ") == 1;
  }));
  EXPECT_TRUE(b.becomes([&] { return b.places->place("s1").ended; }));
  b.end();
  const auto before = b.seen().size();
  b.begin();
  b.send("w", "s3");
  EXPECT_TRUE(b.becomes([&] { return b.seen().size() == before + 1 && b.seen().back() == "w "; })) << "an ended shard stays so";
}

TEST(StreamPoller, LanesHoldOnlyThemselves) {
  Bench b;
  b.settings.lanes = 2;  // by the key's last character: b, d, f and a, c, e
  b.settings.batch_size = 1;
  b.answer = [](const std::string& ids) { return ids == "b " ? failure() : Answer{}; };
  b.send("abcdef");
  b.begin();
  EXPECT_TRUE(b.becomes([&] {
    const auto seen = b.seen();
    return std::count(seen.begin(), seen.end(), "e ") == 1 && std::count(seen.begin(), seen.end(), "b ") > 1;
  }));
  for (const auto& batch : b.seen()) EXPECT_NE(batch, "d ");
  EXPECT_NE(b.places->place("s1", 0).cursor, b.places->place("s1", 1).cursor);
}

TEST(StreamPoller, TellsWhatIsGivenUpOnceItIsDurable) {
  Bench b;
  b.settings.max_retries = 1;
  b.places->deaf = 2;
  b.answer = [](const std::string& ids) { return ids == "a " ? failure() : Answer{}; };
  b.send("a");
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.places->told().size() == 1; }));
  b.send("b");
  EXPECT_TRUE(b.sees({"a ", "a ", "b "}));
  EXPECT_EQ(b.counters->dropped, 1u);
  EXPECT_EQ(b.counters->failed, 2u);
}

TEST(StreamPoller, WhatIsFilteredOutIsPassed) {
  Bench b;
  b.settings.filter = Filter({R"({"id":["b"]})"});
  b.send("aabaa");
  b.begin();
  EXPECT_TRUE(b.sees({"b "}));
  EXPECT_TRUE(b.becomes([&] { return b.places->place().cursor == testing::FakeStreams::cursor(5); }));
  EXPECT_EQ(b.counters->filtered, 4u);
}

TEST(StreamPoller, ABatchKeepsWithinSixMegabytes) {
  Bench b;
  const std::string large(2'200'000, 'x');
  for (const auto* id : {"a", "b", "c", "d"}) {
    b.streams.send(id, id, b.clock.now(), "s1", R"({"id":")" + std::string(id) + R"(","x":")" + large + "\"}");
  }
  b.begin();
  EXPECT_TRUE(b.sees({"a b ", "c d "}));
}

TEST(StreamPoller, WindowsCarryAState) {
  Bench b;
  b.settings.tumbling = 60s;
  b.answer = [](const std::string& ids) { return text(R"({"state":{"last":")" + ids + "\"}}"); };
  b.clock.advance(std::chrono::milliseconds(60'000 - b.clock.now().ms % 60'000));
  b.send("ab");
  b.begin();
  EXPECT_TRUE(b.sees({"a b "}));
  EXPECT_TRUE(b.becomes([&] { return b.places->place().state == R"({"last":"a b "})"; }));
  b.end();
  b.begin();  // the state is kept
  b.clock.advance(61s);
  b.send("c");
  EXPECT_TRUE(b.becomes([&] { return b.seen().size() == 3; }));
  EXPECT_TRUE(b.sees({"a b ", "", "c "}));
  const std::lock_guard lock(b.mutex);
  EXPECT_TRUE(b.events[0].at("state").as_object().empty());
  EXPECT_EQ(b.events[1].at("state").at("last"), "a b ");
  EXPECT_TRUE(b.events[1].at("isFinalInvokeForWindow").as_bool());
  EXPECT_TRUE(b.events[2].at("state").as_object().empty());
}

TEST(StreamPoller, TriesAgainAfterAProblemOfTheStream) {
  Bench b;
  b.streams.gone = true;
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.poller->last_result() == "PROBLEM: Stream not found: arn:s"; }));
  {
    const std::lock_guard lock(b.streams.mutex);
    b.streams.gone = false;
  }
  b.send("a");
  EXPECT_TRUE(b.sees({"a "}));
}

}  // namespace
}  // namespace lambari::sources
