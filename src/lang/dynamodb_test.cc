#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lang/dynamodb_condition.h"
#include "lang/dynamodb_projection.h"
#include "lang/dynamodb_reserved.h"
#include "lang/dynamodb_update.h"

namespace lambari::lang::dynamodb {
namespace {

using testing::HasSubstr;

Value S(std::string text) { return {std::move(text)}; }
Value N(std::string_view text) { return {Number::parse(text)}; }
Value B(std::string bytes) { return {Binary{std::move(bytes)}}; }
Value SS(std::vector<std::string> all) { return {StringSet{std::move(all)}}; }
Value NS(const std::vector<std::string>& all) {
  NumberSet set;
  for (const auto& each : all) set.elements.push_back(Number::parse(each));
  return {std::move(set)};
}
Value L(List list) { return {std::move(list)}; }
Value M(Map map) { return {std::move(map)}; }

std::string error_of(const auto& work) {
  try {
    work();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

// ---- numbers ----

TEST(DynamodbNumber, IsGivenBackPlain) {
  for (const auto& [given, plain] : std::vector<std::pair<std::string, std::string>>{
           {"0", "0"},
           {"-0", "0"},
           {"0.000", "0"},
           {"007", "7"},
           {"1.50", "1.5"},
           {"+3", "3"},
           {".5", "0.5"},
           {"5.", "5"},
           {"1e3", "1000"},
           {"1E-3", "0.001"},
           {"-12.30e1", "-123"},
           {"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
           {"1e125", "1" + std::string(125, '0')},
           {"1e-130", "0." + std::string(129, '0') + "1"},
           {"10000000000000000000000000000000000000000", "10000000000000000000000000000000000000000"},
           {"0e999999999", "0"}}) {
    EXPECT_EQ(Number::parse(given).text(), plain) << given;
  }
}

TEST(DynamodbNumber, RefusesInAwsWords) {
  for (const auto& [given, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "The parameter cannot be converted to a numeric value"},
           {"abc", "The parameter cannot be converted to a numeric value: abc"},
           {"1.2.3", "cannot be converted"},
           {"1e", "cannot be converted"},
           {"--1", "cannot be converted"},
           {" 1", "cannot be converted"},
           {"NaN", "cannot be converted"},
           {"0x1", "cannot be converted"},
           {"1e126", "Number overflow"},
           {"-1e126", "Number overflow"},
           {"1e-131", "Number underflow"},
           {"1e99999999999", "Number overflow"},
           {"1e-99999999999", "Number underflow"},
           {"123456789012345678901234567890123456789", "more than 38 significant digits"}}) {
    EXPECT_THAT(error_of([&] { Number::parse(given); }), HasSubstr(words)) << given;
  }
}

TEST(DynamodbNumber, OrdersAsValuesAndAsBytes) {
  const std::vector<std::string> ascending{"-9.9e125", "-1e100", "-123.5", "-123.45", "-123", "-1",  "-0.99", "-0.1",
                                           "-1e-130",  "0",      "1e-130", "0.001",   "0.01", "0.1", "0.9",   "1",
                                           "1.001",    "9",      "10",     "99",      "99.5", "100", "1e20",  "1e125"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const auto a = Number::parse(ascending[i]);
    std::size_t length = 0;
    EXPECT_EQ(Number::from_sortable(a.sortable() + "tail", length), a) << ascending[i];
    EXPECT_EQ(length, a.sortable().size());
    EXPECT_LE(length, 22U);
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      const auto b = Number::parse(ascending[j]);
      EXPECT_EQ(a <=> b, i <=> j) << ascending[i] << " " << ascending[j];
      EXPECT_EQ(a.sortable() <=> b.sortable(), i <=> j) << ascending[i] << " " << ascending[j];
    }
  }
}

TEST(DynamodbNumber, AddsExactly) {
  for (const auto& [a, b, sum] :
       std::vector<std::tuple<std::string, std::string, std::string>>{{"1", "2", "3"},
                                                                      {"0.1", "0.2", "0.3"},
                                                                      {"5", "-5", "0"},
                                                                      {"1e38", "-1", "99999999999999999999999999999999999999"},
                                                                      {"-1.5", "0.5", "-1"},
                                                                      {"99", "1", "100"},
                                                                      {"1e-130", "0", "0." + std::string(129, '0') + "1"}}) {
    EXPECT_EQ((Number::parse(a) + Number::parse(b)).text(), sum) << a << " + " << b;
    EXPECT_EQ((Number::parse(sum) - Number::parse(b)).text(), Number::parse(a).text());
  }
  EXPECT_THAT(error_of([] { Number::parse("1e100") + Number::parse("1"); }), HasSubstr("38 significant digits"));
  EXPECT_THAT(error_of([] { Number::parse("9.9e125") + Number::parse("9.9e125"); }), HasSubstr("overflow"));
}

TEST(DynamodbValue, SizesAndEquality) {
  EXPECT_EQ(size_of(Item{{"id", S("abc")}}), 5U);
  EXPECT_EQ(size_of(Item{{"m", M({{"k", S("v")}})}}), 1U + 3 + 1 + 1 + 1);
  EXPECT_EQ(size_of(Item{{"l", L({S("ab"), N("1")})}}), 1U + 3 + 3 + 3);
  EXPECT_EQ(size_of(Item{{"n", {Null{}}}, {"b", {true}}}), 4U);
  EXPECT_EQ(SS({"a", "b"}), SS({"b", "a"}));
  EXPECT_FALSE(SS({"a", "b"}) == SS({"a"}));
  EXPECT_EQ(NS({"1.0", "2"}), NS({"2", "1"}));
  EXPECT_FALSE(S("1") == N("1"));
  EXPECT_EQ(depth_of(M({{"a", L({M({})})}})), 3);
}

// ---- expressions ----

const Item kItem{{"id", S("x")},
                 {"n", N("5")},
                 {"s", S("hello")},
                 {"tags", SS({"red", "blue"})},
                 {"bin", B("\x01\x02\x03")},
                 {"doc", M({{"a", M({{"b", N("1")}})}, {"entries", L({S("zero"), S("one"), M({{"deep", S("d")}})})}})},
                 {"flag", {true}},
                 {"nothing", {Null{}}}};

const std::map<std::string, std::string> kNames{{"#s", "s"}, {"#d", "doc"}};
const std::map<std::string, Value> kValues{{":five", N("5.0")},
                                           {":six", N("6")},
                                           {":hello", S("hello")},
                                           {":he", S("he")},
                                           {":red", S("red")},
                                           {":SS", S("SS")},
                                           {":bad", S("X")},
                                           {":t", {true}},
                                           {":one", N("1")},
                                           {":zero", S("zero")},
                                           {":b", B("\x01")},
                                           {":list", L({S("z")})},
                                           {":set", SS({"red", "green"})},
                                           {":map", M({})},
                                           {":null", {Null{}}}};

bool check(std::string_view text) {
  Placeholders placeholders(kNames, kValues);
  return holds(parse_condition("ConditionExpression", text, placeholders), kItem);
}

TEST(DynamodbCondition, Holds) {
  for (const char* text : {"n = :five",
                           "n <> :six",
                           "gone <> :six",
                           "n < :six",
                           "n <= :five",
                           "n > :one",
                           "n >= :five",
                           ":five = n",
                           "#s = :hello",
                           "n BETWEEN :one AND :six",
                           "n between :five and :five",
                           "s IN (:he, :hello)",
                           "attribute_exists(doc.a.b)",
                           "attribute_not_exists(doc.a.c)",
                           "attribute_not_exists(doc.a.b.c)",
                           "attribute_exists(doc.entries[2].deep)",
                           "attribute_not_exists(doc.entries[3])",
                           "attribute_type(tags, :SS)",
                           "begins_with(s, :he)",
                           "begins_with(bin, :b)",
                           "contains(s, :he)",
                           "contains(tags, :red)",
                           "contains(#d.entries, :zero)",
                           "size(s) = :five",
                           "size(tags) < :five",
                           "NOT n = :six",
                           "NOT (n = :six) AND n = :five",
                           "n = :six OR n = :five AND s = :hello",
                           "(n = :six OR n = :five) AND s = :hello",
                           "n = :five and (s = :hello or (n = :six))",
                           "doc.a.b = :one",
                           "flag = :t",
                           "nothing = :null",
                           "size(doc) >= :one",
                           "(n) = :five",
                           "((n = :six) OR (n = :five))",
                           "not not n = :five",
                           "NOT contains(s, :red)"}) {
    EXPECT_TRUE(check(text)) << text;
  }
  for (const char* text : {"n = :hello", "n <> :five", "gone = :six", "gone < :six", "s < :six", "s IN (:he, :red)",
                           "attribute_exists(gone)", "attribute_type(n, :SS)", "begins_with(n, :he)", "contains(n, :red)",
                           "size(n) = :one", "NOT n = :five", "n = :six OR n = :six", "contains(s, :five)"}) {
    EXPECT_FALSE(check(text)) << text;
  }
}

TEST(DynamodbCondition, ErrorsInAwsWords) {
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "Invalid ConditionExpression: The expression can not be empty;"},
           {"INVALID SYNTAX HERE", "Syntax error; token: \"SYNTAX\", near: \"INVALID SYNTAX HERE\""},
           {"n = ", "Syntax error; token: \"<EOF>\", near: \"= \""},
           {"n ! :five", "Syntax error; token: \"!\", near: \"n ! :five\""},
           {"n = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"},
           {"#nope = :five", "An expression attribute name used in the document path is not defined; attribute name: #nope"},
           {"status = :five", "Attribute name is a reserved keyword; reserved keyword: status"},
           {"((n = :five))", "The expression has redundant parentheses;"},
           {"unknown(n)", "Invalid function name; function: unknown"},
           {"size(n)", "The function is not allowed to be used this way in an expression; function: size"},
           {"contains(n, :five) = :t", "The function is not allowed to be used this way in an expression; function: contains"},
           {"begins_with(n)",
            "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1"},
           {"n = n",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first "
            "operand: [n]"},
           {"attribute_exists(:five)", "Operator or function requires a document path; operator or function: attribute_exists"},
           {"attribute_type(n, :bad)", "Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
           {"attribute_type(n, :five)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N"},
           {"begins_with(s, :five)", "operator or function: begins_with, operand type: N"},
           {"n < :t", "operand type: BOOL"},
           {"n BETWEEN :six AND :one",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
            "AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:1}"},
           {"n BETWEEN :six AND :he", "The BETWEEN operator requires same data type for lower and upper bounds"},
           {"n = :five AND", "Syntax error"},
           {"n", "Syntax error"},
           {"n = :five s = :he", "Syntax error"},
           {"a[x] = :five", "Syntax error"}}) {
    EXPECT_THAT(error_of([&] { check(text); }), HasSubstr(words)) << text;
  }
  EXPECT_THAT(error_of([&] { check(std::string(4097, 'a')); }),
              HasSubstr("exceeded the maximum allowed size; expression size: 4097"));
  std::string many = "n = :five";
  for (int i = 0; i < 200; ++i) many += " OR n = :five";
  EXPECT_THAT(error_of([&] { check(many); }), HasSubstr("too many operators"));
}

TEST(DynamodbCondition, KnowsWhatWasUsed) {
  Placeholders placeholders(kNames, kValues);
  parse_condition("FilterExpression", "#s = :five", placeholders);
  EXPECT_FALSE(placeholders.unused_names().contains("#s"));
  EXPECT_TRUE(placeholders.unused_names().contains("#d"));
  EXPECT_FALSE(placeholders.unused_values().contains(":five"));
  EXPECT_TRUE(placeholders.unused_values().contains(":six"));
}

TEST(DynamodbProjection, CutsOutWhatIsAskedFor) {
  Placeholders placeholders(kNames, {});
  const auto paths = parse_projection("id, #d.entries[2].deep, doc.entries[0], gone, n.x", placeholders);
  EXPECT_EQ(project(kItem, paths), (Item{{"id", S("x")}, {"doc", M({{"entries", L({S("zero"), M({{"deep", S("d")}})})}})}}));
  const auto bad = [&](std::string_view text) { return error_of([&] { parse_projection(text, placeholders); }); };
  EXPECT_THAT(bad("!!"), HasSubstr("Invalid ProjectionExpression: Syntax error; token: \"!\", near: \"!!\""));
  EXPECT_THAT(bad("a.b, a"), HasSubstr("Two document paths overlap with each other; must remove or rewrite one of these paths; "
                                       "path one: [a, b], path two: [a]"));
  EXPECT_THAT(bad("a.b, a[1]"), HasSubstr("Two document paths conflict"));
  EXPECT_THAT(bad("id,"), HasSubstr("token: \"<EOF>\""));
}

Item updated(std::string_view text) {
  Placeholders placeholders(kNames, kValues);
  auto item = kItem;
  update_item(parse_update(text, placeholders), item);
  return item;
}

TEST(DynamodbUpdate, ChangesItems) {
  EXPECT_EQ(updated("SET n = :six").at("n"), N("6"));
  EXPECT_EQ(updated("SET n = n + :one, former = n").at("former"), N("5"));
  EXPECT_EQ(updated("SET n = :one - n").at("n"), N("-4"));
  EXPECT_EQ(updated("SET fresh = if_not_exists(n, :six), fallback = if_not_exists(gone, :six)").at("fallback"), N("6"));
  EXPECT_EQ(updated("SET c = if_not_exists(c, :one) + :one").at("c"), N("2"));
  EXPECT_EQ(*find(updated("SET #d.entries = list_append(doc.entries, :list)"), {"doc", "entries", std::size_t{3}}), S("z"));
  EXPECT_EQ(*find(updated("SET doc.entries[9] = :one, doc.entries[8] = :six"), {"doc", "entries", std::size_t{3}}), N("6"));
  EXPECT_EQ(*find(updated("REMOVE doc.entries[0], doc.entries[1]"), {"doc", "entries", std::size_t{0}}), M({{"deep", S("d")}}));
  EXPECT_FALSE(updated("REMOVE n").contains("n"));
  EXPECT_EQ(updated("ADD n :one").at("n"), N("6"));
  EXPECT_EQ(updated("ADD fresh :one").at("fresh"), N("1"));
  EXPECT_EQ(updated("ADD tags :set").at("tags"), SS({"red", "blue", "green"}));
  EXPECT_EQ(updated("DELETE tags :set").at("tags"), SS({"blue"}));
  EXPECT_EQ(updated("DELETE gone :set").contains("gone"), false);
  const auto all = updated("set n = :six remove s add fresh :one delete tags :set");
  EXPECT_EQ(all.at("n"), N("6"));
  EXPECT_FALSE(all.contains("s"));
}

TEST(DynamodbUpdate, ErrorsInAwsWords) {
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "Invalid UpdateExpression: The expression can not be empty;"},
           {"INVALID SYNTAX HERE", "Invalid UpdateExpression: Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\""},
           {"SET n = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"},
           {"SET n = :one SET s = :he", "The \"SET\" section can only be used once in an update expression;"},
           {"SET n = :one, n = :six",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: "
            "[n]"},
           {"SET n = nope(:one)", "Invalid function name; function: nope"},
           {"SET n = if_not_exists(n)", "number of operands: 1"},
           {"SET n = list_append(:one, :list)", "operator or function: list_append, operand type: N"},
           {"SET n = n + :he", "operator or function: +, operand type: S"},
           {"ADD n :he", "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
           {"DELETE n :one", "operator: DELETE, operand type: NUMBER"},
           {"SET a = gone", "The provided expression refers to an attribute that does not exist in the item"},
           {"SET gone.x = :one", "The document path provided in the update expression is invalid for update"},
           {"SET n.x = :one", "The document path provided in the update expression is invalid for update"},
           {"SET n = s + :one", "An operand in the update expression has an incorrect data type"},
           {"ADD s :one", "An operand in the update expression has an incorrect data type"},
           {"SET status = :one", "reserved keyword: status"}}) {
    EXPECT_THAT(error_of([&] { updated(text); }), HasSubstr(words)) << text;
  }
}

TEST(DynamodbReserved, WhateverTheCase) {
  for (const char* word : {"ABORT", "zone", "Status", "name", "DATA", "hash", "Values"}) EXPECT_TRUE(is_reserved(word)) << word;
  for (const char* word : {"id", "pk", "", "abortx", "_name"}) EXPECT_FALSE(is_reserved(word)) << word;
}

}  // namespace
}  // namespace lambari::lang::dynamodb
