#include "services/lambda/async_rules.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace lambari::lambda {
namespace {

using Kind = Attempt::Kind;

constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

TEST(AsyncRules, EndsOrTriesAgain) {
  const struct {
    const char* what;
    std::optional<int> max_age_s, max_retries;
    unsigned invoked, refused;
    Kind kind;
    std::int64_t age_ms;
    std::optional<Condition> end;
    std::int64_t wait_ms;
  } table[] = {
      {"success", {}, {}, 1, 0, Kind::success, 0, Condition::success, 0},
      {"first error", {}, {}, 1, 0, Kind::function_error, 0, {}, kMinute},
      {"second error", {}, {}, 2, 0, Kind::function_error, kMinute, {}, 2 * kMinute},
      {"third error", {}, {}, 3, 0, Kind::function_error, 3 * kMinute, Condition::retries_exhausted, 0},
      {"no retries", {}, 0, 1, 0, Kind::function_error, 0, Condition::retries_exhausted, 0},
      {"one retry", {}, 1, 1, 0, Kind::function_error, 0, {}, kMinute},
      {"one retry, used", {}, 1, 2, 0, Kind::function_error, kMinute, Condition::retries_exhausted, 0},
      {"the retry would come too late", 60, {}, 1, 0, Kind::function_error, 1, Condition::event_age_exceeded, 0},
      {"the retry comes just in time", 60, {}, 1, 0, Kind::function_error, 0, {}, kMinute},
      {"a loop", {}, 0, 0, 1, Kind::recursive, 0, Condition::retries_exhausted, 0},
      {"gone", {}, 0, 1, 0, Kind::not_found, 0, Condition::retries_exhausted, 0},
      {"throttled", {}, 0, 0, 1, Kind::refused, 0, {}, kSecond},
      {"throttled again", {}, 0, 0, 4, Kind::refused, 0, {}, 8 * kSecond},
      {"throttled for long", {}, 0, 0, 40, Kind::refused, kHour, {}, 5 * kMinute},
      {"throttled for six hours", {}, 0, 0, 40, Kind::refused, 6 * kHour, Condition::event_age_exceeded, 0},
      {"turned off", {}, {}, 0, 0, Kind::zero_reserved, 0, Condition::zero_reserved, 0},
  };
  const base::Timestamp added{1'700'000'000'000};
  for (const auto& row : table) {
    EventInvokeConfig config;
    config.max_age_s = row.max_age_s;
    config.max_retries = row.max_retries;
    const base::Timestamp now{added.ms + row.age_ms};
    const auto step = next_step(config, {row.invoked, row.refused, 0, "", ""}, row.kind, added, now, 0.0);
    EXPECT_EQ(step.end, row.end) << row.what;
    if (!row.end) {
      EXPECT_EQ(step.at.ms - now.ms, row.wait_ms) << row.what;
    }
  }
  EventInvokeConfig config;
  EXPECT_FALSE(too_old(config, added, {added.ms + 6 * kHour}));
  EXPECT_TRUE(too_old(config, added, {added.ms + 6 * kHour + 1}));
  config.max_age_s = 60;
  EXPECT_TRUE(too_old(config, added, {added.ms + kMinute + 1}));
}

TEST(AsyncRules, CountsAttempts) {
  Progress progress;
  count(progress, {Kind::refused, 429, "", "", "", "Rate Exceeded."});
  count(progress, {Kind::refused, 429, "", "", "", "Rate Exceeded."});
  EXPECT_EQ(progress, (Progress{0, 2, 429, "", ""}));
  count(progress, {Kind::function_error, 200, "$LATEST", "Unhandled", "{}", ""});
  EXPECT_EQ(progress, (Progress{1, 0, 200, "$LATEST", "Unhandled"}));
  count(progress, {Kind::zero_reserved, 200, "", "", "", ""});
  EXPECT_EQ(progress.invoked, 1u);
}

Event event() { return {{"000000000000", "us-east-1", "f"}, "", "id-1", "", "", R"({"big":12345678901234567890})"}; }

TEST(AsyncRules, RecordsAsDocumented) {
  const Attempt failed{Kind::function_error, 200, "$LATEST", "Unhandled", R"({"errorMessage":"boom"})", ""};
  EXPECT_EQ(
      invocation_record(event(), Condition::retries_exhausted, {3, 0, 200, "$LATEST", "Unhandled"}, &failed, {1'573'755'365'568}),
      R"({"version":"1.0","timestamp":"2019-11-14T18:16:05.568Z","requestContext":{"requestId":"id-1",)"
      R"("functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","condition":"RetriesExhausted",)"
      R"("approximateInvokeCount":3},"requestPayload":{"big":12345678901234567890},"responseContext":{"statusCode":200,)"
      R"("executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"boom"}})");
  auto aliased = event();
  aliased.qualifier = "live";
  const Attempt well{Kind::success, 200, "3", "", "not json", ""};
  const auto record = base::parse_json(invocation_record(aliased, Condition::success, {1, 0, 200, "3", ""}, &well, {0}));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->at("requestContext").at("condition"), "Success");
  EXPECT_EQ(record->at("requestContext").at("functionArn"), "arn:aws:lambda:us-east-1:000000000000:function:f:live");
  EXPECT_EQ(record->at("responsePayload"), "not json");
  EXPECT_FALSE(record->at("responseContext").as_object().contains("functionError"));
  const auto bare = base::parse_json(invocation_record(event(), Condition::zero_reserved, {}, nullptr, {0}));
  EXPECT_FALSE(bare->as_object().contains("responseContext"));
  EXPECT_FALSE(bare->as_object().contains("responsePayload"));
  EXPECT_EQ(bare->at("requestContext").at("approximateInvokeCount"), 0);
}

TEST(AsyncRules, DeadLettersSayWhatFailed) {
  const Attempt failed{Kind::function_error, 200, "$LATEST", "Unhandled", R"({"errorMessage":"boom","errorType":"E"})", ""};
  auto attributes = letter_attributes(event(), Condition::retries_exhausted, {3, 0, 200, "", ""}, &failed);
  EXPECT_EQ(attributes.at("RequestID").value, "id-1");
  EXPECT_EQ(attributes.at("ErrorCode").data_type, "Number");
  EXPECT_EQ(attributes.at("ErrorCode").value, "200");
  EXPECT_EQ(attributes.at("ErrorMessage").value, "boom");
  attributes = letter_attributes(event(), Condition::event_age_exceeded, {0, 9, 429, "", ""}, nullptr);
  EXPECT_EQ(attributes.at("ErrorCode").value, "429");
  EXPECT_EQ(attributes.at("ErrorMessage").value, "Rate Exceeded.");
  attributes = letter_attributes(event(), Condition::zero_reserved, {}, nullptr);
  EXPECT_FALSE(attributes.contains("ErrorCode"));
  std::string message;
  for (int i = 0; i < 700; ++i) message += "é";
  const Attempt long_one{Kind::refused, 500, "", "", "", message};
  attributes = letter_attributes(event(), Condition::event_age_exceeded, {0, 1, 500, "", ""}, &long_one);
  EXPECT_EQ(attributes.at("ErrorMessage").value.size(), 1'024u);
}

TEST(AsyncRules, KnowWhereRecordsMayGo) {
  EXPECT_EQ(destination_call("arn:aws:sqs:us-east-1:000000000000:q").action, "sqs:SendMessage");
  EXPECT_EQ(destination_call("arn:aws:sns:us-east-1:000000000000:t").call, "Publish");
  EXPECT_EQ(destination_call("arn:aws:lambda:us-east-1:000000000000:function:f").action, "lambda:InvokeFunction");
  EXPECT_EQ(destination_call("arn:aws:events:us-east-1:000000000000:event-bus/b").action, "events:PutEvents");
  for (const char* arn : {"", "x", "arn:aws:s3:::b", "arn:aws:lambda:us-east-1:000000000000:layer:l",
                          "arn:aws:events:us-east-1:000000000000:rule/r", "arn:aws:dynamodb:us-east-1:000000000000:table/t"})
    EXPECT_TRUE(destination_call(arn).action.empty()) << arn;
}

TEST(AsyncModel, ComesBackAsItWas) {
  auto e = event();
  e.client_context = "{}";
  e.payload = std::string("\"a\0b\"", 5);
  EXPECT_EQ(decode_event(encode(e)), e);
  const Progress p{2, 3, 429, "7", "Unhandled"};
  EXPECT_EQ(decode_progress(encode(p)), p);
  EXPECT_EQ(decode_progress(""), Progress{});
  EventInvokeConfig c;
  c.max_age_s = 60;
  c.on_failure = "arn";
  c.modified = {5};
  EXPECT_EQ(decode_event_invoke_config(encode(c)), c);
  Record r;
  r.parcel.target = "t";
  r.parcel.body = "body";
  r.parcel.id = "i";
  r.parcel.attributes["A"] = {"Binary", std::string("\0\1", 2)};
  r.role = "role";
  r.dead_letter = true;
  const auto back = decode_record(encode(r));
  EXPECT_EQ(back.parcel.body, "body");
  EXPECT_EQ(back.parcel.attributes.at("A").value, std::string("\0\1", 2));
  EXPECT_EQ(back.role, "role");
  EXPECT_TRUE(back.dead_letter);
  EXPECT_THROW(decode_event("junk"), std::runtime_error);
}

}  // namespace
}  // namespace lambari::lambda
