#include "services/dynamodb/item_codec.h"

#include <stdexcept>

namespace lambari::dynamodb {
namespace {

using lang::dynamodb::BinarySet;
using lang::dynamodb::NumberSet;
using lang::dynamodb::StringSet;

constexpr char kFormat = 1;

void put_length(std::string& out, std::size_t length) {
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(length | 0x80);
  out += static_cast<char>(length);
}

void put_text(std::string& out, std::string_view text) {
  put_length(out, text.size());
  out += text;
}

void put_value(std::string& out, const Value& value);

void put_members(std::string& out, const Map& map) {
  for (const auto& [name, value] : map) {
    put_text(out, name);
    put_value(out, value);
  }
}

std::string body(const Value& value) {
  std::string out;
  std::visit(
      [&]<class T>(const T& inner) {
        if constexpr (std::is_same_v<T, std::string>) {
          out = inner;
        } else if constexpr (std::is_same_v<T, Number>) {
          out = inner.sortable();
        } else if constexpr (std::is_same_v<T, Binary>) {
          out = inner.bytes;
        } else if constexpr (std::is_same_v<T, StringSet>) {
          for (const auto& element : inner.elements) put_text(out, element);
        } else if constexpr (std::is_same_v<T, NumberSet>) {
          for (const auto& element : inner.elements) put_text(out, element.sortable());
        } else if constexpr (std::is_same_v<T, BinarySet>) {
          for (const auto& element : inner.elements) put_text(out, element.bytes);
        } else if constexpr (std::is_same_v<T, Map>) {
          put_members(out, inner);
        } else if constexpr (std::is_same_v<T, List>) {
          for (const auto& element : inner) put_value(out, element);
        } else if constexpr (std::is_same_v<T, bool>) {
          out = inner ? '\1' : '\0';
        }
      },
      value.of);
  return out;
}

void put_value(std::string& out, const Value& value) {
  out += static_cast<char>(value.type());
  put_text(out, body(value));
}

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }

  unsigned char byte() {
    if (rest_.empty()) throw std::runtime_error("dynamodb: an item's row is cut off");
    const auto first = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return first;
  }

  std::string_view text() {
    std::size_t length = 0;
    for (int shift = 0;; shift += 7) {
      const auto group = byte();
      if (shift > 28) throw std::runtime_error("dynamodb: an item's row has a length that is none");
      length |= static_cast<std::size_t>(group & 0x7F) << shift;
      if ((group & 0x80) == 0) break;
    }
    if (length > rest_.size()) throw std::runtime_error("dynamodb: an item's row is cut off");
    const auto out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return out;
  }

 private:
  std::string_view rest_;
};

Number number_of(std::string_view bytes) {
  std::size_t length = 0;
  return Number::from_sortable(bytes, length);
}

Value value_of(Type type, std::string_view bytes);

Value take_value(Bytes& bytes) {
  const auto type = static_cast<Type>(bytes.byte());
  return value_of(type, bytes.text());
}

Map take_members(Bytes& bytes) {
  Map out;
  while (!bytes.done()) {
    const auto name = bytes.text();
    out.emplace_hint(out.end(), name, take_value(bytes));
  }
  return out;
}

template <class Element>
Value take_set(Bytes& bytes, auto&& element) {
  lang::dynamodb::Set<Element> set;
  while (!bytes.done()) set.elements.push_back(element(bytes.text()));
  return {std::move(set)};
}

Value value_of(Type type, std::string_view text) {
  Bytes bytes(text);
  switch (type) {
    case Type::S: return {std::string(text)};
    case Type::N: return {number_of(text)};
    case Type::B: return {Binary{std::string(text)}};
    case Type::SS: return take_set<std::string>(bytes, [](std::string_view each) { return std::string(each); });
    case Type::NS: return take_set<Number>(bytes, number_of);
    case Type::BS: return take_set<Binary>(bytes, [](std::string_view each) { return Binary{std::string(each)}; });
    case Type::M: return {take_members(bytes)};
    case Type::L: {
      List list;
      while (!bytes.done()) list.push_back(take_value(bytes));
      return {std::move(list)};
    }
    case Type::NULL_: return {Null{}};
    case Type::BOOL: return {bytes.byte() != 0};
  }
  throw std::runtime_error("dynamodb: an item's row has a type that is none");
}

Bytes opened(std::string_view text) {
  Bytes bytes(text);
  if (bytes.byte() != kFormat) throw std::runtime_error("dynamodb: an item's row is of a newer format");
  return bytes;
}

}  // namespace

std::string encode(const Item& item) {
  std::string out(1, kFormat);
  put_members(out, item);
  return out;
}

Item decode_item(std::string_view text) {
  auto bytes = opened(text);
  return take_members(bytes);
}

std::optional<Value> decode_attribute(std::string_view text, std::string_view name) {
  auto bytes = opened(text);
  while (!bytes.done()) {
    const auto found = bytes.text();
    const auto type = static_cast<Type>(bytes.byte());
    const auto value = bytes.text();
    if (found == name) return value_of(type, value);
  }
  return std::nullopt;
}

}  // namespace lambari::dynamodb
