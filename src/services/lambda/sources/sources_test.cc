#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <mutex>

#include "async/gate.h"
#include "services/lambda/sources/poller.h"
#include "services/lambda/sources/rules.h"

namespace lambari::sources {
namespace {

using namespace std::chrono_literals;

std::vector<Record> batch_of(std::vector<std::string> ids) {
  std::vector<Record> out;
  for (auto& id : ids) out.push_back({id, "h-" + id, "", "{\"messageId\":\"" + id + "\"}"});
  return out;
}

TEST(ReportedFailures, AsDocumented) {
  using Set = std::set<std::string>;
  const auto batch = batch_of({"a", "b"});
  const struct {
    const char* answer;
    std::optional<Set> expected;
  } table[] = {
      {"", Set{}},
      {"null", Set{}},
      {"{}", Set{}},
      {R"({"batchItemFailures":[]})", Set{}},
      {R"({"batchItemFailures":null})", Set{}},
      {R"({"batchItemFailures":[{"itemIdentifier":"b"}]})", Set{"b"}},
      {R"({"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"a"}],"more":1})", Set{"a", "b"}},
      {R"({"batchItemFailures":[{"itemIdentifier":""}]})", {}},
      {R"({"batchItemFailures":[{"itemIdentifier":null}]})", {}},
      {R"({"batchItemFailures":[{"itemIdentifier":7}]})", {}},
      {R"({"batchItemFailures":[{"badKey":"b"}]})", {}},
      {R"({"batchItemFailures":[{"itemIdentifier":"c"}]})", {}},
      {R"({"batchItemFailures":["b"]})", {}},
      {R"({"batchItemFailures":{"itemIdentifier":"b"}})", {}},
      {R"("fine")", {}},
      {"{", {}},
  };
  for (const auto& row : table) EXPECT_EQ(reported_failures(row.answer, batch), row.expected) << row.answer;
}

TEST(Filters, MatchMessagesByBodyAndAttributes) {
  const struct {
    const char *pattern, *record;
    bool passes;
  } table[] = {
      {R"({"body":{"city":["Natal"]}})", R"({"body":"{\"city\":\"Natal\"}"})", true},
      {R"({"body":{"city":["Natal"]}})", R"({"body":"{\"city\":\"Recife\"}"})", false},
      {R"({"body":{"city":["Natal"]}})", R"({"body":"Natal"})", false},
      {R"({"body":["Natal"]})", R"({"body":"Natal"})", true},
      {R"({"body":["Natal"]})", R"({"body":"{\"city\":\"Natal\"}"})", false},
      {R"({"body":{"n":[{"numeric":[">",5]}]}})", R"({"body":"{\"n\":6}"})", true},
      {R"({"messageAttributes":{"k":{"stringValue":["v"]}}})",
       R"({"body":"x","messageAttributes":{"k":{"stringValue":"v","dataType":"String"}}})", true},
      {R"({"attributes":{"MessageGroupId":[{"prefix":"a"}]}})", R"({"body":"x","attributes":{"MessageGroupId":"b"}})", false},
  };
  for (const auto& row : table)
    EXPECT_EQ(Filter({row.pattern}).passes(message_for_filter(row.record)), row.passes) << row.pattern << " " << row.record;
  EXPECT_TRUE(Filter().passes(message_for_filter("{}")));
  EXPECT_TRUE(Filter({R"({"body":["a"]})", R"({"body":["b"]})"}).passes(message_for_filter(R"({"body":"b"})")));
  EXPECT_THROW(Filter({"{"}), lang::EventPatternError);
}

TEST(Scaling, GrowsWhileBusyAndShrinksWhenThrottled) {
  const auto start = std::chrono::steady_clock::now();
  Scale scale(18);
  EXPECT_EQ(scale.allowed(), 5u);
  scale.busy(4, start + 1s);
  EXPECT_EQ(scale.allowed(), 5u);
  scale.busy(5, start + 1s);
  EXPECT_EQ(scale.allowed(), 10u);
  scale.busy(10, start + 1'500ms);
  EXPECT_EQ(scale.allowed(), 10u) << "once a second";
  scale.busy(10, start + 2s);
  scale.busy(15, start + 3s);
  EXPECT_EQ(scale.allowed(), 18u);
  scale.throttled(start + 3s);
  EXPECT_EQ(scale.allowed(), 9u);
  for (int i = 0; i < 10; ++i) scale.throttled(start + 3s);
  EXPECT_EQ(scale.allowed(), 1u);
  scale.idle();
  EXPECT_EQ(scale.allowed(), 5u);
  EXPECT_EQ(Scale(2).allowed(), 2u);
}

// A source in memory: what is given back shows again when the test says so.
class FakeSource final : public Source {
 public:
  async::Task<std::vector<Record>> receive(std::size_t count, std::chrono::milliseconds wait) override {
    ++receives;
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
      const auto ticket = arrived.ticket();
      std::vector<Record> out;
      {
        const std::lock_guard lock(mutex);
        if (broken) throw std::runtime_error("the source is gone");
        while (!waiting.empty() && out.size() < count) {
          out.push_back(std::move(waiting.front()));
          waiting.pop_front();
        }
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (!out.empty() || left <= 0ms) co_return out;
      co_await arrived.wait(ticket, left);
    }
  }
  async::Task<> settle(std::vector<Record> done) override {
    const std::lock_guard lock(mutex);
    if (deaf-- > 0) throw std::runtime_error("not now");
    for (auto& record : done) settled.push_back(record.id);
    co_return;
  }
  async::Task<> give_back(std::vector<Record> failed) override {
    const std::lock_guard lock(mutex);
    for (auto& record : failed) returned.push_back(record.id);
    co_return;
  }
  std::chrono::milliseconds patience() const override { return patience_; }
  base::json::value for_filter(const Record& record) const override { return message_for_filter(record.json); }
  std::string event(const std::vector<Record>& records) const override {
    std::string out;
    for (const auto& record : records) out += record.id + (record.json.size() > 1'000 ? "+ " : " ");
    return out;
  }

  void send(std::vector<Record> records) {
    {
      const std::lock_guard lock(mutex);
      for (auto& record : records) waiting.push_back(std::move(record));
    }
    arrived.notify_all();
  }
  std::size_t settled_count() {
    const std::lock_guard lock(mutex);
    return settled.size();
  }
  std::size_t returned_count() {
    const std::lock_guard lock(mutex);
    return returned.size();
  }

  std::mutex mutex;
  async::Event arrived;
  std::deque<Record> waiting;
  std::vector<std::string> settled, returned;
  std::chrono::milliseconds patience_{5'000};
  std::atomic<int> receives{0};
  int deaf = 0;
  bool broken = false;
};

struct Bench {
  ~Bench() {
    poller.reset();
    loops.stop();
  }
  void begin(Settings settings = {}) {
    poller = std::make_unique<Poller>(loops, clock, source, std::move(settings),
                                      Function{[this](std::string event, std::vector<std::string> traces) {
                                                 {
                                                   const std::lock_guard lock(mutex);
                                                   traces_seen = std::move(traces);
                                                 }
                                                 return invoke(this, std::move(event));
                                               },
                                               [](const std::string& trace) { return trace == "loop"; },
                                               [this] { return blocked ? std::string("The function is gone.") : std::string(); }},
                                      counters);
  }
  static async::Task<Answer> invoke(Bench* bench, std::string event) {
    const auto now = ++bench->inside;
    bench->most = std::max<int>(bench->most, now);
    if (bench->takes > 0ms) co_await async::sleep_for(bench->takes);
    --bench->inside;
    const std::lock_guard lock(bench->mutex);
    bench->events.push_back(event);
    co_return bench->answer(event);
  }
  bool becomes(std::function<bool()> condition) {
    for (int i = 0; i < 4'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  std::size_t invocations() {
    const std::lock_guard lock(mutex);
    return events.size();
  }

  base::Clock clock;
  std::shared_ptr<FakeSource> source = std::make_shared<FakeSource>();
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
  std::mutex mutex;
  std::vector<std::string> events;
  std::vector<std::string> traces_seen;  // of the last invocation
  std::function<Answer(const std::string&)> answer = [](const std::string&) { return Answer{}; };
  std::chrono::milliseconds takes{0};
  std::atomic<int> inside{0}, most{0};
  std::atomic<bool> blocked{false};
  async::Loops loops{2, 1};
  std::unique_ptr<Poller> poller;
};

TEST(Poller, InvokesWithBatchesAndSettles) {
  Bench b;
  b.source->send(batch_of({"1", "2", "3", "4", "5"}));
  Settings settings;
  settings.batch_size = 2;
  b.begin(std::move(settings));
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 5; }));
  EXPECT_EQ(b.invocations(), 3u);
  b.source->send(batch_of({"6"}));
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 6; }));
  EXPECT_EQ(b.poller->last_result(), "OK");
  EXPECT_EQ(b.counters->polled, 6u);
  EXPECT_EQ(b.counters->deleted, 6u);
  const auto before = b.source->receives.load();
  std::this_thread::sleep_for(300ms);
  EXPECT_LE(b.source->receives - before, 1) << "an idle source is not asked again and again";
}

TEST(Poller, FailedRecordsComeBack) {
  Bench b;
  Settings settings;
  settings.report_failures = true;
  b.answer = [](const std::string&) {
    return Answer{Answer::Kind::success, R"({"batchItemFailures":[{"itemIdentifier":"2"}]})", ""};
  };
  b.source->send(batch_of({"1", "2", "3"}));
  b.begin(settings);
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 2 && b.source->returned_count() == 1; }));
  b.source->send(batch_of({"4", "5"}));  // the answer names a record that is not among them
  EXPECT_TRUE(b.becomes([&] { return b.source->returned_count() == 3; }));
  EXPECT_EQ(b.source->settled_count(), 2u);
  b.answer = [](const std::string&) { return Answer{Answer::Kind::function_error, "{}", "Function call failed"}; };
  b.source->send(batch_of({"6"}));
  EXPECT_TRUE(b.becomes([&] { return b.source->returned_count() == 4; }));
  EXPECT_EQ(b.poller->last_result(), "PROBLEM: Function call failed");
  EXPECT_EQ(b.counters->failed, 4u);
}

TEST(Poller, FiltersAndSettlesWhatDoesNotPass) {
  Bench b;
  Settings settings;
  settings.filter = Filter({R"({"messageId":["1","3"]})"});
  b.source->send(batch_of({"1", "2", "3", "4"}));
  b.begin(settings);
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 4; }));
  EXPECT_EQ(b.events.at(0), "1 3 ");
  EXPECT_EQ(b.counters->filtered, 2u);
}

TEST(Poller, StopsLoopsAndWhatComesAfterThemInTheirGroup) {
  Bench b;
  auto records = batch_of({"1", "2", "3", "4", "5"});
  records[1].trace_header = "loop";
  records[1].group = records[3].group = "a";
  records[0].trace_header = "one";
  records[4].group = "b";
  b.source->send(records);
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 3 && b.source->returned_count() == 2; }));
  EXPECT_EQ(b.events.at(0), "1 3 5 ");
  EXPECT_EQ(b.traces_seen, std::vector<std::string>{"one"});
  EXPECT_EQ(b.counters->failed, 2u);
}

TEST(Poller, GathersForTheWindowOfTheMovableClock) {
  Bench b;
  Settings settings;
  settings.batch_size = 100;
  settings.window = 300s;
  b.begin(settings);
  b.source->send(batch_of({"1"}));
  std::this_thread::sleep_for(50ms);
  b.source->send(batch_of({"2"}));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(b.invocations(), 0u);
  b.clock.advance(300s);
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 2; }));
  EXPECT_EQ(b.events.at(0), "1 2 ");
}

TEST(Poller, KeepsAnEventUnderSixMegabytes) {
  Bench b;
  Settings settings;
  settings.batch_size = 100;
  settings.window = 1s;
  std::vector<Record> large = batch_of({"1", "2", "3"});
  for (auto& record : large) record.json = "{\"x\":\"" + std::string(2'500'000, 'x') + "\"}";
  b.source->send(std::move(large));
  b.begin(settings);
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 3; }));
  EXPECT_EQ(b.events.at(0), "1+ 2+ ");
  EXPECT_EQ(b.events.at(1), "3+ ");
}

TEST(Poller, BacksOffWhenThrottledAndLosesNothing) {
  Bench b;
  std::atomic<int> calls{0};
  b.answer = [&](const std::string&) { return ++calls <= 3 ? Answer{Answer::Kind::refused, "", "Rate Exceeded."} : Answer{}; };
  b.source->send(batch_of({"1"}));
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 1; }));
  EXPECT_EQ(calls, 4);
  // For as long as the records are ours; then they come back.
  b.source->patience_ = 200ms;
  b.answer = [&](const std::string&) { return Answer{Answer::Kind::refused, "", "Rate Exceeded."}; };
  b.source->send(batch_of({"2"}));
  EXPECT_TRUE(b.becomes([&] { return b.source->returned_count() == 1; }));
  EXPECT_EQ(b.poller->last_result(), "PROBLEM: Rate Exceeded.");
}

TEST(Poller, ReceivesNothingForAFunctionThatIsGone) {
  Bench b;
  b.blocked = true;
  b.source->send(batch_of({"1"}));
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.poller->last_result() == "PROBLEM: The function is gone."; }));
  EXPECT_EQ(b.source->receives, 0);
  b.blocked = false;
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 1; }));
}

TEST(Poller, OutlivesTroubleOfTheSource) {
  Bench b;
  b.source->broken = true;
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.poller->last_result() == "PROBLEM: the source is gone"; }));
  {
    const std::lock_guard lock(b.source->mutex);
    b.source->broken = false;
    b.source->deaf = 2;
  }
  b.source->send(batch_of({"1"}));
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 1; }));
  EXPECT_EQ(b.invocations(), 1u) << "what became of it is said again, the function is not called again";
}

TEST(Poller, RunsAsManyBatchesAsAllowed) {
  Bench b;
  b.takes = 20ms;
  Settings settings;
  settings.batch_size = 1;
  settings.concurrency = 2;
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(std::to_string(i));
  b.source->send(batch_of(ids));
  b.begin(settings);
  EXPECT_TRUE(b.becomes([&] { return b.source->settled_count() == 20; }));
  EXPECT_EQ(b.most, 2);
}

TEST(Poller, StopsAfterWhatItHasTaken) {
  Bench b;
  b.takes = 100ms;
  b.source->send(batch_of({"1"}));
  b.begin();
  EXPECT_TRUE(b.becomes([&] { return b.inside == 1; }));
  b.loops.run([](Bench& b) -> async::Task<> {
    co_await b.poller->stop();
    while (!b.poller->ended()) co_await async::sleep_for(1ms);
  }(b));
  EXPECT_EQ(b.source->settled_count(), 1u);
  b.source->send(batch_of({"2"}));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(b.invocations(), 1u);
}

}  // namespace
}  // namespace lambari::sources
