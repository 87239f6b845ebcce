// DynamoDB's attribute values, as the expression language and the item store see them.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lang/dynamodb_number.h"

namespace lambari::lang::dynamodb {

enum class Type { S, N, B, SS, NS, BS, M, L, NULL_, BOOL };

std::string_view name_of(Type type);  // "S", "NULL"...

struct Value;
struct Null {
  bool operator==(const Null&) const = default;
};
struct Binary {
  std::string bytes;
  bool operator==(const Binary&) const = default;
  auto operator<=>(const Binary&) const = default;
};
// Sets hold at least one element and no duplicates, in the order in which they were given; they are equal in any order.
template <class Element>
struct Set {
  std::vector<Element> elements;
};
using StringSet = Set<std::string>;
using NumberSet = Set<Number>;
using BinarySet = Set<Binary>;
using Map = std::map<std::string, Value, std::less<>>;
using List = std::vector<Value>;
using Item = Map;

struct Value {
  std::variant<std::string, Number, Binary, StringSet, NumberSet, BinarySet, Map, List, Null, bool> of;  // in the order of Type

  Type type() const { return static_cast<Type>(of.index()); }
  const std::string* string() const { return std::get_if<std::string>(&of); }
  const Number* number() const { return std::get_if<Number>(&of); }
  const Binary* binary() const { return std::get_if<Binary>(&of); }
  const Map* map() const { return std::get_if<Map>(&of); }
  const List* list() const { return std::get_if<List>(&of); }
  Map* map() { return std::get_if<Map>(&of); }
  List* list() { return std::get_if<List>(&of); }
};

// Numbers by value, sets without regard to order.
bool operator==(const Value& a, const Value& b);

// For strings (UTF-8 bytes), numbers and binaries of the same type; unordered for everything else.
std::partial_ordering compare(const Value& a, const Value& b);

// In bytes, as DynamoDB counts an item's size.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
std::size_t size_of(const Value& value);
std::size_t size_of(const Item& item);  // names and values

// How deep documents nest in it: 0 for a scalar or set, 1 for an empty map.
int depth_of(const Value& value);

}  // namespace lambari::lang::dynamodb
