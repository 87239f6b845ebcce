#include "store/key.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "store/store.h"

namespace lambari::store {
namespace {

using Row = std::tuple<std::string, std::uint64_t, std::int64_t, std::string>;

std::string encode(const Row& row) {
  return Key("t").text(std::get<0>(row)).number(std::get<1>(row)).signed_number(std::get<2>(row)).text(std::get<3>(row)).str();
}

// Values near the edges, where an encoding goes wrong.
class Values {
 public:
  std::string text() {
    static constexpr char kBytes[] = {'\x00', '\x01', '\x02', 'a', '\xfe', '\xff'};
    std::string out(random_() % 5, ' ');
    for (auto& c : out) c = kBytes[random_() % sizeof kBytes];
    return out;
  }
  std::uint64_t number() {
    std::uint64_t edge = std::uint64_t{1} << (random_() % 64);
    return random_() % 2 ? edge + random_() % 3 - 1 : random_() % 4 - 1;
  }
  Row row() { return {text(), number() % (random_() % 2 ? 3 : ~0ull), static_cast<std::int64_t>(number()), text()}; }

 private:
  std::mt19937_64 random_{42};
};

TEST(Key, BytesSortAsValues) {
  Values values;
  for (int i = 0; i < 100'000; ++i) {
    auto a = values.row(), b = values.row();
    auto x = encode(a), y = encode(b);
    ASSERT_EQ(a < b, x < y);
    ASSERT_EQ(a == b, x == y);
  }
}

TEST(Key, ReaderTakesItApart) {
  Values values;
  for (int i = 0; i < 20'000; ++i) {
    auto row = values.row();
    auto bytes = encode(row);
    KeyReader reader(bytes);
    std::string table;
    Row back;
    ASSERT_TRUE(reader.text(table));
    ASSERT_TRUE(reader.text(std::get<0>(back)));
    ASSERT_TRUE(reader.number(std::get<1>(back)));
    ASSERT_TRUE(reader.signed_number(std::get<2>(back)));
    ASSERT_FALSE(reader.done());
    ASSERT_TRUE(reader.text(std::get<3>(back)));
    ASSERT_TRUE(reader.done());
    ASSERT_EQ(table, "t");
    ASSERT_EQ(back, row);
  }
}

TEST(Key, ReaderRefusesWhatDoesNotFit) {
  std::string text;
  std::uint64_t number;
  std::int64_t signed_number;
  for (auto bytes : {std::string(""), std::string("abc"), std::string("a\0", 2), std::string("a\0b", 3), std::string("\0\2", 2)})
    EXPECT_FALSE(KeyReader(bytes).text(text));
  EXPECT_FALSE(KeyReader("1234567").number(number));
  EXPECT_FALSE(KeyReader("").signed_number(signed_number));
}

// Every key made of the same first parts, and none else, lies in the prefix range of those parts.
TEST(Key, PrefixRangeHoldsTheKeysOfItsParts) {
  Values values;
  for (int i = 0; i < 50'000; ++i) {
    auto a = values.text(), b = values.text();
    auto range = prefix_range(Key("t").text(a).str());
    auto key = Key("t").text(b).number(values.number()).str();
    ASSERT_EQ(range.begin <= key && (range.end.empty() || key < range.end), a == b);
  }
}

TEST(PrefixRange, EndsBehindTheLastKeyOfThePrefix) {
  EXPECT_EQ(prefix_range("ab"), (Range{"ab", "ac"}));
  EXPECT_EQ(prefix_range("a\xff\xff"), (Range{"a\xff\xff", "b"}));
  EXPECT_EQ(prefix_range("\xff"), (Range{"\xff", ""}));
  EXPECT_EQ(prefix_range(""), (Range{"", ""}));
}

}  // namespace
}  // namespace lambari::store
