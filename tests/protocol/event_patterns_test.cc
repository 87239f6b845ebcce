// Events and patterns that were tried on AWS: `_NEG` does not match, `_EXC` is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "lang/event_pattern.h"
#include "vectors.h"

namespace lambari {
namespace {

base::json::value read_json5(const std::filesystem::path& file) {
  base::json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  return base::json::parse(vectors::read(file), {}, options);
}

// Both ways to match: the pattern alone, and in a set.
bool matches(const lang::EventPattern& pattern, const base::json::value& event) {
  lang::EventPatternSet set;
  set.add(1, pattern);
  const bool alone = pattern.matches(event);
  EXPECT_EQ(!set.match(event).empty(), alone);
  return alone;
}

TEST(EventPatternVectors, AreAnsweredAsAwsAnswers) {
  const auto folder = vectors::folder("event-patterns");
  if (!folder) GTEST_SKIP() << "no vectors";
  std::size_t cases = 0;
  for (const auto& file : std::filesystem::directory_iterator(*folder)) {
    if (file.path().extension() != ".json5") continue;
    ++cases;
    const std::string name = file.path().stem();
    const auto document = read_json5(file).as_object();
    try {
      const auto pattern = lang::EventPattern::compile(document.at("EventPattern"));
      EXPECT_FALSE(name.ends_with("_EXC")) << name << " is not refused";
      EXPECT_EQ(matches(pattern, document.at("Event")), !name.ends_with("_NEG")) << name;
    } catch (const lang::EventPatternError& error) {
      EXPECT_TRUE(name.ends_with("_EXC")) << name << ": " << error.what();
    }
  }
  EXPECT_GE(cases, 155u);
}

// Of a name that stands twice the last counts, as AWS has it.
TEST(EventPatternVectors, TakeTheLastOfEqualNames) {
  const auto folder = vectors::folder("event-patterns");
  if (!folder) GTEST_SKIP() << "no vectors";
  EXPECT_TRUE(matches(lang::EventPattern::parse(vectors::read(*folder / "complex_multi_key_event_pattern.json")),
                      vectors::read_json(*folder / "complex_multi_key_event.json")));
}

}  // namespace
}  // namespace lambari
