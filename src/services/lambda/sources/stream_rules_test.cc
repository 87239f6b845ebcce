#include "services/lambda/sources/stream_rules.h"

#include <gtest/gtest.h>

namespace lambari::sources {
namespace {

using Kind = Answer::Kind;
using Rest = Judgement::Rest;
using Failed = std::optional<std::set<std::string>>;
using namespace std::chrono_literals;

std::vector<StreamRecord> records(std::size_t count, std::int64_t first_ms = 0, std::int64_t apart_ms = 1'000) {
  std::vector<StreamRecord> out;
  for (std::size_t n = 0; n < count; ++n) {
    const auto name = std::to_string(n);
    out.push_back({name, "c" + name, {first_ms + static_cast<std::int64_t>(n) * apart_ms}, "{\"n\":" + name + "}"});
  }
  return out;
}

TEST(StreamRules, WhatBecomesOfAPiece) {
  const Failed none = std::set<std::string>(), third = std::set<std::string>{"4", "2"}, first = std::set<std::string>{"0", "1"};
  const struct {
    const char* what;
    bool bisect;
    std::optional<unsigned> max_retries;
    unsigned retries;
    std::size_t count;
    Kind kind;
    Failed failed;
    Judgement expected;
  } table[] = {
      {"success", false, 0, 0, 5, Kind::success, none, {5, Rest::none}},
      {"throttled: whatever the limits", true, 0, 9, 5, Kind::refused, none, {0, Rest::again}},
      {"an error, for ever", false, {}, 1'000, 5, Kind::function_error, none, {0, Rest::again}},
      {"an error, no retries", false, 0, 0, 5, Kind::function_error, none, {0, Rest::discard}},
      {"an error, the last retry to come", false, 2, 1, 5, Kind::function_error, none, {0, Rest::again}},
      {"an error, no retry left", false, 2, 2, 5, Kind::function_error, none, {0, Rest::discard}},
      {"halves count as no retry", true, 0, 0, 5, Kind::function_error, none, {0, Rest::halves}},
      {"one record has no halves", true, 0, 0, 1, Kind::function_error, none, {0, Rest::discard}},
      {"an answer that is not understood", false, 0, 0, 5, Kind::success, {}, {0, Rest::discard}},
      {"the lowest failed record", false, 1, 0, 5, Kind::success, third, {2, Rest::again}},
      {"the lowest failed record, no retry left", false, 1, 1, 5, Kind::success, third, {2, Rest::discard}},
      {"split at the lowest failed record", true, 0, 0, 5, Kind::success, third, {2, Rest::at_once}},
      {"the first one failed", false, {}, 0, 5, Kind::success, first, {0, Rest::again}},
      {"the first one failed, split", true, 0, 0, 5, Kind::success, first, {0, Rest::halves}},
      {"the last invocation of a window", true, 1, 0, 0, Kind::function_error, none, {0, Rest::again}},
      {"the last invocation of a window, no retry left", true, 0, 0, 0, Kind::function_error, none, {0, Rest::discard}},
  };
  for (const auto& row : table) {
    StreamSettings settings;
    settings.bisect = row.bisect;
    settings.max_retries = row.max_retries;
    EXPECT_EQ(judge(settings, Piece{records(row.count), 1, row.retries}, row.kind, row.failed), row.expected) << row.what;
  }
}

TEST(StreamRules, OldRecordsComeFirst) {
  StreamSettings settings;
  const auto some = records(5, 10'000);
  EXPECT_EQ(too_old(settings, 24h, some, {24 * 3'600'000 + 10'000}), 0u);
  EXPECT_EQ(too_old(settings, 24h, some, {24 * 3'600'000 + 10'001}), 1u) << "the stream's own limit";
  settings.max_age = 60s;
  EXPECT_EQ(too_old(settings, 24h, some, {70'000}), 0u);
  EXPECT_EQ(too_old(settings, 24h, some, {72'500}), 3u);
  EXPECT_EQ(too_old(settings, 24h, some, {1'000'000}), 5u);
  settings.max_age = 48h;
  EXPECT_EQ(too_old(settings, 24h, some, {24 * 3'600'000 + 10'001}), 1u);
}

TEST(StreamRules, TellsWhatIsGivenUp) {
  StreamSettings settings;
  settings.stream = "arn:s";
  settings.function_arn = "arn:f";
  Answer answer;
  answer.executed_version = "$LATEST";
  answer.function_error = "Unhandled";
  const auto text = discard_document(settings, "shard", records(2, 1'573'689'847'184), GivenUp::retries_exhausted, 3, &answer,
                                     "id", {1'573'690'429'717});
  EXPECT_EQ(base::parse_json(text), base::parse_json(R"({
      "requestContext":{"requestId":"id","functionArn":"arn:f","condition":"RetryAttemptsExhausted","approximateInvokeCount":3},
      "responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},
      "version":"1.0","timestamp":"2019-11-14T00:13:49.717Z",
      "DDBStreamBatchInfo":{"shardId":"shard","startSequenceNumber":"0","endSequenceNumber":"1",
        "approximateArrivalOfFirstRecord":"2019-11-14T00:04:07Z","approximateArrivalOfLastRecord":"2019-11-14T00:04:08Z",
        "batchSize":2,"streamArn":"arn:s"}})"));
  const auto old = discard_document(settings, "shard", records(1), GivenUp::age_exceeded, 0, nullptr, "id", {0});
  EXPECT_NE(old.find(R"("condition":"RecordAgeExceeded")"), std::string::npos);
  EXPECT_EQ(old.find("responseContext"), std::string::npos);
}

TEST(StreamRules, EventsAndWindows) {
  StreamSettings settings;
  settings.stream = "arn:s";
  EXPECT_EQ(stream_event(settings, "shard", records(2), nullptr), R"({"Records":[{"n":0},{"n":1}]})");
  settings.tumbling = 120s;
  EXPECT_EQ(window_start(settings, {1'596'128'459'999}), 1'596'128'400'000);
  const WindowOfEvent window{1'596'128'400'000, R"({"a":1})", true, false};
  EXPECT_EQ(stream_event(settings, "shard", {}, &window),
            R"({"Records":[],"window":{"start":"2020-07-30T17:00:00Z","end":"2020-07-30T17:02:00Z"},"state":{"a":1},)"
            R"("shardId":"shard","eventSourceARN":"arn:s","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false})");
  EXPECT_EQ(state_in(R"({"state":{"a":[1,"x"]},"batchItemFailures":[]})"), R"({"a":[1,"x"]})");
  EXPECT_EQ(state_in(R"({"state":null})"), "null");
  for (const auto* answer : {"", "null", "{}", "[1]", R"("state")", "{"}) EXPECT_EQ(state_in(answer), std::nullopt) << answer;
}

}  // namespace
}  // namespace lambari::sources
