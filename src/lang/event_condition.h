// One condition of an event pattern, and the values of events that it is asked about. Private to the event patterns.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace lambari::lang::event {

// A leaf of an event. `text` points into the event.
struct Scalar {
  enum class Type : std::uint8_t { text, number, boolean, null };
  Type type = Type::null;
  std::string_view text;
  double number = 0;
  bool boolean = false;
};

// Nothing for arrays and objects.
std::optional<Scalar> scalar_of(const base::json::value& value);
// Equal for equal scalars, of whatever spelling: 300 and 3.0e2 are one number.
std::string exact_key(const Scalar& value);

// Case folding of one-to-one pairs in Latin, Greek and Cyrillic.
std::string fold_case(std::string_view utf8);

// An address as 4 or 16 bytes.
std::optional<std::string> address_bytes(std::string_view text);
bool same_bits(std::string_view a, std::string_view b, unsigned bits);

// '*' is any run of bytes; "\*" and "\\" are the characters themselves. Nothing when an escape is wrong or stars follow one
// another.
struct Glob {
  std::vector<std::string> pieces;  // between the stars, at least one
  auto operator<=>(const Glob&) const = default;
  bool matches(std::string_view text) const;
  static std::optional<Glob> parse(std::string_view pattern);
};

struct Condition {
  enum class Kind : std::uint8_t {
    exact,        // text: exact_key
    prefix,       // text
    suffix,       // text
    fold_equal,   // text, folded
    fold_prefix,  // text, folded
    fold_suffix,  // text, folded
    glob,         // glob
    range,        // low, high
    cidr,         // text: address bytes; bits
    exists,
    absent,
    none_of,         // texts: exact_keys
    no_prefix,       // texts
    no_suffix,       // texts
    no_fold_equal,   // texts, folded
    no_fold_prefix,  // texts, folded
    no_fold_suffix,  // texts, folded
    no_glob,         // globs
  };
  Kind kind = Kind::exact;
  std::string text;
  std::vector<std::string> texts;
  std::vector<Glob> globs;
  double low = 0, high = 0;
  bool low_open = false, high_open = false;
  unsigned bits = 0;
  auto operator<=>(const Condition&) const = default;

  // Of a value that is there; `absent` matches none.
  bool matches(const Scalar& value) const;
};

}  // namespace lambari::lang::event
