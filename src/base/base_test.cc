#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"
#include "base/token_bucket.h"

namespace lambari::base {
namespace {

TEST(Bytes, Encodings) {
  EXPECT_EQ(hex("\x01\xab"), "01ab");
  EXPECT_EQ(unhex("01AB"), "\x01\xab");
  EXPECT_FALSE(unhex("0"));
  EXPECT_FALSE(unhex("zz"));
  for (auto [plain, text] : {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    EXPECT_EQ(base64(plain), text);
    EXPECT_EQ(unbase64(text), plain);
  }
  EXPECT_EQ(unbase64("Zg"), "f");
  for (auto bad : {"Z", "Zg=", "Z!==", "Zg==x"}) EXPECT_FALSE(unbase64(bad)) << bad;
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(unbase64url("-_8"), "\xfb\xff");
}

TEST(Bytes, Digests) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(Bytes, Utf8) {
  EXPECT_TRUE(is_utf8("olá \xf0\x9f\x90\x9f"));
  for (auto bad : {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf"}) EXPECT_FALSE(is_utf8(bad));
}

TEST(Clock, FormatsAndReads) {
  Timestamp t{1'769'903'999'123};
  EXPECT_EQ(iso8601(t), "2026-01-31T23:59:59Z");
  EXPECT_EQ(iso8601(t, true), "2026-01-31T23:59:59.123Z");
  EXPECT_EQ(basic_iso8601(t), "20260131T235959Z");
  EXPECT_EQ(http_date(t), "Sat, 31 Jan 2026 23:59:59 GMT");
  Timestamp back;
  EXPECT_TRUE(parse_iso8601("2026-01-31T23:59:59.123Z", back));
  EXPECT_EQ(back, t);
  EXPECT_TRUE(parse_iso8601("2026-02-01T01:59:59.123+02:00", back));
  EXPECT_EQ(back, t);
  EXPECT_TRUE(parse_http_date("Sat, 31 Jan 2026 23:59:59 GMT", back));
  EXPECT_TRUE(parse_basic_iso8601("20260131T235959Z", back));
  EXPECT_EQ(back.ms, t.ms / 1000 * 1000);
  for (auto bad : {"", "2026", "2026-13-01", "2026-01-31T25:00:00Z", "2026-01-31T23:59:59.Z", "2026-01-31T23:59:59Zx"})
    EXPECT_FALSE(parse_iso8601(bad, back)) << bad;
}

TEST(Clock, AdvancesForAllCopiesAndTells) {
  Clock clock;
  Clock copy = clock;
  int told = 0;
  clock.on_jump([&] { ++told; });
  auto before = copy.now();
  clock.advance(std::chrono::hours(6));
  EXPECT_GE(copy.now().ms - before.ms, 6 * 3'600'000);
  copy.reset();
  EXPECT_LT(clock.now().ms - before.ms, 60'000);
  EXPECT_EQ(told, 2);
}

TEST(Ids, AreRandomAndWellFormed) {
  EXPECT_EQ(random_bytes(5000).size(), 5000u);
  EXPECT_NE(uuid(), uuid());
  EXPECT_EQ(uuid().size(), 36u);
  EXPECT_EQ(uuid()[14], '4');
  EXPECT_EQ(random_text(1000, "ab").find_first_not_of("ab"), std::string::npos);
}

TEST(Text, Percent) {
  EXPECT_EQ(percent_encode("a b/ç~"), "a%20b%2F%C3%A7~");
  EXPECT_EQ(percent_encode("a/b", true), "a/b");
  EXPECT_EQ(percent_decode("a%20b%2", false), "a b%2");
  EXPECT_EQ(percent_decode("%zz%41"), "%zzA");
  EXPECT_EQ(percent_decode("%41"), "A");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  auto pairs = parse_query("a=1&b&&c=%3D");
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[2], (std::pair<std::string, std::string>("c", "=")));
}

TEST(Text, Pieces) {
  EXPECT_EQ(split("a,,b", ',').size(), 3u);
  EXPECT_EQ(split("", ',').size(), 1u);
  EXPECT_EQ(cut("a=b=c", '=').second, "b=c");
  EXPECT_EQ(parse_int("-42"), -42);
  EXPECT_FALSE(parse_int("4 "));
  EXPECT_TRUE(iequals("HoSt", "hOsT"));
  EXPECT_EQ(trim(" \ta b\t"), "a b");
}

TEST(Json, BoundsDepth) {
  EXPECT_TRUE(parse_json("[[1]]", 2));
  EXPECT_FALSE(parse_json("[[[1]]]", 2));
  EXPECT_FALSE(parse_json("{} x"));
  EXPECT_FALSE(parse_json("{\"a\":}"));
}

TEST(Json, NumbersAreWrittenAsPeopleWriteThem) {
  const auto document =
      parse_json(R"({"a":[1,-2,18446744073709551615,2.500,1e2,1e300,0.0],"":[true,false,null,{},[],"\u00e9\n"]})");
  ASSERT_TRUE(document);
  EXPECT_EQ(to_json(*document), R"({"a":[1,-2,18446744073709551615,2.5,100,1e+300,0],"":[true,false,null,{},[],"é\n"]})");
}

TEST(Json, StringsAreEscapedAndAlwaysValid) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", R"("")"},
      {"plain", R"("plain")"},
      {"\"\\/\b\f\n\r\t", R"("\"\\/\b\f\n\r\t")"},
      {std::string_view("\0\x1f\x7f", 3), "\"\\u0000\\u001f\x7f\""},
      {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f\""},
      {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},  // beyond U+10FFFF
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},                  // a surrogate
      {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                                  // too long a form
      {"a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},                                // cut short
  };
  for (const auto& [text, expected] : cases) {
    std::string out = "x";
    append_json_string(out, text);
    EXPECT_EQ(out.substr(1), expected);
    EXPECT_TRUE(parse_json(expected));
  }
  // Each byte at each place of a longer text.
  for (int byte = 0; byte < 0x80; ++byte) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'p');
      text[at] = static_cast<char>(byte);
      std::string out;
      append_json_string(out, text);
      EXPECT_EQ(parse_json(out).value().as_string(), text) << byte << " at " << at;
    }
  }
}

TEST(TokenBucket, BurstThenRate) {
  Timestamp now{1'000'000};
  TokenBucket bucket(2, 3);
  EXPECT_TRUE(bucket.full(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.full(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  now.ms += 499;
  EXPECT_FALSE(bucket.take(now));
  now.ms += 1;
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  now.ms += 60'000;  // never more than the burst
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  now.ms -= 3'600'000;  // the clock was reset
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(TokenBucket(0, 5).take(now));
  EXPECT_FALSE(TokenBucket(5, 0).take(now));
}

}  // namespace
}  // namespace lambari::base
