// Condition, filter and key condition expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "lang/dynamodb_path.h"
#include "lang/dynamodb_tokens.h"
#include "lang/dynamodb_value.h"

namespace lambari::lang::dynamodb {

// A node of the tree. Which members mean something depends on the kind.
struct Condition {
  enum class Kind {
    // operands
    path,
    value,
    size,  // of its one child
    // conditions
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    between,  // child 0 between 1 and 2
    in,       // child 0 among the rest
    attribute_exists,
    attribute_not_exists,
    attribute_type,
    begins_with,
    contains,
    all,  // AND
    any,  // OR
    negation,
  };
  Kind kind = Kind::all;
  Path path;
  Value value;
  std::vector<Condition> children;

  static Condition of_path(Path path) { return {Kind::path, std::move(path), {}, {}}; }
  static Condition of_value(Value value) { return {Kind::value, {}, std::move(value), {}}; }
  static Condition of(Kind kind, std::vector<Condition> children) { return {kind, {}, {}, std::move(children)}; }

  bool is_operand() const { return kind <= Kind::size; }
};

// `kind` as messages name it: "ConditionExpression", "FilterExpression", "KeyConditionExpression".
// Throws ExpressionError. An expression has at most 4 KiB, and at most 300 operators, functions and parentheses.
Condition parse_condition(std::string_view kind, std::string_view text, Placeholders& placeholders);

// What does not exist equals nothing and is less or greater than nothing; values of different types are unequal.
bool holds(const Condition& condition, const Item& item);

// Every path in it, in order of appearance.
std::vector<Path> paths_of(const Condition& condition);

}  // namespace lambari::lang::dynamodb
