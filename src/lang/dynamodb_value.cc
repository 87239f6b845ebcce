#include "lang/dynamodb_value.h"

#include <algorithm>
#include <array>

namespace lambari::lang::dynamodb {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

template <class Element>
bool same_elements(const Set<Element>& a, const Set<Element>& b) {
  if (a.elements.size() != b.elements.size()) return false;
  auto left = a.elements, right = b.elements;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

}  // namespace

std::string_view name_of(Type type) {
  static constexpr std::array<std::string_view, 10> kNames{"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"};
  return kNames[static_cast<std::size_t>(type)];
}

bool operator==(const Value& a, const Value& b) {
  if (a.of.index() != b.of.index()) return false;
  return std::visit(
      [&]<class T>(const T& left) {
        const auto& right = std::get<T>(b.of);
        if constexpr (requires { left.elements; }) {
          return same_elements(left, right);
        } else {
          return left == right;
        }
      },
      a.of);
}

std::partial_ordering compare(const Value& a, const Value& b) {
  if (a.type() != b.type()) return std::partial_ordering::unordered;
  switch (a.type()) {
    case Type::S: return *a.string() <=> *b.string();
    case Type::N: return *a.number() <=> *b.number();
    case Type::B: return *a.binary() <=> *b.binary();
    default: return std::partial_ordering::unordered;
  }
}

std::size_t size_of(const Value& value) {
  return std::visit(Overloaded{
                        [](const std::string& text) { return text.size(); },
                        [](const Number& number) { return number.size(); },
                        [](const Binary& binary) { return binary.bytes.size(); },
                        [](const StringSet& set) {
                          std::size_t sum = 0;
                          for (const auto& element : set.elements) sum += element.size();
                          return sum;
                        },
                        [](const NumberSet& set) {
                          std::size_t sum = 0;
                          for (const auto& element : set.elements) sum += element.size();
                          return sum;
                        },
                        [](const BinarySet& set) {
                          std::size_t sum = 0;
                          for (const auto& element : set.elements) sum += element.bytes.size();
                          return sum;
                        },
                        [](const Map& map) {
                          std::size_t sum = 3;
                          for (const auto& [name, inner] : map) sum += name.size() + size_of(inner) + 1;
                          return sum;
                        },
                        [](const List& list) {
                          std::size_t sum = 3;
                          for (const auto& inner : list) sum += size_of(inner) + 1;
                          return sum;
                        },
                        [](Null) { return std::size_t{1}; },
                        [](bool) { return std::size_t{1}; },
                    },
                    value.of);
}

std::size_t size_of(const Item& item) {
  std::size_t sum = 0;
  for (const auto& [name, value] : item) sum += name.size() + size_of(value);
  return sum;
}

int depth_of(const Value& value) {
  int deepest = 0;
  if (const auto* map = value.map()) {
    for (const auto& [name, inner] : *map) deepest = std::max(deepest, depth_of(inner));
    return deepest + 1;
  }
  if (const auto* list = value.list()) {
    for (const auto& inner : *list) deepest = std::max(deepest, depth_of(inner));
    return deepest + 1;
  }
  return 0;
}

}  // namespace lambari::lang::dynamodb
