#include "lang/log_filter.h"

#include <gtest/gtest.h>

#include "lang/wildcard.h"

namespace lambari::lang {
namespace {

struct Case_ {
  const char* pattern;
  const char* message;
  bool matches;
};

class LogFilterTest : public testing::TestWithParam<Case_> {};

TEST_P(LogFilterTest, Matches) {
  const auto& p = GetParam();
  EXPECT_EQ(LogFilter::parse(p.pattern).matches(p.message), p.matches) << p.pattern << "\n" << p.message;
}

constexpr auto kTrail =
    R"({"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],)"
    R"("objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c","n":400,"ok":true})";
constexpr auto kUsers =
    R"({"user":{"id":1,"email":"John.Stiles@example.com"},"users":[{"id":2,"email":"John.Doe@example.com"},)"
    R"({"id":3,"email":"Jane.Doe@example.com"}],"actions":["GET","PUT","DELETE"],"coordinates":[[0,1,2],[4,5,6],[7,8,9]]})";
constexpr auto kAccess = R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";

INSTANTIATE_TEST_SUITE_P(Terms, LogFilterTest,
                         testing::Values(Case_{"", "anything", true}, Case_{"\" \"", "a b", true},
                                         Case_{"ERROR", "[ERROR 400] BAD REQUEST", true}, Case_{"ERROR", "error", false},
                                         Case_{"ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true},
                                         Case_{"ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", false},
                                         Case_{"?ERROR ?ARGUMENTS", "INVALID ARGUMENTS", true},
                                         Case_{"?ERROR ?ARGUMENTS", "fine", false},
                                         Case_{"?ERROR ?ARGUMENTS REQUEST", "[INFO] REQUEST FAILED", true},
                                         Case_{"\"INTERNAL SERVER ERROR\"", "[ERROR 500] INTERNAL SERVER ERROR", true},
                                         Case_{"ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", true},
                                         Case_{"ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", false},
                                         Case_{"-\"health check\"", "GET health check", false},
                                         Case_{"%UN?AUTHORIZED%", "[ERROR 401] UNAUTHORIZED", true},
                                         Case_{"%^starting|^stopping%", "not starting", false}));

INSTANTIATE_TEST_SUITE_P(
    Json, LogFilterTest,
    testing::Values(
        Case_{"{ $.eventType = \"UpdateTrail\" }", kTrail, true}, Case_{"{$.eventType=UpdateTrail}", kTrail, true},
        Case_{"{ $.eventType = Update* }", kTrail, true}, Case_{"{ $.eventType = \"*Trail\" }", kTrail, true},
        Case_{"{ $.sourceIPAddress != 123.123.* }", kTrail, true}, Case_{"{ $.arrayKey[0] = \"value\" }", kTrail, true},
        Case_{"{ $.eventType = %Trail% }", kTrail, true}, Case_{"{ $.arrayKey[*] = %val.{2}% }", kTrail, true},
        Case_{"{ $.* = %111\\.111\\.111\\.1[0-9]{1,2}% }", kTrail, true}, Case_{"{ $.['cluster.name'] = \"c\" }", kTrail, true},
        Case_{"{ $['cluster.name'] = \"c\" }", kTrail, true}, Case_{"{ $.SomeObject IS NULL }", kTrail, true},
        Case_{"{ $.ok IS TRUE }", kTrail, true}, Case_{"{ $.ok IS FALSE }", kTrail, false},
        Case_{"{ $.ok = true }", kTrail, true}, Case_{"{ $.SomeOtherObject NOT EXISTS }", kTrail, true},
        Case_{"{ $.SomeObject NOT EXISTS }", kTrail, false}, Case_{"{ $.n = 400 }", kTrail, true},
        Case_{"{ $.n = 4e2 }", kTrail, true}, Case_{"{ $.n = 4* }", kTrail, true},
        Case_{"{ $.n > 399 && $.n <= 400 }", kTrail, true}, Case_{"{ $.n < 400 }", kTrail, false},
        Case_{"{ $.missing != 1 }", kTrail, false}, Case_{"{ $.objectList[*].id = 2 }", kTrail, true},
        Case_{"{ $.objectList[5].id = 2 }", kTrail, false}, Case_{"{ $.eventType = \"UpdateTrail\" }", "UpdateTrail", false},
        Case_{"{ $.objectList = \"a\" }", kTrail, false},
        Case_{"{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }", kUsers, true},
        Case_{
            "{ $.user.email = \"John.Stiles@example.com\" || $.coordinates[0][1] = \"nonmatch\" && $.actions[2] = \"nonmatch\" }",
            kUsers, true},
        Case_{"{ ($.user.email = \"John.Stiles@example.com\" || $.coordinates[0][1] = \"nonmatch\") && $.actions[2] = "
              "\"nonmatch\" }",
              kUsers, false},
        Case_{"{ ($.user.id = 2 && $.users[0].email = \"nonmatch\") || $.actions[2] = \"GET\" }", kUsers, false}));

INSTANTIATE_TEST_SUITE_P(
    Fields, LogFilterTest,
    testing::Values(
        Case_{"[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]", kAccess, true},
        Case_{"[..., request =*.html*, status_code = 4*, bytes]", kAccess, true}, Case_{"[ip, ..., bytes > 1000]", kAccess, true},
        Case_{"[ip, ..., bytes > 2000]", kAccess, false},
        Case_{"[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]", kAccess, true},
        Case_{"[w1=ERROR, w2]", "ERROR 09/25/2014 12:00:02 Failed to process request", true},
        Case_{"[w1=ERROR, w2]", "INFO x", false}, Case_{"[w1!=ERROR && w1!=WARNING, w2]", "INFO 1", true},
        Case_{"[w1!=ERROR && w1!=WARNING, w2]", "WARNING 1", false}, Case_{"[a, b, c]", "one two", false},
        Case_{"[a, b=\"x y\"]", "one \"x y\"", true}));

TEST(LogFilter, RefusesWhatAwsRefuses) {
  for (const char* pattern :
       {"{", "{}", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a > \"x\" }", "{ $.a[*].b[*] = 1 }", "[a,", "[...,...]", "foo-bar",
        "?", "\"open", "%(%", "{ $.a IS NOT NULL }", "{ $.a EXISTS }", "{ $.a = 1 } x", "[a=]"}) {
    EXPECT_THROW(LogFilter::parse(pattern), LogFilterError) << pattern;
  }
  EXPECT_THROW(LogFilter::parse("{" + std::string(600, '(')), LogFilterError);
}

TEST(Wildcard, Matches) {
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("a*c?e", "abbbcde"));
  EXPECT_FALSE(wildcard_match("a*c", "abcd"));
  EXPECT_TRUE(wildcard_match("S3:Get*", "s3:getobject", Case::insensitive));
  EXPECT_FALSE(wildcard_match("?", ""));
  EXPECT_TRUE(wildcard_match("**a**", "bab"));
}

TEST(Wildcard, NeverExplodes) {
  std::string pattern, text(20'000, 'a');
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(wildcard_match(pattern + "b", text));
}

}  // namespace
}  // namespace lambari::lang
