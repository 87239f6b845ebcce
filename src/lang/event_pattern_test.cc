#include "lang/event_pattern.h"

#include <gtest/gtest.h>

#include <random>

namespace lambari::lang {
namespace {

base::json::value json(std::string_view text) { return base::parse_json(text).value(); }

struct Case {
  const char* pattern;
  const char* event;
  bool matches;
};

class EventPatternTest : public testing::TestWithParam<Case> {};

TEST_P(EventPatternTest, MatchesAloneAndAmongOthers) {
  const auto& p = GetParam();
  const auto pattern = EventPattern::parse(p.pattern);
  EXPECT_EQ(pattern.matches(json(p.event)), p.matches) << p.pattern << "\n" << p.event;
  EventPatternSet set;
  set.add(1, EventPattern::parse(R"({"unrelated":["x"]})"));
  set.add(7, pattern);
  set.add(8, pattern);
  set.remove(8);
  EXPECT_EQ(set.match(json(p.event)), p.matches ? std::vector<std::uint64_t>{7} : std::vector<std::uint64_t>{})
      << p.pattern << "\n"
      << p.event;
}

INSTANTIATE_TEST_SUITE_P(
    Values, EventPatternTest,
    testing::Values(Case{R"({"a":["x"]})", R"({"a":"x"})", true}, Case{R"({"a":["x"]})", R"({"a":"X"})", false},
                    Case{R"({"a":["1"]})", R"({"a":1})", false}, Case{R"({"a":[1]})", R"({"a":1.0})", true},
                    Case{R"({"a":[3.0e2]})", R"({"a":300})", true}, Case{R"({"a":[0]})", R"({"a":-0.0})", true},
                    Case{R"({"a":[true]})", R"({"a":"true"})", false}, Case{R"({"a":[null]})", R"({"a":null})", true},
                    Case{R"({"a":[null]})", R"({})", false}, Case{R"({"a":{"b":[1]}})", R"({"a.b":1})", true},
                    Case{R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":5})", true},
                    Case{R"({"a":[{"numeric":[">",0,"<=",5]}]})", R"({"a":0})", false},
                    Case{R"({"a":[{"numeric":["<",0]}]})", R"({"a":-1e300})", true},
                    Case{R"({"a":[{"numeric":["=",-2.5]}]})", R"({"a":-2.5})", true},
                    Case{R"({"a":[{"prefix":{"equals-ignore-case":"ÉT"}}]})", R"({"a":"étranger"})", true},
                    Case{R"({"a":[{"suffix":{"equals-ignore-case":"ÇÃO"}}]})", R"({"a":"Ação"})", true},
                    Case{R"({"a":[{"equals-ignore-case":"ЖУК"}]})", R"({"a":"жук"})", true},
                    Case{R"({"a":[{"wildcard":"*.png"}]})", R"({"a":"x.png"})", true},
                    Case{R"({"a":[{"wildcard":"a*b*c"}]})", R"({"a":"abbc"})", true},
                    Case{R"({"a":[{"wildcard":"a*b*c"}]})", R"({"a":"acb"})", false},
                    Case{R"({"a":[{"wildcard":"*b*"}]})", R"({"a":"abc"})", true},
                    Case{R"({"a":[{"wildcard":"a\\*b"}]})", R"({"a":"a*b"})", true},
                    Case{R"({"a":[{"wildcard":"a\\*b"}]})", R"({"a":"axb"})", false},
                    Case{R"({"a":[{"cidr":"10.1.0.0/16"}]})", R"({"a":"10.1.2.3"})", true},
                    Case{R"({"a":[{"cidr":"10.1.128.0/17"}]})", R"({"a":"10.1.2.3"})", false},
                    Case{R"({"a":[{"cidr":"2001:db8::/33"}]})", R"({"a":"2001:db8:7fff::1"})", true},
                    Case{R"({"a":[{"cidr":"0.0.0.0/0"}]})", R"({"a":"255.1.2.3"})", true},
                    Case{R"({"a":[{"anything-but":{"wildcard":["*.a","*.b"]}}]})", R"({"a":"x.b"})", false},
                    Case{R"({"a":[{"anything-but":{"equals-ignore-case":["X","y"]}}]})", R"({"a":"x"})", false},
                    Case{R"({"a":[{"anything-but":[1,2]}]})", R"({"a":"1"})", true},
                    Case{R"({"a":[{"anything-but":[1,2]}]})", R"({"a":[1,2]})", false},
                    Case{R"({"a":[{"anything-but":[1,2]}]})", R"({"a":[1,3]})", true},
                    Case{R"({"a":[{"exists":false}]})", R"({"a":{"b":1}})", true},
                    Case{R"({"a":[{"exists":false}],"b":[1]})", R"({"b":1})", true},
                    Case{R"({"a":[{"exists":false},5]})", R"({"a":5})", true},
                    Case{R"({"a":[{"exists":true}]})", R"({"a":[]})", false}));

INSTANTIATE_TEST_SUITE_P(
    Arrays, EventPatternTest,
    testing::Values(Case{R"({"a":{"x":[1],"y":[2]}})", R"({"a":[{"x":1,"y":2}]})", true},
                    Case{R"({"a":{"x":[1],"y":[2]}})", R"({"a":[{"x":1,"y":3},{"x":4,"y":2}]})", false},
                    Case{R"({"a":{"x":[1],"y":{"z":[2]}}})", R"({"a":[{"x":1,"y":[{"z":3}]},{"x":1,"y":[{"z":2}]}]})", true},
                    Case{R"({"a":{"x":[1],"y":{"z":[2],"w":[3]}}})", R"({"a":[{"x":1,"y":[{"z":2},{"w":3}]}]})", false},
                    Case{R"({"a":{"x":[1]},"b":{"y":[2]}})", R"({"a":[{"x":0},{"x":1}],"b":[{"y":2},{"y":3}]})", true},
                    Case{R"({"a":{"x":[1],"y":[2]}})", R"({"a":[[{"x":1}],[{"y":2}]]})", false},
                    Case{R"({"a":[1]})", R"({"a":[[0],[1]]})", true}));

INSTANTIATE_TEST_SUITE_P(
    Or, EventPatternTest,
    testing::Values(Case{R"({"$or":[{"a":[1]},{"b":[2],"c":[3]}],"d":[4]})", R"({"b":2,"c":3,"d":4})", true},
                    Case{R"({"$or":[{"a":[1]},{"b":[2],"c":[3]}],"d":[4]})", R"({"b":2,"c":0,"d":4})", false},
                    Case{R"({"x":{"$or":[{"a":[1]},{"$or":[{"b":[2]},{"c":[3]}]}]}})", R"({"x":{"c":3}})", true},
                    Case{R"({"$or":["v"]})", R"({"$or":"v"})", true}));

TEST(EventPattern, RefusesInAwsWords) {
  auto reason = [](std::string_view pattern) -> std::string {
    try {
      EventPattern::parse(pattern);
    } catch (const EventPatternError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(reason("nonsense"), "Invalid JSON");
  EXPECT_EQ(reason("[]"), "Filter is not an object");
  EXPECT_EQ(reason("{}"), "Empty objects are not allowed");
  EXPECT_EQ(reason(R"({"a":[]})"), "Empty arrays are not allowed");
  EXPECT_EQ(reason(R"({"a":"x"})"), "\"a\" must be an object or an array");
  EXPECT_EQ(reason(R"({"a":[[1]]})"), "Match value must be String, number, true, false, or null");
  EXPECT_EQ(reason(R"({"a":[{"foo":1}]})"), "Unrecognized match type foo");
  EXPECT_EQ(reason(R"({"a":[{"prefix":1}]})"), "prefix match pattern must be a string");
  EXPECT_EQ(reason(R"({"a":[{"prefix":"a","suffix":"b"}]})"), "Only one key allowed in match expression");
  EXPECT_EQ(reason(R"({"a":[{"numeric":[">","a"]}]})"), "Value of > must be numeric");
  EXPECT_EQ(reason(R"({"a":[{"numeric":[">",5,"<",1]}]})"), "Bottom must be less than top");
  EXPECT_EQ(reason(R"({"a":[{"exists":1}]})"), "exists match pattern must be either true or false.");
  EXPECT_EQ(reason(R"({"a":[{"cidr":"10.0.0.0"}]})"), "Malformed CIDR, one '/' required");
  EXPECT_EQ(reason(R"({"a":[{"anything-but":["a",1]}]})"),
            "Inside anything but list, either all values are number or string, mixed type is not supported");
  EXPECT_EQ(reason(R"({"a":[{"wildcard":"a**b"}]})"), "Consecutive wildcard characters at pos 1");
  std::string deep;
  for (int i = 0; i < 11; ++i) deep += R"({"$or":[{"a":[1]},{"b":[2]}],"x":)";
  deep += "[1]";
  for (int i = 0; i < 11; ++i) deep += "}";
  EXPECT_EQ(reason(deep), "Rule is too complex - try using fewer OR conditions");
}

// The automaton and the direct trial are two roads to one answer.
TEST(EventPatternSet, AgreesWithSinglePatternsWhateverIsAddedAndRemoved) {
  std::mt19937 random(7);
  auto pick = [&](auto... options) {
    const std::string all[] = {options...};
    return all[random() % sizeof...(options)];
  };
  auto value = [&] { return pick("\"a\"", "\"ab\"", "\"b\"", "\"10.0.0.7\"", "1", "2.5", "true", "null"); };
  auto condition = [&] {
    return pick("\"a\"", "1", "null", R"({"prefix":"a"})", R"({"suffix":"b"})", R"({"numeric":[">",1,"<",3]})",
                R"({"exists":true})", R"({"exists":false})", R"({"anything-but":["a","b"]})", R"({"wildcard":"*b"})",
                R"({"wildcard":"a*"})", R"({"cidr":"10.0.0.0/29"})", R"({"equals-ignore-case":"A"})");
  };
  auto pattern = [&] {
    std::string text = "{";
    for (int field = 0, fields = 1 + static_cast<int>(random() % 3); field < fields; ++field) {
      if (field > 0) text += ",";
      text += "\"" + std::string(1, static_cast<char>('x' + field)) + "\":";
      std::string any = "[" + condition();
      if (random() % 2 == 0) any += "," + condition();
      any += "]";
      text += random() % 2 == 0 ? "{\"k\":" + any + ",\"l\":[" + condition() + "]}" : any;
    }
    return text + "}";
  };
  std::vector<std::pair<std::uint64_t, EventPattern>> kept;
  EventPatternSet set;
  std::size_t matched = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    if (kept.size() > 60 || (!kept.empty() && random() % 4 == 0)) {
      const auto at = random() % kept.size();
      EXPECT_TRUE(set.remove(kept[at].first));
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      kept.emplace_back(round, EventPattern::parse(pattern()));
      set.add(round, kept.back().second);
    }
    std::string text = "{";
    for (char name : {'x', 'y', 'z'})
      text += std::string(name == 'x' ? "" : ",") + "\"" + name + "\":" +
              (random() % 3 == 0   ? value()
               : random() % 2 == 0 ? "[" + value() + "," + value() + "]"
                                   : "[{\"k\":" + value() + ",\"l\":" + value() + "},{\"k\":" + value() + "}]");
    const auto event = json(text + "}");
    std::vector<std::uint64_t> expected;
    for (const auto& [id, one] : kept)
      if (one.matches(event)) expected.push_back(id);
    ASSERT_EQ(set.match(event), expected) << text;
    matched += expected.size();
  }
  EXPECT_GT(matched, 1000u);
  for (const auto& [id, one] : kept) set.remove(id);
  EXPECT_EQ(set.size(), 0u);
  EXPECT_TRUE(set.match(json(R"({"x":"a"})")).empty());
}

TEST(EventPatternSet, ManyRangesFindTheSame) {
  EventPatternSet set;
  std::vector<EventPattern> patterns;
  for (int i = 0; i < 200; ++i) {
    patterns.push_back(EventPattern::parse("{\"n\":[{\"numeric\":[\">\"," + std::to_string(i - 100) + ",\"<=\"," +
                                           std::to_string(i - 100 + i % 7 + 1) + "]}]}"));
    set.add(static_cast<std::uint64_t>(i), patterns.back());
  }
  for (const char* number : {"-100", "-1", "-0.5", "0", "0.25", "3", "99", "1e12"}) {
    const auto event = json(std::string("{\"n\":") + number + "}");
    std::vector<std::uint64_t> expected;
    for (std::uint64_t i = 0; i < patterns.size(); ++i)
      if (patterns[i].matches(event)) expected.push_back(i);
    EXPECT_EQ(set.match(event), expected) << number;
  }
}

TEST(EventPatternSet, BoundsWhatParallelArraysMultiplyTo) {
  EventPatternSet set;
  set.add(1, EventPattern::parse(R"({"a":{"v":[{"exists":true}]},"b":{"v":[{"exists":true}]},"c":{"v":[{"exists":true}]},)"
                                 R"("d":{"v":[{"exists":true}]},"e":["never"]})"));
  std::string array = "[";
  for (int i = 0; i < 300; ++i) array += std::string(i ? "," : "") + "{\"v\":" + std::to_string(i) + "}";
  array += "]";
  const auto event = json("{\"a\":" + array + ",\"b\":" + array + ",\"c\":" + array + ",\"d\":" + array + ",\"e\":1}");
  EXPECT_TRUE(set.match(event).empty());
}

}  // namespace
}  // namespace lambari::lang
