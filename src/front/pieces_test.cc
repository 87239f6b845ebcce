// The small pure parts: names, durations, sizes.
#include <gtest/gtest.h>

#include "front/duration.h"
#include "front/limits.h"
#include "front/names.h"

namespace lambari::front {
namespace {

TEST(Names, LocalOnes) {
  for (auto name : {"localhost", "LocalHost", "a.b.localhost", "localhost.", "127.0.0.1", "10.1.2.3", "[::1]", "::1"})
    EXPECT_TRUE(is_local_name(name)) << name;
  for (auto name : {"", "evil.example", "notlocalhost", "localhost.evil.example", "127.0.0.1.evil.example", "0x7f.1"})
    EXPECT_FALSE(is_local_name(name)) << name;
}

TEST(Names, Loopback) {
  for (auto address : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(is_loopback(address)) << address;
  for (auto address : {"", "10.0.0.1", "::2", "::ffff:10.0.0.1", "localhost"}) EXPECT_FALSE(is_loopback(address)) << address;
}

TEST(Names, Origins) {
  for (auto origin :
       {"http://localhost", "http://localhost:3000", "https://console.localhost:4566", "http://127.0.0.1:80", "http://[::1]:80"})
    EXPECT_TRUE(is_local_origin(origin)) << origin;
  for (auto origin : {"", "null", "localhost", "http://evil.example", "http://localhost.evil.example:80", "http://10.0.0.1"})
    EXPECT_FALSE(is_local_origin(origin)) << origin;
}

TEST(Duration, Reads) {
  EXPECT_EQ(parse_duration("6h")->count(), 6 * 3'600'000);
  EXPECT_EQ(parse_duration("90m")->count(), 90 * 60'000);
  EXPECT_EQ(parse_duration(" 1d12h ")->count(), 36LL * 3'600'000);
  EXPECT_EQ(parse_duration("250ms")->count(), 250);
  EXPECT_EQ(parse_duration("2w")->count(), 14LL * 86'400'000);
  for (auto text : {"", "6", "h", "-6h", "6 h", "0s", "6y", "99999999999999999999h", "3651d", "6h x"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Limits, BySizeOfWhatTheyCarry) {
  auto limit = [](const char* method, const char* target) {
    http::Request head;
    head.method = method;
    head.target = target;
    return api_body_limit(head);
  };
  for (auto [method, target] : {std::pair{"POST", "/2015-03-31/functions"},
                                {"POST", "/2015-03-31/functions/"},
                                {"PUT", "/2015-03-31/functions/hello/code"},
                                {"POST", "/2018-10-31/layers/tools/versions"}})
    EXPECT_GT(limit(method, target), 70'000'000u) << target;
  for (auto [method, target] : {std::pair{"POST", "/"}, {"PUT", "/2015-03-31/functions/hello/configuration"}})
    EXPECT_LT(limit(method, target), 9'000'000u) << target;
  EXPECT_GT(limit("POST", "/2015-03-31/functions/hello/invocations"), 6u * 1024 * 1024);
}

TEST(Limits, LambdaSaysItsOwn) {
  wire::ServiceModel model{.name = "lambda"};
  wire::Operation invoke{.name = "Invoke"}, create{.name = "CreateFunction"};
  wire::Match match;
  match.model = &model;
  match.operation = &invoke;
  EXPECT_NO_THROW(check_body_size(match, 6 * 1024 * 1024));
  try {
    check_body_size(match, 6 * 1024 * 1024 + 1);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.code(), "RequestEntityTooLargeException");
    EXPECT_EQ(fault.message(), "Request must be smaller than 6291456 bytes for the InvokeFunction operation");
    EXPECT_EQ(fault.status(), 413);
  }
  match.operation = &create;
  EXPECT_NO_THROW(check_body_size(match, 60'000'000));
  EXPECT_THROW(check_body_size(match, 70'167'212), wire::Fault);
}

}  // namespace
}  // namespace lambari::front
