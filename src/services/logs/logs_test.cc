#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "async/run.h"
#include "services/logs/service.h"
#include "services/logs/state.h"
#include "store/engines.h"

namespace lambari::logs {
namespace {

using namespace aws::logs;

class LogsTest : public testing::Test {
 protected:
  LogsTest() {
    call_.account = "000000000000";
    call_.region = "us-east-1";
  }
  ~LogsTest() override { clock_.reset(); }

  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops_, std::move(task));
  }
  void run(async::Task<> task) { loops_.run(std::move(task)); }
  template <class Fault, class Run>
  void expect_fault(Run run, const std::string& message) {
    try {
      run();
      ADD_FAILURE() << "no fault; expected: " << message;
    } catch (const Fault& fault) {
      EXPECT_EQ(fault.message(), message);
    }
  }

  const wire::Call& call() {
    call_.time = clock_.now();
    return call_;
  }
  std::int64_t now() const { return clock_.now().ms; }
  void restart() { logs_ = std::make_unique<Logs>(Dependencies{loops_, clock_, *store_}); }

  void create_group(const std::string& name) {
    CreateLogGroupRequest r;
    r.logGroupName = name;
    run(logs_->CreateLogGroup(call(), r));
  }
  void create_stream(const std::string& group, const std::string& stream) {
    run(logs_->CreateLogStream(call(), {group, stream}));
  }
  PutLogEventsResponse put(const std::string& group, const std::string& stream, std::vector<InputLogEvent> events) {
    PutLogEventsRequest r;
    r.logGroupName = group;
    r.logStreamName = stream;
    r.logEvents = std::move(events);
    return run(logs_->PutLogEvents(call(), r));
  }
  GetLogEventsResponse get(const std::string& group, const std::string& stream,
                           std::function<void(GetLogEventsRequest&)> change = {}) {
    GetLogEventsRequest r;
    r.logGroupName = group;
    r.logStreamName = stream;
    if (change) change(r);
    return run(logs_->GetLogEvents(call(), r));
  }
  FilterLogEventsResponse filter(const std::string& group, std::function<void(FilterLogEventsRequest&)> change = {}) {
    FilterLogEventsRequest r;
    r.logGroupName = group;
    if (change) change(r);
    return run(logs_->FilterLogEvents(call(), r));
  }
  template <class Events>
  static std::vector<std::string> messages(const Events& events) {
    std::vector<std::string> out;
    for (const auto& event : *events) out.push_back(*event.message);
    return out;
  }
  using Strings = std::vector<std::string>;

  base::Clock clock_;
  async::Loops loops_{1, 1};
  std::unique_ptr<store::Store> store_ = store::open_memory();
  std::unique_ptr<Logs> logs_ = std::make_unique<Logs>(Dependencies{loops_, clock_, *store_});
  wire::Call call_;
};

TEST_F(LogsTest, GroupsAreMadeOnceAndListed) {
  create_group("/aws/lambda/a");
  create_group("/aws/lambda/b");
  create_group("other");
  expect_fault<ResourceAlreadyExistsException>([&] { create_group("other"); }, "The specified log group already exists");
  DescribeLogGroupsRequest r;
  r.logGroupNamePrefix = "/aws/lambda/";
  r.limit = 1;
  auto page = run(logs_->DescribeLogGroups(call(), r));
  ASSERT_EQ(page.logGroups->size(), 1u);
  const auto& group = page.logGroups->front();
  EXPECT_EQ(group.logGroupName, "/aws/lambda/a");
  EXPECT_EQ(group.arn, "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/a:*");
  EXPECT_EQ(group.logGroupArn, "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/a");
  EXPECT_FALSE(group.retentionInDays);
  ASSERT_TRUE(page.nextToken);
  r.nextToken = page.nextToken;
  page = run(logs_->DescribeLogGroups(call(), r));
  ASSERT_EQ(page.logGroups->size(), 1u);
  EXPECT_EQ(page.logGroups->front().logGroupName, "/aws/lambda/b");
  EXPECT_FALSE(page.nextToken);
  DescribeLogGroupsRequest by_pattern;
  by_pattern.logGroupNamePattern = "the";
  EXPECT_EQ(run(logs_->DescribeLogGroups(call(), by_pattern)).logGroups->size(), 1u);
  ListLogGroupsRequest list;
  list.logGroupNamePattern = "^/aws|oth";
  EXPECT_EQ(run(logs_->ListLogGroups(call(), list)).logGroups->size(), 3u);
}

TEST_F(LogsTest, DeletedGroupTakesItsEventsAlong) {
  create_group("g");
  create_stream("g", "s");
  put("g", "s", {{now(), "old"}});
  run(logs_->DeleteLogGroup(call(), {"g"}));
  expect_fault<ResourceNotFoundException>([&] { run(logs_->DeleteLogGroup(call(), {"g"})); },
                                          "The specified log group does not exist.");
  create_group("g");
  create_stream("g", "s");
  EXPECT_TRUE(get("g", "s").events->empty());
}

TEST_F(LogsTest, DeletionProtectionHolds) {
  CreateLogGroupRequest r;
  r.logGroupName = "g";
  r.deletionProtectionEnabled = true;
  run(logs_->CreateLogGroup(call(), r));
  EXPECT_THROW(run(logs_->DeleteLogGroup(call(), {"g"})), ValidationException);
  run(logs_->PutLogGroupDeletionProtection(call(), {"g", false}));
  run(logs_->DeleteLogGroup(call(), {"g"}));
}

TEST_F(LogsTest, WhatIsNotBuiltIsRefused) {
  CreateLogGroupRequest r;
  r.logGroupName = "g";
  r.logGroupClass = "INFREQUENT_ACCESS";
  EXPECT_THROW(run(logs_->CreateLogGroup(call(), r)), InvalidParameterException);
  r.logGroupClass.reset();
  r.kmsKeyId = "arn:aws:kms:us-east-1:000000000000:key/x";
  EXPECT_THROW(run(logs_->CreateLogGroup(call(), r)), InvalidParameterException);
}

TEST_F(LogsTest, PutChecksTheBatch) {
  create_group("g");
  expect_fault<ResourceNotFoundException>([&] { put("x", "s", {{now(), "m"}}); }, "The specified log group does not exist.");
  expect_fault<ResourceNotFoundException>([&] { put("g", "s", {{now(), "m"}}); }, "The specified log stream does not exist.");
  create_stream("g", "s");
  expect_fault<ResourceAlreadyExistsException>([&] { create_stream("g", "s"); }, "The specified log stream already exists");
  EXPECT_THROW(put("g", "s", {{now(), "b"}, {now() - 1, "a"}}), InvalidParameterException);
  EXPECT_THROW(put("g", "s", {{now() - 2 * kDay, "a"}, {now(), "b"}}), InvalidParameterException);
  EXPECT_THROW(put("g", "s", {{now(), std::string(600'000, 'x')}, {now(), std::string(600'000, 'x')}}),
               InvalidParameterException);
  const auto out = put("g", "s", {{now() - 15 * kDay, "too old"}, {now(), "right"}, {now() + 3 * 3'600'000, "too new"}});
  ASSERT_TRUE(out.rejectedLogEventsInfo);
  EXPECT_EQ(out.rejectedLogEventsInfo->tooOldLogEventEndIndex, 1);
  EXPECT_EQ(out.rejectedLogEventsInfo->tooNewLogEventStartIndex, 2);
  EXPECT_EQ(messages(get("g", "s").events), Strings{"right"});
}

TEST_F(LogsTest, PagesGoBothWaysAndEndStable) {
  create_group("g");
  create_stream("g", "s");
  const auto t = now();
  std::vector<InputLogEvent> events;
  for (int i = 0; i < 10; ++i) events.push_back({t + i / 2, fmt::format("e{}", i)});
  put("g", "s", events);

  auto page = get("g", "s", [](auto& r) { r.limit = 4; });
  EXPECT_EQ(messages(page.events), (Strings{"e6", "e7", "e8", "e9"}));
  const auto end = *page.nextForwardToken;
  page = get("g", "s", [&](auto& r) { r.limit = 4, r.nextToken = page.nextBackwardToken; });
  EXPECT_EQ(messages(page.events), (Strings{"e2", "e3", "e4", "e5"}));
  page = get("g", "s", [&](auto& r) { r.limit = 4, r.nextToken = page.nextBackwardToken; });
  EXPECT_EQ(messages(page.events), (Strings{"e0", "e1"}));
  const auto begin = *page.nextBackwardToken;
  page = get("g", "s", [&](auto& r) { r.nextToken = begin; });
  EXPECT_TRUE(page.events->empty());
  EXPECT_EQ(page.nextBackwardToken, begin);

  page = get("g", "s", [&](auto& r) { r.nextToken = end; });
  EXPECT_TRUE(page.events->empty());
  EXPECT_EQ(page.nextForwardToken, end);
  put("g", "s", {{t + 4, "late"}});
  page = get("g", "s", [&](auto& r) { r.nextToken = end; });
  EXPECT_EQ(messages(page.events), Strings{"late"});

  Strings all;
  std::optional<std::string> token;
  while (true) {
    page = get("g", "s", [&](auto& r) { r.limit = 3, r.startFromHead = true, r.nextToken = token; });
    for (const auto& message : messages(page.events)) all.push_back(message);
    if (page.nextForwardToken == token) break;
    token = page.nextForwardToken;
  }
  EXPECT_EQ(all.size(), 11u);
  EXPECT_EQ(all.front(), "e0");
  page = get("g", "s", [&](auto& r) { r.startTime = t + 1, r.endTime = t + 2; });
  EXPECT_EQ(messages(page.events), (Strings{"e2", "e3"}));
  EXPECT_THROW(get("g", "s", [](auto& r) { r.nextToken = "f/1"; }), InvalidParameterException);
}

TEST_F(LogsTest, LastPageOfALongStreamIsReadAlone) {
  create_group("g");
  create_stream("g", "s");
  const auto t = now();
  for (int batch = 0; batch < 10; ++batch) {
    std::vector<InputLogEvent> events;
    for (int i = 0; i < 5000; ++i) events.push_back({t + batch * 5 + i / 1000, "x"});
    put("g", "s", events);
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(get("g", "s", [](auto& r) { r.limit = 10; }).events->size(), 10u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
  EXPECT_EQ(get("g", "s").events->size(), 10'000u);
}

TEST_F(LogsTest, FilterMergesStreamsAndPages) {
  create_group("g");
  const auto t = now();
  for (const auto* stream : {"a", "b", "c"}) create_stream("g", stream);
  put("g", "a", {{t, "a0 ERROR"}, {t + 30, "a30"}});
  put("g", "b", {{t + 10, "b10 ERROR"}, {t + 40, "b40"}});
  put("g", "c", {{t + 20, "c20"}, {t + 50, "c50 ERROR"}});
  EXPECT_EQ(messages(filter("g").events), (Strings{"a0 ERROR", "b10 ERROR", "c20", "a30", "b40", "c50 ERROR"}));
  EXPECT_EQ(messages(filter("g", [](auto& r) { r.filterPattern = "ERROR"; }).events),
            (Strings{"a0 ERROR", "b10 ERROR", "c50 ERROR"}));
  EXPECT_EQ(messages(filter("g", [](auto& r) { r.logStreamNamePrefix = "b"; }).events), (Strings{"b10 ERROR", "b40"}));
  EXPECT_EQ(messages(filter("g", [](auto& r) { r.logStreamNames = Strings{"a", "c"}; }).events),
            (Strings{"a0 ERROR", "c20", "a30", "c50 ERROR"}));
  EXPECT_EQ(messages(filter("g", [&](auto& r) { r.startTime = t + 20, r.endTime = t + 40; }).events),
            (Strings{"c20", "a30", "b40"}));
  EXPECT_EQ(messages(filter("g", [&](auto& r) { r.startTime = t, r.startFromHead = false; }).events),
            (Strings{"c50 ERROR", "b40", "a30", "c20", "b10 ERROR", "a0 ERROR"}));

  for (const bool head : {true, false}) {
    Strings all;
    std::optional<std::string> token;
    do {
      const auto page = filter("g", [&](auto& r) { r.limit = 2, r.startFromHead = head, r.nextToken = token; });
      EXPECT_LE(page.events->size(), 2u);
      for (const auto& message : messages(page.events)) all.push_back(message);
      token = page.nextToken;
    } while (token);
    EXPECT_EQ(all.size(), 6u);
    EXPECT_EQ(all.front(), head ? "a0 ERROR" : "c50 ERROR");
  }
  EXPECT_THROW(filter("g", [](auto& r) { r.filterPattern = "{ $.a"; }), InvalidParameterException);
  EXPECT_THROW(filter("g", [](auto& r) { r.nextToken = "x"; }), InvalidParameterException);
  expect_fault<ResourceNotFoundException>([&] { filter("h"); }, "The specified log group does not exist.");
}

TEST_F(LogsTest, FilterPagesWithManyEventsOfOneMoment) {
  create_group("g");
  const auto t = now();
  for (const auto* stream : {"a", "b"}) {
    create_stream("g", stream);
    std::vector<InputLogEvent> events;
    for (int i = 0; i < 300; ++i) events.push_back({t, fmt::format("{}{}", stream, i)});
    put("g", stream, events);
  }
  std::set<std::string> all;
  std::optional<std::string> token;
  do {
    const auto page = filter("g", [&](auto& r) { r.limit = 7, r.nextToken = token; });
    for (const auto& message : messages(page.events)) EXPECT_TRUE(all.insert(message).second);
    token = page.nextToken;
  } while (token);
  EXPECT_EQ(all.size(), 600u);
}

TEST_F(LogsTest, StreamsAreOrderedByNameOrLastEvent) {
  create_group("g");
  for (const auto* stream : {"c", "a", "b"}) create_stream("g", stream);
  put("g", "a", {{now() - 1000, "x"}});
  put("g", "c", {{now(), "x"}});
  auto names = [&](std::function<void(DescribeLogStreamsRequest&)> change) {
    DescribeLogStreamsRequest r;
    r.logGroupName = "g";
    change(r);
    Strings out;
    for (const auto& stream : *run(logs_->DescribeLogStreams(call(), r)).logStreams) out.push_back(*stream.logStreamName);
    return out;
  };
  EXPECT_EQ(names([](auto&) {}), (Strings{"a", "b", "c"}));
  EXPECT_EQ(names([](auto& r) { r.descending = true; }), (Strings{"c", "b", "a"}));
  EXPECT_EQ(names([](auto& r) { r.orderBy = "LastEventTime", r.descending = true; }), (Strings{"c", "a", "b"}));
  EXPECT_EQ(names([](auto& r) { r.logStreamNamePrefix = "b"; }), (Strings{"b"}));
  DescribeLogStreamsRequest r;
  r.logGroupName = "g";
  r.limit = 2;
  auto page = run(logs_->DescribeLogStreams(call(), r));
  ASSERT_TRUE(page.nextToken);
  EXPECT_TRUE(page.logStreams->front().firstEventTimestamp);
  r.nextToken = page.nextToken;
  page = run(logs_->DescribeLogStreams(call(), r));
  ASSERT_EQ(page.logStreams->size(), 1u);
  EXPECT_EQ(page.logStreams->front().arn, "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:c");
  EXPECT_FALSE(page.nextToken);
}

TEST_F(LogsTest, RetentionHidesAtOnceAndSweeps) {
  create_group("g");
  create_stream("g", "s");
  put("g", "s", {{now() - 10 * kDay, "old"}});
  put("g", "s", {{now(), "new"}});
  EXPECT_THROW(run(logs_->PutRetentionPolicy(call(), {"g", 2})), InvalidParameterException);
  run(logs_->PutRetentionPolicy(call(), {"g", 7}));
  EXPECT_EQ(messages(get("g", "s").events), Strings{"new"});
  EXPECT_EQ(messages(filter("g").events), Strings{"new"});
  const auto out = put("g", "s", {{now() - 9 * kDay, "expired"}, {now(), "fresh"}});
  EXPECT_EQ(out.rejectedLogEventsInfo->expiredLogEventEndIndex, 1);

  clock_.advance(std::chrono::hours(24 * 8));
  EXPECT_TRUE(get("g", "s").events->empty());
  run(sweep(std::make_shared<State>(loops_, clock_, *store_)));
  auto groups = run(logs_->DescribeLogGroups(call(), {}));
  EXPECT_EQ(groups.logGroups->front().storedBytes, 0);
  EXPECT_EQ(groups.logGroups->front().retentionInDays, 7);
  run(logs_->DeleteRetentionPolicy(call(), {"g"}));
  EXPECT_TRUE(get("g", "s").events->empty());
}

TEST_F(LogsTest, SinkMakesGroupAndStreamAndKeepsOrder) {
  const auto t = now();
  for (int i = 0; i < 100; ++i) logs_->write("000000000000", "us-east-1", "/aws/lambda/f", "s", {{{t}, fmt::format("{}", i)}});
  const auto events = get("/aws/lambda/f", "s").events;
  ASSERT_EQ(events->size(), 100u);
  EXPECT_EQ(events->at(0).message, "0");
  EXPECT_EQ(events->at(99).message, "99");
  EXPECT_EQ(run(logs_->DescribeLogGroups(call(), {})).logGroups->front().storedBytes, 190 + 26 * 100);
  EXPECT_EQ(store_->counters().commits, 1u);
}

TEST_F(LogsTest, FlusherCommitsByItself) {
  run(logs_->start());
  logs_->write("000000000000", "us-east-1", "g", "s", {{{now()}, "m"}});
  for (int i = 0; i < 100 && store_->counters().commits == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(store_->counters().commits, 1u);
  logs_->write("000000000000", "us-east-1", "g", "s", {{{now()}, "last"}});
  run(logs_->stop());
  EXPECT_EQ(store_->counters().commits, 2u);
}

TEST_F(LogsTest, FullBufferDropsAndCounts) {
  std::vector<contracts::LogEvent> events(40, {{now()}, std::string(500'000, 'x')});
  logs_->write("000000000000", "us-east-1", "g", "s", events);
  EXPECT_GT(logs_->dropped(), 0u);
  run(logs_->flush());
  logs_->write("000000000000", "us-east-1", "g", "t", {{{now()}, "m"}});
  EXPECT_EQ(get("g", "t").events->size(), 1u);
}

TEST_F(LogsTest, SurvivesRestart) {
  create_group("g");
  create_stream("g", "s");
  put("g", "s", {{now(), "1"}});
  logs_->write("000000000000", "us-east-1", "g", "s", {{{now()}, "2"}});
  run(logs_->flush());
  restart();
  put("g", "s", {{now(), "3"}});
  EXPECT_EQ(messages(get("g", "s").events), (Strings{"1", "2", "3"}));
}

TEST_F(LogsTest, TagsByBothApis) {
  create_group("g");
  const std::string arn = "arn:aws:logs:us-east-1:000000000000:log-group:g";
  run(logs_->TagResource(call(), {arn, {{"a", "1"}}}));
  run(logs_->TagLogGroup(call(), {"g", {{"b", "2"}}}));
  EXPECT_EQ(run(logs_->ListTagsForResource(call(), {arn + ":*"})).tags->size(), 2u);
  run(logs_->UntagResource(call(), {arn, {"a"}}));
  EXPECT_EQ(run(logs_->ListTagsLogGroup(call(), {"g"})).tags, (std::map<std::string, std::string>{{"b", "2"}}));
  std::map<std::string, std::string> many;
  for (int i = 0; i < 51; ++i) many[fmt::format("k{}", i)] = "v";
  EXPECT_THROW(run(logs_->TagResource(call(), {arn, many})), TooManyTagsException);
  EXPECT_THROW(run(logs_->TagResource(call(), {arn, {{"aws:x", ""}}})), InvalidParameterException);
}

TEST_F(LogsTest, AsksForTheRightResource) {
  auto ask = [&](std::string_view name, const void* request) {
    for (const auto& operation : logs_->model().operations) {
      if (operation.name == name) return run(logs_->access(call(), operation, request));
    }
    throw std::runtime_error("no such operation");
  };
  CreateLogGroupRequest create;
  create.logGroupName = "/aws/lambda/f";
  auto access = ask("CreateLogGroup", &create);
  EXPECT_EQ(access.action, "logs:CreateLogGroup");
  EXPECT_EQ(access.resources, Strings{"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:log-stream:"});
  PutLogEventsRequest put;
  put.logGroupName = "g";
  put.logStreamName = "s";
  EXPECT_EQ(ask("PutLogEvents", &put).resources, Strings{"arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s"});
  DescribeLogGroupsRequest describe;
  EXPECT_EQ(ask("DescribeLogGroups", &describe).resources, Strings{"arn:aws:logs:us-east-1:000000000000:log-group::log-stream:"});
}

TEST_F(LogsTest, NukeForgetsEverything) {
  create_group("g");
  create_stream("g", "s");
  put("g", "s", {{now(), "1"}});
  logs_->write("000000000000", "us-east-1", "h", "s", {{{now()}, "2"}});
  run(logs_->nuke());
  EXPECT_TRUE(run(logs_->DescribeLogGroups(call(), {})).logGroups->empty());
  EXPECT_TRUE(store_->read()->scan({}, 10).empty());
}

}  // namespace
}  // namespace lambari::logs
