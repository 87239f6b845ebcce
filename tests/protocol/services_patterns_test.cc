#include "wire/patterns.h"

#include <gtest/gtest.h>

#include <set>

#include "aws/apigatewayv2/api.h"
#include "aws/iam/api.h"
#include "aws/lambda/api.h"
#include "aws/logs/api.h"
#include "aws/sts/api.h"

namespace lambari::wire {
namespace {

void collect(const Shape* shape, std::set<const Shape*>& seen) {
  if (!shape || !seen.insert(shape).second) return;
  for (const auto& member : shape->members) collect(member.shape(), seen);
  if (shape->element) collect(shape->element->shape(), seen);
  if (shape->key) collect(shape->key->shape(), seen);
}

// What docs/compatibility lists as not enforced is what RE2 cannot do, and nothing else.
TEST(Patterns, AllAreEnforcedButLookAround) {
  std::set<const Shape*> shapes;
  for (const auto* model :
       {&aws::lambda::kModel, &aws::apigatewayv2::kModel, &aws::iam::kModel, &aws::sts::kModel, &aws::logs::kModel})
    for (const auto& operation : model->operations) {
      collect(operation.input, shapes);
      collect(operation.output, shapes);
    }
  int patterns = 0;
  for (const Shape* shape : shapes) {
    if (shape->pattern.empty()) continue;
    ++patterns;
    bool look = false;
    for (const char* part : {"(?!", "(?=", "(?<!", "(?<="}) look = look || shape->pattern.find(part) != std::string_view::npos;
    EXPECT_EQ(pattern_is_enforced(shape->pattern), !look) << shape->name << ": " << shape->pattern;
  }
  EXPECT_GT(patterns, 50);
}

TEST(Patterns, MatchTheWholeText) {
  EXPECT_TRUE(matches_pattern("[a-z]+", "abc"));
  EXPECT_FALSE(matches_pattern("[a-z]+", "abc1"));
  EXPECT_TRUE(matches_pattern("[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", "fun\xC3\xA7\xC3\xA3o 1"));
}

TEST(Patterns, AreTurnedIntoRe2) {
  EXPECT_EQ(re2_syntax("[\\u0009\\u000A]+"), "[\\x{0009}\\x{000A}]+");
  EXPECT_EQ(re2_syntax("a{1,2048}b{2,3}"), "a{1,}b{2,3}");
  EXPECT_TRUE(matches_pattern("[\\u0020-\\u00FF]+", "a b"));
  EXPECT_FALSE(matches_pattern("[\\u0020-\\u00FF]+", "\xE2\x82\xAC"));
}

}  // namespace
}  // namespace lambari::wire
