#include "store/recent.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace lambari::store {
namespace {

WriteSet writes(std::initializer_list<std::string_view> keys, std::initializer_list<Range> ranges = {}) {
  WriteSet out;
  for (auto& range : ranges) out.erase(range);
  for (auto key : keys) out.put(key, "");
  return out;
}

TEST(RangeSet, IsTheUnionOfItsRanges) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    RangeSet set;
    std::set<char> model;
    for (int i = 0; i < 6; ++i) {
      Range range{std::string(1, static_cast<char>('a' + random() % 20)), std::string(1, static_cast<char>('a' + random() % 20))};
      if (random() % 12 == 0) range.end.clear();
      set.add(range);
      for (char c = 'a'; c <= 'z'; ++c) {
        if (contains(range, std::string(1, c))) model.insert(c);
      }
    }
    for (char c = 'a'; c <= 'z'; ++c) {
      std::string key(1, c);
      ASSERT_EQ(set.holding(key) != nullptr, model.contains(c));
      ASSERT_EQ(set.overlaps({key, successor(key)}), model.contains(c));
    }
    std::string last;
    bool open = false;
    for (auto& [begin, end] : set) {
      ASSERT_FALSE(open);
      ASSERT_LT(last, begin) << "what touches is joined";
      last = end;
      open = end.empty();
    }
  }
}

TEST(RecentWrites, FindsNewerWritesOnly) {
  RecentWrites recent;
  recent.record(1, writes({"a"}));
  recent.record(2, writes({"b"}, {{"m", "p"}}));
  EXPECT_TRUE(recent.touched({{"a"}, {}}, 0));
  EXPECT_FALSE(recent.touched({{"a"}, {}}, 1));
  EXPECT_TRUE(recent.touched({{"b"}, {}}, 1));
  EXPECT_FALSE(recent.touched({{"b"}, {}}, 2));
  EXPECT_TRUE(recent.touched({{"n"}, {}}, 1));
  EXPECT_FALSE(recent.touched({{"p"}, {}}, 1));
  EXPECT_TRUE(recent.touched({{}, {{"aa", "c"}}}, 1));
  EXPECT_FALSE(recent.touched({{}, {{"aa", "b"}}}, 1));
  EXPECT_TRUE(recent.touched({{}, {{"o", ""}}}, 1));
  EXPECT_FALSE(recent.touched({{}, {{"p", ""}}}, 1));
  EXPECT_FALSE(recent.touched({}, 0));
}

TEST(RecentWrites, ForgetsAndStaysBounded) {
  RecentWrites recent(10);
  for (Version v = 1; v <= 5; ++v) recent.record(v, writes({"a", "k" + std::to_string(v)}));
  EXPECT_EQ(recent.size(), 10u);
  recent.forget(3);
  EXPECT_EQ(recent.size(), 4u);
  EXPECT_TRUE(recent.touched({{"a"}, {}}, 3));
  recent.forget(5);
  EXPECT_EQ(recent.size(), 0u);
  EXPECT_FALSE(recent.touched({{"a"}, {}}, 5));
  for (Version v = 6; v <= 30; ++v) recent.record(v, writes({"k" + std::to_string(v)}));
  EXPECT_EQ(recent.size(), 10u);
  // Of what was forgotten nothing is known, so whoever is older conflicts.
  EXPECT_TRUE(recent.touched({{"never written"}, {}}, 10));
  EXPECT_FALSE(recent.touched({{"never written"}, {}}, 20));
}

TEST(Pins, TheOldestHoldsTheRest) {
  auto pins = std::make_shared<Pins>();
  EXPECT_EQ(pins->oldest(), 0u);
  auto first = std::make_unique<Pin>(pins);
  pins->publish(3);
  auto second = std::make_unique<Pin>(pins);
  EXPECT_EQ(second->version(), 3u);
  EXPECT_EQ(pins->oldest(), 0u);
  first.reset();
  EXPECT_EQ(pins->oldest(), 3u);
  pins->publish(9);
  EXPECT_EQ(pins->oldest(), 3u);
  second.reset();
  EXPECT_EQ(pins->oldest(), 9u);
}

}  // namespace
}  // namespace lambari::store
