#include "lang/filter_policy.h"

#include <gtest/gtest.h>

namespace lambari::lang {
namespace {

std::string reason(std::string_view policy, FilterScope scope) {
  try {
    parse_filter_policy(policy, scope);
  } catch (const EventPatternError& error) {
    return error.what();
  }
  return "";
}

TEST(FilterPolicy, HasTheLimitsOfSns) {
  const auto attributes = FilterScope::attributes, body = FilterScope::body;
  EXPECT_EQ(reason(R"({"a":[1],"b":[1],"c":[1],"d":[1],"e":[1]})", attributes), "");
  EXPECT_EQ(reason(R"({"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]})", attributes),
            "Filter policy can not have more than 5 keys");
  EXPECT_EQ(reason(R"({"a":{"b":[1]}})", attributes),
            "Filter policy scope MessageAttributes does not support nested filter policy");
  EXPECT_EQ(reason(R"({"a":{"b":[1]}})", body), "");
  // 3 values at depth 3, 2 at depth 2, 4 at depth 1: 9 x 4 x 4 = 144
  EXPECT_EQ(reason(R"({"a":{"b":{"c":[1,2,3]}},"d":{"e":[1,2]},"f":[1,2,3,4]})", body), "");
  EXPECT_EQ(reason(R"({"a":{"b":{"c":[1,2,3,4]}},"d":{"e":[1,2,3]},"f":[1,2,3]})", body), "Filter policy is too complex");
  EXPECT_EQ(reason(R"({"a":[{"wildcard":"x*"}]})", attributes), "Unrecognized match type wildcard");
  EXPECT_EQ(reason("{nonsense", attributes), "failed to parse JSON.");
  EXPECT_EQ(reason(std::string(256 * 1024 + 1, ' '), attributes), "Filter policy can not be larger than 256 KB");
  EXPECT_FALSE(parse_filter_policy("{}", attributes));
}

}  // namespace
}  // namespace lambari::lang
