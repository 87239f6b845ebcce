#include "services/dynamodb/conditions.h"

#include <algorithm>
#include <set>

#include "services/dynamodb/convert.h"

namespace lambari::dynamodb {
namespace {

using Kind = Condition::Kind;

struct Comparison {
  std::string_view name;
  Kind kind;
  std::size_t fewest, most;  // values
};
constexpr std::size_t kAny = 100;
constexpr Comparison kComparisons[] = {{"EQ", Kind::equal, 1, 1},
                                       {"NE", Kind::not_equal, 1, 1},
                                       {"LE", Kind::less_equal, 1, 1},
                                       {"LT", Kind::less, 1, 1},
                                       {"GE", Kind::greater_equal, 1, 1},
                                       {"GT", Kind::greater, 1, 1},
                                       {"NOT_NULL", Kind::attribute_exists, 0, 0},
                                       {"NULL", Kind::attribute_not_exists, 0, 0},
                                       {"CONTAINS", Kind::contains, 1, 1},
                                       {"NOT_CONTAINS", Kind::contains, 1, 1},
                                       {"BEGINS_WITH", Kind::begins_with, 1, 1},
                                       {"IN", Kind::in, 1, kAny},
                                       {"BETWEEN", Kind::between, 2, 2}};

std::string names_of(const Given& given) {
  std::string out = "{";
  for (const auto& [name, there] : given) {
    if (there) out += (out.size() > 1 ? ", " : "") + std::string(name);
  }
  return out + "}";
}

bool any(const Given& given) {
  return std::any_of(given.begin(), given.end(), [](const auto& each) { return each.second; });
}

Condition comparison(const std::string& name, const std::string& op, const std::vector<WireValue>& given) {
  const auto* it =
      std::find_if(std::begin(kComparisons), std::end(kComparisons), [&](const auto& each) { return each.name == op; });
  if (it == std::end(kComparisons)) invalid("Unsupported ComparisonOperator: " + op);
  if (given.size() < it->fewest || given.size() > it->most) {
    invalid_values("Invalid number of argument(s) for the " + op + " ComparisonOperator");
  }
  std::vector<Condition> children{Condition::of_path({name})};
  for (const auto& each : given) {
    auto value = from_wire(each);
    const auto type = value.type();
    const bool scalar = type == Type::S || type == Type::N || type == Type::B;
    const bool needs_scalar = it->kind == Kind::less || it->kind == Kind::less_equal || it->kind == Kind::greater ||
                              it->kind == Kind::greater_equal || it->kind == Kind::between || it->kind == Kind::in;
    const bool needs_text = it->kind == Kind::begins_with;
    if ((needs_scalar && !scalar) || (needs_text && type != Type::S && type != Type::B)) {
      invalid_values("ComparisonOperator " + op + " is not valid for " + std::string(name_of(type)) + " AttributeValue type");
    }
    if (children.size() > 1 && (it->kind == Kind::between || it->kind == Kind::in) && children[1].value.type() != type) {
      invalid_values("AttributeValues inside AttributeValueList must all be of the same type");
    }
    children.push_back(Condition::of_value(std::move(value)));
  }
  if (it->kind == Kind::between && compare(children[1].value, children[2].value) > 0) {
    invalid_values("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
  }
  auto out = Condition::of(it->kind, std::move(children));
  if (op != "NOT_CONTAINS") return out;
  std::vector<Condition> inner;
  inner.push_back(std::move(out));
  return Condition::of(Kind::negation, std::move(inner));
}

std::optional<Condition> together(std::vector<Condition> all, const std::optional<std::string>& conditional_operator) {
  if (all.empty()) {
    if (conditional_operator) invalid("ConditionalOperator cannot be used without Filter or Expected");
    return std::nullopt;
  }
  if (conditional_operator && all.size() < 2) {
    invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements");
  }
  return Condition::of(conditional_operator == "OR" ? Kind::any : Kind::all, std::move(all));
}

Condition expected_one(const std::string& name, const aws::dynamodb::ExpectedAttributeValue& expected) {
  if (expected.ComparisonOperator) {
    if (expected.Exists) {
      invalid_values("Exists and ComparisonOperator cannot be used together for Attribute: " + name);
    }
    if (expected.Value && expected.AttributeValueList) {
      invalid_values("Value and AttributeValueList cannot be used together for Attribute: " + name);
    }
    std::vector<WireValue> values;
    if (expected.AttributeValueList) values = *expected.AttributeValueList;
    if (expected.Value) values.push_back(*expected.Value);
    return comparison(name, *expected.ComparisonOperator, values);
  }
  if (expected.AttributeValueList) {
    invalid_values("AttributeValueList can only be used with a ComparisonOperator for Attribute: " + name);
  }
  if (!expected.Exists.value_or(true)) {
    if (expected.Value) {
      invalid_values("Value cannot be used when Exists is set to false for Attribute: " + name);
    }
    return comparison(name, "NULL", {});
  }
  if (!expected.Value) {
    invalid_values("Value must be provided when Exists is " + std::string(expected.Exists ? "true" : "null") +
                   " for Attribute: " + name);
  }
  return comparison(name, "EQ", {*expected.Value});
}

// The parts of an AND, whatever its nesting.
void flatten(const Condition& condition, std::vector<const Condition*>& out) {
  if (condition.kind != Kind::all) {
    out.push_back(&condition);
    return;
  }
  for (const auto& child : condition.children) flatten(child, out);
}

// A comparison with the value on the left, turned around.
Kind mirrored(Kind kind) {
  switch (kind) {
    case Kind::less: return Kind::greater;
    case Kind::less_equal: return Kind::greater_equal;
    case Kind::greater: return Kind::less;
    case Kind::greater_equal: return Kind::less_equal;
    default: return kind;
  }
}

}  // namespace

void check_not_mixed(const Given& legacy, const Given& expressions) {
  if (!any(legacy) || !any(expressions)) return;
  invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: " +
          names_of(legacy) + " Expression parameters: " + names_of(expressions));
}

std::optional<Condition> from_expected(const std::map<std::string, aws::dynamodb::ExpectedAttributeValue>& expected,
                                       const std::optional<std::string>& conditional_operator) {
  std::vector<Condition> all;
  for (const auto& [name, each] : expected) all.push_back(expected_one(name, each));
  return together(std::move(all), conditional_operator);
}

std::optional<Condition> from_conditions(const std::map<std::string, aws::dynamodb::Condition>& conditions,
                                         const std::optional<std::string>& conditional_operator) {
  std::vector<Condition> all;
  for (const auto& [name, each] : conditions) {
    all.push_back(comparison(name, each.ComparisonOperator, each.AttributeValueList.value_or(std::vector<WireValue>{})));
  }
  return together(std::move(all), conditional_operator);
}

lang::dynamodb::Update from_attribute_updates(const std::map<std::string, aws::dynamodb::AttributeValueUpdate>& updates) {
  lang::dynamodb::Update out;
  for (const auto& [name, each] : updates) {
    const auto action = each.Action.value_or("PUT");
    if (!each.Value) {
      if (action != "DELETE") invalid_values("Only DELETE action is allowed when no attribute value is specified");
      out.remove.push_back({name});
      continue;
    }
    auto value = from_wire(*each.Value);
    const auto type = value.type();
    const bool set = type == Type::SS || type == Type::NS || type == Type::BS;
    if (action == "PUT") {
      lang::dynamodb::UpdateOperand operand;
      operand.kind = lang::dynamodb::UpdateOperand::Kind::value;
      operand.value = std::move(value);
      out.set.push_back({{name}, std::move(operand)});
    } else if (action == "ADD") {
      if (type == Type::L) {  // appends, in the older parameters only
        lang::dynamodb::UpdateOperand path, fresh, empty, old, sum;
        using Operand = lang::dynamodb::UpdateOperand::Kind;
        path.path = {name};
        empty.kind = fresh.kind = Operand::value;
        empty.value = {List{}};
        fresh.value = std::move(value);
        old.kind = Operand::if_not_exists;
        old.operands = {path, empty};
        sum.kind = Operand::list_append;
        sum.operands = {old, fresh};
        out.set.push_back({{name}, std::move(sum)});
        continue;
      }
      if (!set && type != Type::N) {
        invalid_values("ADD action is not supported for the type " + std::string(name_of(type)));
      }
      out.add.push_back({{name}, std::move(value)});
    } else {
      if (!set) {
        invalid_values("DELETE action with value is not supported for the type " + std::string(name_of(type)));
      }
      out.erase.push_back({{name}, std::move(value)});
    }
  }
  return out;
}

std::vector<Path> from_attributes_to_get(const std::vector<std::string>& names) {
  std::vector<Path> out;
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second) invalid_values("Duplicate value in attribute name: " + name);
    out.push_back({name});
  }
  return out;
}

KeyCondition key_condition(const Condition& condition, const KeySchema& key, const std::map<std::string, std::string>& types) {
  std::vector<const Condition*> parts;
  flatten(condition, parts);
  KeyCondition out;
  bool has_hash = false;
  const auto refuse = [](const char* what) { invalid(std::string("Invalid operator used in KeyConditionExpression: ") + what); };
  for (const auto* part : parts) {
    auto kind = part->kind;
    switch (kind) {
      case Kind::any: refuse("OR"); break;
      case Kind::negation: refuse("NOT"); break;
      case Kind::in: refuse("IN"); break;
      case Kind::not_equal: refuse("<>"); break;
      case Kind::contains: refuse("contains"); break;
      case Kind::attribute_exists: refuse("attribute_exists"); break;
      case Kind::attribute_not_exists: refuse("attribute_not_exists"); break;
      case Kind::attribute_type: refuse("attribute_type"); break;
      default: break;
    }
    const Condition* path = nullptr;
    std::vector<Value> values;
    for (std::size_t i = 0; i < part->children.size(); ++i) {
      const auto& child = part->children[i];
      if (child.kind == Kind::path && path == nullptr && (i == 0 || part->children.size() == 2)) {
        if (i == 1) kind = mirrored(kind);
        path = &child;
      } else if (child.kind == Kind::value) {
        values.push_back(child.value);
      } else {
        invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition");
      }
    }
    if (path == nullptr) {
      invalid("Invalid condition in KeyConditionExpression: No key attribute specified");
    }
    if (path->path.size() > 1) {
      invalid("Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes");
    }
    const auto& name = std::get<std::string>(path->path.front());
    const bool hash = name == key.hash;
    if (!hash && (key.range.empty() || name != key.range)) {
      invalid(parts.size() > 1 && has_hash ? "Query key condition not supported"
                                           : "Query condition missed key schema element: " + (has_hash ? key.range : key.hash));
    }
    for (const auto& value : values) {
      if (name_of(value.type()) != types.at(name)) invalid_values("Condition parameter type does not match schema type");
    }
    if (hash) {
      if (has_hash) invalid("KeyConditionExpressions must only contain one condition per key");
      if (kind != Kind::equal) invalid("Query key condition not supported");
      if (values[0].string() != nullptr && values[0].string()->empty()) {
        invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string "
            "value. "
            "Key: " +
            name);
      }
      out.hash = values[0];
      has_hash = true;
    } else {
      if (out.kind) invalid("KeyConditionExpressions must only contain one condition per key");
      out.kind = kind;
      out.values = std::move(values);
    }
  }
  if (!has_hash) invalid("Query condition missed key schema element: " + key.hash);
  return out;
}

}  // namespace lambari::dynamodb
