// The pure parts: bytes of items and keys, definitions of tables, conditions on keys, capacity, the order of stream records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/dynamodb/backup.h"
#include "services/dynamodb/capacity.h"
#include "services/dynamodb/conditions.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/define.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/read.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/sequence.h"
#include "wire/fault.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;
using testing::HasSubstr;

Value S(std::string text) { return {std::move(text)}; }
Value N(std::string_view text) { return {Number::parse(text)}; }

std::string error_of(const auto& work) {
  try {
    work();
  } catch (const wire::Fault& fault) {
    return fault.message();
  }
  return "no error";
}

Table table() {
  Table out;
  out.id = 7;
  out.name = {"000000000000", "us-east-1", "t"};
  out.attributes = {{"pk", "S"}, {"sk", "N"}, {"color", "S"}};
  out.key = {"pk", "sk"};
  out.on_demand = true;
  Index index;
  index.id = 1;
  index.name = "by-color";
  index.global = true;
  index.key = {"color", ""};
  index.projection = "INCLUDE";
  index.include = {"size"};
  out.indexes.push_back(index);
  return out;
}

TEST(ItemCodec, ReadsBackWhatItWrote) {
  const Item item{{"s", S("text")},
                  {"empty", S("")},
                  {"n", N("-12.5")},
                  {"b", {Binary{std::string("\0\xff", 2)}}},
                  {"ss", {lang::dynamodb::StringSet{{"b", "a"}}}},
                  {"ns", {lang::dynamodb::NumberSet{{Number::parse("1"), Number::parse("2")}}}},
                  {"bs", {lang::dynamodb::BinarySet{{Binary{"x"}}}}},
                  {"m", {Map{{"l", {List{{true}, {Null{}}, S(std::string(300, 'x'))}}}}}},
                  {"f", {false}}};
  const auto bytes = encode(item);
  EXPECT_EQ(decode_item(bytes), item);
  EXPECT_EQ(decode_attribute(bytes, "n"), N("-12.5"));
  EXPECT_EQ(decode_attribute(bytes, "none"), std::nullopt);
  EXPECT_EQ(decode_item(encode(Item{})), Item{});
}

TEST(ItemCodec, NoticesBytesThatAreCutOff) {
  const auto bytes = encode(Item{{"name", {Map{{"a", S("b")}, {"n", N("5")}}}}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    if (size == 1) continue;  // an item of nothing
    EXPECT_THROW(decode_item(bytes.substr(0, size)), std::exception) << size;
  }
  EXPECT_THROW(decode_item("\x02" + bytes.substr(1)), std::runtime_error);
}

TEST(Keys, SortWithinAPartitionAsValuesDo) {
  std::string before;
  for (const char* number : {"-100", "-1.5", "-1", "0", "0.1", "1", "9", "10", "100.5"}) {
    const auto range = N(number);
    const auto key = keys::item(7, S("p"), &range);
    EXPECT_LT(before, key) << number;
    before = key;
  }
  // A partition key that begins like another is another partition.
  const auto range = N("1");
  const auto whole = store::prefix_range(keys::partition(7, 0, S("p")));
  const auto other = keys::item(7, S("pp"), &range);
  EXPECT_FALSE(whole.begin <= other && other < whole.end);
}

TEST(Schema, ChecksKeysInAwsWords) {
  const auto t = table();
  const auto put = [&](Item item) { return error_of([&] { key_of_item(t, item); }); };
  EXPECT_EQ(put({{"pk", S("a")}, {"sk", N("1")}}), "no error");
  EXPECT_EQ(put({{"pk", S("a")}}), "One or more parameter values were invalid: Missing the key sk in the item");
  EXPECT_EQ(put({{"pk", N("1")}, {"sk", N("1")}}),
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N");
  EXPECT_THAT(put({{"pk", S("")}, {"sk", N("1")}}), HasSubstr("cannot contain an empty string value. Key: pk"));
  EXPECT_THAT(put({{"pk", S(std::string(2049, 'x'))}, {"sk", N("1")}}), HasSubstr("Size of hashkey has exceeded"));
  EXPECT_EQ(put({{"pk", S(std::string(2048, 'x'))}, {"sk", N("1")}}), "no error");
  EXPECT_THAT(put({{"pk", S("a")}, {"sk", N("1")}, {"color", N("3")}}),
              HasSubstr("Type mismatch for Index Key color Expected: S Actual: N IndexName: by-color"));
  const auto get = [&](Item key) { return error_of([&] { key_of_request(t, key); }); };
  EXPECT_EQ(get({{"pk", S("a")}, {"sk", N("1")}}), "no error");
  for (const auto& key :
       {Item{{"pk", S("a")}}, Item{{"pk", S("a")}, {"sk", S("1")}}, Item{{"pk", S("a")}, {"sk", N("1")}, {"x", S("")}}})
    EXPECT_EQ(get(key), "The provided key element does not match the schema");
  EXPECT_EQ(error_of([] { check_size(Item{{"a", S(std::string(400 * 1024 - 1, 'x'))}}); }), "no error");
  EXPECT_THAT(error_of([] { check_size(Item{{"a", S(std::string(400 * 1024, 'x'))}}); }), HasSubstr("maximum allowed size"));
}

TEST(Schema, ProjectsWhatAnIndexHolds) {
  const auto t = table();
  const Item item{{"pk", S("a")}, {"sk", N("1")}, {"color", S("red")}, {"size", N("3")}, {"other", S("x")}};
  const auto row = index_row(t, t.indexes[0], key_of_item(t, item), item);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->second, (Item{{"pk", S("a")}, {"sk", N("1")}, {"color", S("red")}, {"size", N("3")}}));
  EXPECT_FALSE(index_row(t, t.indexes[0], "key", Item{{"pk", S("a")}, {"sk", N("1")}}));
}

TEST(Schema, KnowsWhenAnItemExpires) {
  auto t = table();
  const auto at = [&](Value value) { return expiry_of(t, Item{{"until", std::move(value)}}, 1'800'000'000'000); };
  EXPECT_FALSE(at(N("1800000000")));
  t.ttl_attribute = "until";
  EXPECT_EQ(at(N("1800000000.9")), 1'800'000'000);
  EXPECT_FALSE(at(S("1800000000")));
  EXPECT_FALSE(at(N("-5")));
  EXPECT_FALSE(at(N("1000000000")));  // more than five years ago
  EXPECT_FALSE(at(N("1e30")));
}

api::CreateTableInput simple() {
  api::CreateTableInput request;
  request.TableName = "t";
  request.AttributeDefinitions.emplace().push_back({"pk", "S"});
  request.KeySchema.emplace().push_back({"pk", "HASH"});
  request.BillingMode = "PAY_PER_REQUEST";
  return request;
}

TEST(Define, RefusesInAwsWords) {
  const auto defined = [](auto change) {
    auto request = simple();
    change(request);
    return error_of([&] { define({"000000000000", "us-east-1", "t"}, request, {}); });
  };
  EXPECT_EQ(defined([](auto&) {}), "no error");
  EXPECT_THAT(defined([](auto& r) { r.BillingMode.reset(); }),
              HasSubstr("ReadCapacityUnits and WriteCapacityUnits must both be specified"));
  EXPECT_THAT(defined([](auto& r) { r.ProvisionedThroughput = api::ProvisionedThroughput{1, 1}; }),
              HasSubstr("when BillingMode is PAY_PER_REQUEST"));
  EXPECT_THAT(defined([](auto& r) { r.KeySchema->front().KeyType = "RANGE"; }),
              HasSubstr("The first KeySchemaElement is not a HASH key type"));
  EXPECT_THAT(defined([](auto& r) { r.AttributeDefinitions->push_back({"x", "S"}); }), HasSubstr("does not exactly match"));
  EXPECT_THAT(defined([](auto& r) { r.KeySchema->front().AttributeName = "nope"; }),
              HasSubstr("Some index key attribute have no definition"));
  EXPECT_THAT(defined([](auto& r) { r.SSESpecification.emplace().Enabled = true; }),
              HasSubstr("does not offer encryption with KMS keys"));
  EXPECT_THAT(defined([](auto& r) { r.StreamSpecification = api::StreamSpecification{true, std::nullopt}; }),
              HasSubstr("StreamViewType must be specified"));
}

TEST(Define, RowsReadBack) {
  auto request = simple();
  request.StreamSpecification = api::StreamSpecification{true, "NEW_IMAGE"};
  request.Tags.emplace().push_back({"a", "b"});
  auto made = define({"000000000000", "us-east-1", "t"}, request, {1'800'000'000'000});
  const auto read = decode_table(encode(made));
  EXPECT_EQ(encode(read), encode(made));
  EXPECT_EQ(read.stream()->view, "NEW_IMAGE");
  EXPECT_EQ(read.arn(), "arn:aws:dynamodb:us-east-1:000000000000:table/t");
  EXPECT_EQ(parse_arn(read.arn() + "/index/i")->name, "t");
  EXPECT_FALSE(parse_arn("arn:aws:sqs:us-east-1:000000000000:t"));
}

TEST(KeyConditions, AreTakenApart) {
  const std::map<std::string, Value> values{{":p", S("a")}, {":n", N("1")}, {":m", N("2")}};
  const auto read = [&](std::string_view text) {
    lang::dynamodb::Placeholders used({}, values);
    return key_condition(lang::dynamodb::parse_condition("KeyConditionExpression", text, used), {"pk", "sk"},
                         {{"pk", "S"}, {"sk", "N"}});
  };
  EXPECT_FALSE(read("pk = :p").kind);
  EXPECT_EQ(read("sk > :n AND pk = :p").kind, Condition::Kind::greater);
  EXPECT_EQ(read("(pk = :p) AND (:n < sk)").kind, Condition::Kind::greater);
  EXPECT_EQ(read("pk = :p AND sk BETWEEN :n AND :m").values.size(), 2U);
  const auto bad = [&](std::string_view text) { return error_of([&] { read(text); }); };
  EXPECT_EQ(bad("sk = :n"), "Query condition missed key schema element: pk");
  EXPECT_EQ(bad("pk = :p AND elsewhere = :n"), "Query key condition not supported");
  EXPECT_EQ(bad("pk > :p"), "Query key condition not supported");
  EXPECT_EQ(bad("pk = :n"), "One or more parameter values were invalid: Condition parameter type does not match schema type");
  EXPECT_EQ(bad("pk = :p OR sk = :n"), "Invalid operator used in KeyConditionExpression: OR");
  EXPECT_EQ(bad("pk = :p AND pk = :p"), "KeyConditionExpressions must only contain one condition per key");
}

TEST(KeyConditions, BecomeRangesOfRows) {
  const auto t = table();
  const auto holds = [&](Condition::Kind kind, std::vector<const char*> bounds, const char* number) {
    KeyCondition condition{S("a"), kind, {}};
    for (const char* bound : bounds) condition.values.push_back(N(bound));
    const auto range = range_of(t, nullptr, condition);
    const auto at = N(number);
    const auto key = keys::item(t.id, S("a"), &at);
    return range.begin <= key && key < range.end;
  };
  using Kind = Condition::Kind;
  EXPECT_TRUE(holds(Kind::equal, {"5"}, "5"));
  EXPECT_FALSE(holds(Kind::equal, {"5"}, "50"));
  EXPECT_TRUE(holds(Kind::less, {"5"}, "4.9"));
  EXPECT_FALSE(holds(Kind::less, {"5"}, "5"));
  EXPECT_TRUE(holds(Kind::less_equal, {"5"}, "5"));
  EXPECT_FALSE(holds(Kind::greater, {"5"}, "5"));
  EXPECT_TRUE(holds(Kind::greater, {"5"}, "5.1"));
  EXPECT_TRUE(holds(Kind::greater_equal, {"5"}, "5"));
  EXPECT_TRUE(holds(Kind::between, {"-1", "5"}, "5"));
  EXPECT_FALSE(holds(Kind::between, {"-1", "5"}, "-2"));
}

TEST(KeyConditions, NameOneRowByAWholeKey) {
  auto t = table();
  using Kind = Condition::Kind;
  const auto five = N("5");
  const KeyCondition whole{S("a"), Kind::equal, {five}};
  EXPECT_EQ(row_of(t, nullptr, whole), keys::item(t.id, S("a"), &five));
  EXPECT_EQ(range_of(t, nullptr, whole).begin, keys::item(t.id, S("a"), &five));
  EXPECT_FALSE(row_of(t, nullptr, {S("a"), Kind::less_equal, {five}}));
  EXPECT_FALSE(row_of(t, nullptr, {S("a"), {}, {}}));
  Index index;
  index.id = 1;
  index.key = t.key;
  EXPECT_FALSE(row_of(t, &index, whole));  // an index may hold many items under one key
  t.key.range.clear();
  EXPECT_EQ(row_of(t, nullptr, {S("a"), {}, {}}), keys::item(t.id, S("a"), nullptr));
}

TEST(Segments, PartTheWholeTable) {
  const auto t = table();
  std::string end;
  for (std::uint64_t i = 0; i < 7; ++i) {
    const auto range = segment_of(t, nullptr, i, 7);
    if (i > 0) EXPECT_EQ(range.begin, end);
    EXPECT_LT(range.begin, range.end);
    end = range.end;
  }
  EXPECT_EQ(end, segment_of(t, nullptr, 0, 1).end);
}

TEST(Capacity, CountsAsAwsDoes) {
  EXPECT_EQ(read_units(0, true), 1);
  EXPECT_EQ(read_units(4096, true), 1);
  EXPECT_EQ(read_units(4097, true), 2);
  EXPECT_EQ(read_units(4097, false), 1);
  EXPECT_EQ(write_units(1024), 1);
  EXPECT_EQ(write_units(1025), 2);
}

TEST(Capacity, BurstsForFiveMinutesAndEarnsAgain) {
  base::Clock clock;
  Buckets buckets(clock);
  auto t = table();
  t.on_demand = false;
  t.throughput = {10, 10};
  t.indexes.clear();
  Consumed much;
  much.table = 3'000;
  buckets.admit(t, Direction::write);
  buckets.charge(t, Direction::write, much);
  EXPECT_FALSE(buckets.has_room(t, Direction::write));
  EXPECT_TRUE(buckets.has_room(t, Direction::read));
  EXPECT_THROW(buckets.admit(t, Direction::write), api::ProvisionedThroughputExceededException);
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(buckets.has_room(t, Direction::write));
  EXPECT_FALSE(buckets.has_room(t, Direction::write, nullptr, 3'000));
}

TEST(Order, OfRecordsHasNoGapsBelowTheHorizon) {
  Sequence sequence;
  sequence.begin_at(100);
  EXPECT_EQ(sequence.horizon(), 100U);
  {
    Sequence::Ticket slow(sequence);
    EXPECT_EQ(slow.draw(), 100U);
    {
      Sequence::Ticket quick(sequence);
      EXPECT_EQ(quick.draw(), 101U);
      EXPECT_EQ(quick.draw(), 102U);
    }
    EXPECT_EQ(sequence.horizon(), 100U);  // 101 and 102 are there, 100 may still come
    slow.restart();
    EXPECT_EQ(sequence.horizon(), 103U);
    EXPECT_EQ(slow.draw(), 103U);
    EXPECT_EQ(sequence.horizon(), 103U);
  }
  EXPECT_EQ(sequence.horizon(), 104U);
}

TEST(Keys, ChangesSortByTimeAndNameTheirItem) {
  const auto item = keys::item(7, S("a"), nullptr);
  EXPECT_LT(keys::change(7, 5, 900, item), keys::change(7, 6, 1, item));
  EXPECT_LT(keys::change(7, 5, 1, item), keys::change(7, 5, 2, keys::item(7, S("0"), nullptr)));
  EXPECT_LT(keys::change(7, 5, ~std::uint64_t{0}, item), keys::changes_from(7, 6));
  EXPECT_LT(keys::changes_from(7, 6), keys::change(7, 6, 0, item));
  EXPECT_EQ(keys::item_of_change(9, keys::change(7, 5, 900, item)), keys::item(9, S("a"), nullptr));
}

TEST(Backups, ReadBackWhatTheyWrote) {
  auto source = table();
  source.recovery = Recovery{5, 17};
  source.copies = {{3, 4}};
  source.moment = 11;
  source.ttl_begins = true;
  source.origin = Origin{"a", "b", 12};
  const auto backup = new_backup(source, {2, 3}, "USER", "name", base::Timestamp{1489602797149});
  EXPECT_TRUE(backup.label.starts_with("01489602797149-"));
  const auto again = decode_backup(encode(backup));
  EXPECT_EQ(encode(again), encode(backup));
  EXPECT_EQ(again.table.recovery->since, 17);
  EXPECT_EQ(again.table.copies.at(0).moment, 4);
  EXPECT_EQ(again.table.origin->time, 12);
  const auto name = parse_backup_arn(backup.arn());
  ASSERT_TRUE(name);
  EXPECT_EQ(name->table, source.name);
  EXPECT_EQ(name->label, backup.label);
  EXPECT_FALSE(parse_backup_arn(source.arn()));
  Copy copy;
  copy.target = ~std::uint64_t{0};
  copy.cursor = std::string("\0\xff", 2);
  EXPECT_EQ(decode_copy(encode(copy)).cursor, copy.cursor);
  EXPECT_EQ(decode_copy(encode(copy)).target, copy.target);
  EXPECT_FALSE(decode_copy(encode(copy)).moment);
}

TEST(Restores, TakeOverWhatAwsTakesOver) {
  auto source = table();
  source.tags = {{"a", "b"}};
  source.ttl_attribute = "until";
  source.streams = {{"label", "NEW_IMAGE", true}};
  source.recovery = Recovery{};
  source.protected_from_deletion = true;
  const TableKey name{"000000000000", "us-east-1", "new"};
  const auto restored = define_restored(source, name, {}, {{}, source.arn(), 5}, base::Timestamp{9});
  EXPECT_EQ(restored.indexes.size(), 1);
  EXPECT_EQ(restored.indexes[0].status, "CREATING");
  EXPECT_NE(restored.id, source.id);
  EXPECT_TRUE(restored.tags.empty() && restored.ttl_attribute.empty() && restored.streams.empty());
  EXPECT_FALSE(restored.recovery || restored.protected_from_deletion);
  Overrides none;
  none.global.emplace();
  EXPECT_EQ(define_restored(source, name, none, {}, {}).attributes.count("color"), 0);
  Overrides provisioned;
  provisioned.billing = "PROVISIONED";
  EXPECT_THAT(error_of([&] { define_restored(source, name, provisioned, {}, {}); }), HasSubstr("must both be specified"));
  provisioned.throughput = api::ProvisionedThroughput{1, 1};
  EXPECT_THAT(error_of([&] { define_restored(source, name, provisioned, {}, {}); }), HasSubstr("by-color"));
  Overrides other = none;
  other.global->push_back({"by-color", {{"color", "HASH"}}, {}});
  other.global->back().Projection.ProjectionType = "ALL";
  EXPECT_THAT(error_of([&] { define_restored(source, name, other, {}, {}); }), HasSubstr("does not match"));
}

}  // namespace
}  // namespace lambari::dynamodb
