#include "lang/dynamodb_condition.h"

#include <algorithm>
#include <optional>

namespace lambari::lang::dynamodb {
namespace {

using Kind = Condition::Kind;

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// What size() gives; nothing for types that have none.
std::optional<std::size_t> measure(const Value& value) {
  return std::visit(
      []<class T>(const T& inner) -> std::optional<std::size_t> {
        if constexpr (std::is_same_v<T, std::string>) {
          return characters(inner);
        } else if constexpr (std::is_same_v<T, Binary>) {
          return inner.bytes.size();
        } else if constexpr (requires { inner.elements; }) {
          return inner.elements.size();
        } else if constexpr (requires { inner.size(); } && !std::is_same_v<T, Number>) {
          return inner.size();
        } else {
          return std::nullopt;
        }
      },
      value.of);
}

// An operand seen in an item: where it lies, or what was computed.
class Operand {
 public:
  Operand(const Condition& node, const Item& item) {
    if (node.kind == Kind::path) {
      found_ = find(item, node.path);
    } else if (node.kind == Kind::value) {
      found_ = &node.value;
    } else {
      const Operand inner(node.children[0], item);
      const auto size = inner ? measure(*inner) : std::nullopt;
      if (!size) return;
      computed_ = Value{Number::parse(std::to_string(*size))};
      found_ = &*computed_;
    }
  }
  Operand(const Operand&) = delete;

  explicit operator bool() const { return found_ != nullptr; }
  const Value& operator*() const { return *found_; }

 private:
  std::optional<Value> computed_;
  const Value* found_ = nullptr;
};

template <class Element>
bool has(const Set<Element>& set, const Element& element) {
  return std::find(set.elements.begin(), set.elements.end(), element) != set.elements.end();
}

bool contains(const Value& whole, const Value& part) {
  if (const auto* list = whole.list()) return std::find(list->begin(), list->end(), part) != list->end();
  if (const auto* text = part.string()) {
    if (whole.string() != nullptr) return whole.string()->find(*text) != std::string::npos;
    if (const auto* set = std::get_if<StringSet>(&whole.of)) return has(*set, *text);
  }
  if (const auto* number = part.number()) {
    if (const auto* set = std::get_if<NumberSet>(&whole.of)) return has(*set, *number);
  }
  if (const auto* binary = part.binary()) {
    if (whole.binary() != nullptr) return whole.binary()->bytes.find(binary->bytes) != std::string::npos;
    if (const auto* set = std::get_if<BinarySet>(&whole.of)) return has(*set, *binary);
  }
  return false;
}

bool begins_with(const Value& whole, const Value& start) {
  if (whole.string() != nullptr && start.string() != nullptr) return whole.string()->starts_with(*start.string());
  if (whole.binary() != nullptr && start.binary() != nullptr) return whole.binary()->bytes.starts_with(start.binary()->bytes);
  return false;
}

}  // namespace

bool holds(const Condition& condition, const Item& item) {
  const auto& children = condition.children;
  const auto each = [&](const Condition& child) { return holds(child, item); };
  switch (condition.kind) {
    case Kind::all: return std::all_of(children.begin(), children.end(), each);
    case Kind::any: return std::any_of(children.begin(), children.end(), each);
    case Kind::negation: return !holds(children[0], item);
    default: break;
  }
  const Operand first(children[0], item);
  if (condition.kind == Kind::attribute_exists) return static_cast<bool>(first);
  if (condition.kind == Kind::attribute_not_exists) return !first;
  if (condition.kind == Kind::in) {
    return first && std::any_of(children.begin() + 1, children.end(), [&](const Condition& child) {
             const Operand other(child, item);
             return other && *first == *other;
           });
  }
  const Operand second(children[1], item);
  if (condition.kind == Kind::not_equal) return (first || second) && !(first && second && *first == *second);
  if (!first || !second) return false;
  switch (condition.kind) {
    case Kind::equal: return *first == *second;
    case Kind::less: return compare(*first, *second) < 0;
    case Kind::less_equal: return compare(*first, *second) <= 0;
    case Kind::greater: return compare(*first, *second) > 0;
    case Kind::greater_equal: return compare(*first, *second) >= 0;
    case Kind::attribute_type: return name_of((*first).type()) == *(*second).string();
    case Kind::begins_with: return begins_with(*first, *second);
    case Kind::contains: return contains(*first, *second);
    case Kind::between: {
      const Operand third(children[2], item);
      return third && compare(*first, *second) >= 0 && compare(*first, *third) <= 0;
    }
    default: return false;
  }
}

std::vector<Path> paths_of(const Condition& condition) {
  if (condition.kind == Kind::path) return {condition.path};
  std::vector<Path> out;
  for (const auto& child : condition.children) {
    auto below = paths_of(child);
    out.insert(out.end(), std::make_move_iterator(below.begin()), std::make_move_iterator(below.end()));
  }
  return out;
}

}  // namespace lambari::lang::dynamodb
