#include "lang/event_condition.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lambari::lang::event {
namespace {

// The lower case of what is upper case and has a pair.
char32_t fold(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c % 2 == 1 ? c + 1 : c;
  return c;
}

bool any(const std::vector<std::string>& texts, auto&& test) { return std::any_of(texts.begin(), texts.end(), test); }

}  // namespace

std::optional<Scalar> scalar_of(const base::json::value& value) {
  Scalar scalar;
  switch (value.kind()) {
    case base::json::kind::null: return scalar;
    case base::json::kind::bool_:
      scalar.type = Scalar::Type::boolean;
      scalar.boolean = value.get_bool();
      return scalar;
    case base::json::kind::string:
      scalar.type = Scalar::Type::text;
      scalar.text = std::string_view(value.get_string().data(), value.get_string().size());
      return scalar;
    case base::json::kind::int64:
      scalar.type = Scalar::Type::number;
      scalar.number = static_cast<double>(value.get_int64());
      return scalar;
    case base::json::kind::uint64:
      scalar.type = Scalar::Type::number;
      scalar.number = static_cast<double>(value.get_uint64());
      return scalar;
    case base::json::kind::double_:
      scalar.type = Scalar::Type::number;
      scalar.number = value.get_double();
      return scalar;
    default: return std::nullopt;
  }
}

std::string exact_key(const Scalar& value) {
  switch (value.type) {
    case Scalar::Type::text: return "\"" + std::string(value.text);
    case Scalar::Type::number: return fmt::format("#{}", value.number == 0 ? 0.0 : value.number);
    case Scalar::Type::boolean: return value.boolean ? "true" : "false";
    case Scalar::Type::null: return "null";
  }
  return {};
}

std::string fold_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out += static_cast<char>(fold(c));
    } else if ((c & 0xE0) == 0xC0 && i + 1 < text.size()) {  // all pairs that we fold have two bytes
      const char32_t folded = fold(static_cast<char32_t>((c & 0x1F) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F)));
      out += static_cast<char>(0xC0 | folded >> 6);
      out += static_cast<char>(0x80 | (folded & 0x3F));
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

std::optional<std::string> address_bytes(std::string_view text) {
  if (text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated(text);
  if (terminated.find('\0') != terminated.npos) return std::nullopt;
  std::array<char, 16> bytes;
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return std::nullopt;
}

bool same_bits(std::string_view a, std::string_view b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (a.size() != b.size() || bits > a.size() * 8 || a.substr(0, whole) != b.substr(0, whole)) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((static_cast<unsigned char>(a[whole]) ^ static_cast<unsigned char>(b[whole])) >> (8 - rest)) == 0;
}

std::optional<Glob> Glob::parse(std::string_view pattern) {
  Glob glob{{""}};
  bool star = false;  // just seen
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      if (star) return std::nullopt;
      star = true;
      glob.pieces.emplace_back();
      continue;
    }
    star = false;
    if (pattern[i] == '\\') {
      if (++i == pattern.size() || (pattern[i] != '*' && pattern[i] != '\\')) return std::nullopt;
    }
    glob.pieces.back() += pattern[i];
  }
  return glob;
}

bool Glob::matches(std::string_view text) const {
  if (pieces.size() == 1) return text == pieces[0];
  if (text.size() < pieces.front().size() + pieces.back().size() || !text.starts_with(pieces.front()) ||
      !text.ends_with(pieces.back()))
    return false;
  text = text.substr(pieces.front().size(), text.size() - pieces.front().size() - pieces.back().size());
  for (std::size_t i = 1; i + 1 < pieces.size(); ++i) {
    const auto found = text.find(pieces[i]);
    if (found == text.npos) return false;
    text.remove_prefix(found + pieces[i].size());
  }
  return true;
}

bool Condition::matches(const Scalar& value) const {
  const bool is_text = value.type == Scalar::Type::text;
  switch (kind) {
    case Kind::exact: return exact_key(value) == text;
    case Kind::prefix: return is_text && value.text.starts_with(text);
    case Kind::suffix: return is_text && value.text.ends_with(text);
    case Kind::fold_equal: return is_text && fold_case(value.text) == text;
    case Kind::fold_prefix: return is_text && fold_case(value.text).starts_with(text);
    case Kind::fold_suffix: return is_text && fold_case(value.text).ends_with(text);
    case Kind::glob: return is_text && globs[0].matches(value.text);
    case Kind::range:
      return value.type == Scalar::Type::number && (low_open ? value.number > low : value.number >= low) &&
             (high_open ? value.number < high : value.number <= high);
    case Kind::cidr: {
      if (!is_text) return false;
      auto bytes = address_bytes(value.text);
      return bytes && same_bits(*bytes, text, bits);
    }
    case Kind::exists: return true;
    case Kind::absent: return false;
    case Kind::none_of: return !std::binary_search(texts.begin(), texts.end(), exact_key(value));
    default: break;
  }
  // What is not text neither starts nor ends with a text.
  if (!is_text) return true;
  switch (kind) {
    case Kind::no_prefix: return !any(texts, [&](const auto& t) { return value.text.starts_with(t); });
    case Kind::no_suffix: return !any(texts, [&](const auto& t) { return value.text.ends_with(t); });
    case Kind::no_glob: return std::none_of(globs.begin(), globs.end(), [&](const Glob& g) { return g.matches(value.text); });
    default: break;
  }
  const std::string folded = fold_case(value.text);
  switch (kind) {
    case Kind::no_fold_equal: return !std::binary_search(texts.begin(), texts.end(), folded);
    case Kind::no_fold_prefix: return !any(texts, [&](const auto& t) { return folded.starts_with(t); });
    case Kind::no_fold_suffix: return !any(texts, [&](const auto& t) { return folded.ends_with(t); });
    default: return false;
  }
}

}  // namespace lambari::lang::event
