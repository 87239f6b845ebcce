#include "store/key.h"

namespace lambari::store {
namespace {

// 00 ends a text; a 00 inside it is followed by FF. The terminator's second byte sorts below every escape, so "a" < "a\0" < "ab",
// and whatever part follows cannot be taken for an escape.
constexpr char kZero = '\x00', kEnd = '\x01', kEscaped = '\xff';

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

}  // namespace

Key::Key(std::string_view table) { text(table); }

Key& Key::text(std::string_view value) & {
  bytes_.reserve(bytes_.size() + value.size() + 2);
  for (char c : value) {
    bytes_.push_back(c);
    if (c == kZero) bytes_.push_back(kEscaped);
  }
  bytes_.push_back(kZero);
  bytes_.push_back(kEnd);
  return *this;
}

Key& Key::number(std::uint64_t value) & {
  for (int shift = 56; shift >= 0; shift -= 8) bytes_.push_back(static_cast<char>(value >> shift));
  return *this;
}

Key& Key::signed_number(std::int64_t value) & { return number(static_cast<std::uint64_t>(value) ^ kSign); }

bool KeyReader::text(std::string& out) {
  std::string text;
  for (std::size_t i = 0; i + 1 < rest_.size(); ++i) {
    if (rest_[i] != kZero) {
      text.push_back(rest_[i]);
      continue;
    }
    char next = rest_[++i];
    if (next == kEnd) {
      rest_.remove_prefix(i + 1);
      out = std::move(text);
      return true;
    }
    if (next != kEscaped) return false;
    text.push_back(kZero);
  }
  return false;
}

bool KeyReader::number(std::uint64_t& out) {
  if (rest_.size() < 8) return false;
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(8);
  out = value;
  return true;
}

bool KeyReader::signed_number(std::int64_t& out) {
  std::uint64_t raw;
  if (!number(raw)) return false;
  out = static_cast<std::int64_t>(raw ^ kSign);
  return true;
}

}  // namespace lambari::store
