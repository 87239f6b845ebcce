#include "services/dynamodb/convert.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "wire/fault.h"

namespace lambari::dynamodb {
namespace {

using lang::dynamodb::BinarySet;
using lang::dynamodb::NumberSet;
using lang::dynamodb::StringSet;

constexpr int kMaxDepth = 32;

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const auto& each : all) out += (out.empty() ? "" : ", ") + each;
  return out;
}

bool has_duplicates(const std::vector<std::string>& all) {
  return std::set<std::string_view>(all.begin(), all.end()).size() != all.size();
}

Number number_of(const std::string& text) {
  return in_words_of_aws([&] { return Number::parse(text); });
}

Value string_set(const std::vector<std::string>& all) {
  if (all.empty()) invalid_values("An string set  may not be empty");
  if (has_duplicates(all)) invalid_values("Input collection [" + joined(all) + "] contains duplicates.");
  return {StringSet{all}};
}

Value number_set(const std::vector<std::string>& all) {
  if (all.empty()) invalid_values("An number set  may not be empty");
  NumberSet set;
  std::set<std::string> seen;
  for (const auto& text : all) {
    set.elements.push_back(number_of(text));
    if (!seen.insert(set.elements.back().sortable()).second) invalid("Input collection contains duplicates");
  }
  return {std::move(set)};
}

Value binary_set(const std::vector<std::string>& all) {
  if (all.empty()) invalid_values("Binary sets should not be empty");
  if (has_duplicates(all)) {
    std::vector<std::string> spelled;
    for (const auto& each : all) spelled.push_back(base::base64(each));
    invalid_values("Input collection [" + joined(spelled) + "]of type BS contains duplicates.");
  }
  BinarySet set;
  for (const auto& each : all) set.elements.push_back({each});
  return {std::move(set)};
}

Value convert(const WireValue& value, int depth) {
  const int given = value.S.has_value() + value.N.has_value() + value.B.has_value() + value.SS.has_value() +
                    value.NS.has_value() + value.BS.has_value() + value.M.has_value() + value.L.has_value() +
                    value.NULL_.has_value() + value.BOOL.has_value();
  if (given == 0) invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  if (given > 1) {
    invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
  }
  if (value.S) return {*value.S};
  if (value.N) return {number_of(*value.N)};
  if (value.B) return {Binary{*value.B}};
  if (value.SS) return string_set(*value.SS);
  if (value.NS) return number_set(*value.NS);
  if (value.BS) return binary_set(*value.BS);
  if (value.BOOL) return {*value.BOOL};
  if (value.NULL_) {
    if (!*value.NULL_) invalid_values("Null attribute value types must have the value of true");
    return {Null{}};
  }
  if (depth >= kMaxDepth) invalid("Nesting Levels have exceeded supported limits");
  if (value.M) {
    Map map;
    for (const auto& [name, inner] : *value.M) map.emplace(name, convert(inner, depth + 1));
    return {std::move(map)};
  }
  List list;
  for (const auto& inner : *value.L) list.push_back(convert(inner, depth + 1));
  return {std::move(list)};
}

template <class Element>
std::vector<std::string> texts(const lang::dynamodb::Set<Element>& set, auto&& text) {
  std::vector<std::string> out;
  for (const auto& element : set.elements) out.push_back(text(element));
  return out;
}

// Both APIs have an AttributeValue of their own, alike in every member.
template <class Wire>
Wire spelled(const Value& value);

template <class Wire>
std::map<std::string, Wire> spelled(const Item& item) {
  std::map<std::string, Wire> out;
  for (const auto& [name, value] : item) out.emplace_hint(out.end(), name, spelled<Wire>(value));
  return out;
}

template <class Wire>
Wire spelled(const Value& value) {
  Wire out;
  std::visit(
      [&]<class T>(const T& inner) {
        if constexpr (std::is_same_v<T, std::string>) {
          out.S = inner;
        } else if constexpr (std::is_same_v<T, Number>) {
          out.N = inner.text();
        } else if constexpr (std::is_same_v<T, Binary>) {
          out.B = inner.bytes;
        } else if constexpr (std::is_same_v<T, StringSet>) {
          out.SS = inner.elements;
        } else if constexpr (std::is_same_v<T, NumberSet>) {
          out.NS = texts(inner, [](const Number& each) { return each.text(); });
        } else if constexpr (std::is_same_v<T, BinarySet>) {
          out.BS = texts(inner, [](const Binary& each) { return each.bytes; });
        } else if constexpr (std::is_same_v<T, Map>) {
          out.M = spelled<Wire>(inner);
        } else if constexpr (std::is_same_v<T, List>) {
          auto& list = out.L.emplace();
          for (const auto& each : inner) list.push_back(spelled<Wire>(each));
        } else if constexpr (std::is_same_v<T, Null>) {
          out.NULL_ = true;
        } else {
          out.BOOL = inner;
        }
      },
      value.of);
  return out;
}

}  // namespace

void check_table_name(const std::string& name, std::size_t shortest) {
  static const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  const auto fail = [&](const std::string& constraint) { violated("'" + name + "'", "tableName", constraint); };
  if (name.size() < shortest) fail("Member must have length greater than or equal to " + std::to_string(shortest));
  if (name.size() > 255) fail("Member must have length less than or equal to 255");
  if (!std::all_of(name.begin(), name.end(), allowed)) fail("Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
}

void violated(const std::string& value, const std::string& member, const std::string& constraint) {
  invalid("1 validation error detected: Value " + value + " at '" + member + "' failed to satisfy constraint: " + constraint);
}

void invalid(std::string message) { throw wire::Fault("ValidationException", std::move(message), 400); }

void invalid_values(const std::string& what) { invalid("One or more parameter values were invalid: " + what); }

Value from_wire(const WireValue& value) { return convert(value, 0); }

Item from_wire(const WireItem& item) {
  Item out;
  for (const auto& [name, value] : item) out.emplace_hint(out.end(), name, convert(value, 0));
  return out;
}

WireValue to_wire(const Value& value) { return spelled<WireValue>(value); }
WireItem to_wire(const Item& item) { return spelled<WireValue>(item); }

std::map<std::string, aws::dynamodbstreams::AttributeValue> to_stream_wire(const Item& item) {
  return spelled<aws::dynamodbstreams::AttributeValue>(item);
}

lang::dynamodb::Placeholders placeholders(const std::optional<std::map<std::string, std::string>>& names,
                                          const std::optional<WireItem>& values, bool has_expression, std::string_view missing,
                                          bool values_allowed) {
  if (names && !has_expression) invalid("ExpressionAttributeNames can only be specified when using expressions");
  if (values && (!has_expression || !values_allowed)) {
    invalid("ExpressionAttributeValues can only be specified when using expressions: " + std::string(missing));
  }
  if (names && names->empty()) invalid("ExpressionAttributeNames must not be empty");
  if (values && values->empty()) invalid("ExpressionAttributeValues must not be empty");
  std::map<std::string, Value> converted;
  if (names) {
    for (const auto& [name, attribute] : *names) {
      if (!name.starts_with("#") || name.size() < 2) {
        invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"" + name + "\"");
      }
      if (attribute.empty()) invalid("ExpressionAttributeNames contains invalid value for key " + name);
    }
  }
  if (values) {
    for (const auto& [name, value] : *values) {
      if (!name.starts_with(":") || name.size() < 2) {
        invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"" + name + "\"");
      }
      try {
        converted.emplace(name, from_wire(value));
      } catch (const wire::Fault& fault) {
        invalid("ExpressionAttributeValues contains invalid value: " + fault.message() + " for key " + name);
      }
    }
  }
  return {names ? *names : std::map<std::string, std::string>{}, std::move(converted)};
}

void check_used(const lang::dynamodb::Placeholders& placeholders) {
  const auto tell = [](std::string_view what, const std::set<std::string>& unused) {
    if (unused.empty()) return;
    invalid("Value provided in " + std::string(what) + " unused in expressions: keys: {" +
            joined({unused.begin(), unused.end()}) + "}");
  };
  tell("ExpressionAttributeNames", placeholders.unused_names());
  tell("ExpressionAttributeValues", placeholders.unused_values());
}

}  // namespace lambari::dynamodb
