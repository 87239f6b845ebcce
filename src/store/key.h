// Keys are tuples whose bytes sort as their values do. Each room spells its keys in its own keys.h, with these parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lambari::store {

// Key("lambda/function").text(account).text(region).text(name).str()
// text() escapes the terminator, so a part never runs into the next; every part is self-delimiting.
class Key {
 public:
  explicit Key(std::string_view table);
  Key& text(std::string_view value) &;
  Key& number(std::uint64_t value) &;  // big endian
  Key& signed_number(std::int64_t value) &;
  Key&& text(std::string_view value) && { return std::move(text(value)); }
  Key&& number(std::uint64_t value) && { return std::move(number(value)); }
  Key&& signed_number(std::int64_t value) && { return std::move(signed_number(value)); }

  const std::string& str() const& { return bytes_; }
  std::string str() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Takes a key apart in the same order. Each call returns false when the bytes do not fit.
class KeyReader {
 public:
  explicit KeyReader(std::string_view bytes) : rest_(bytes) {}
  bool text(std::string& out);
  bool number(std::uint64_t& out);
  bool signed_number(std::int64_t& out);
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }  // what was not read

 private:
  std::string_view rest_;
};

}  // namespace lambari::store
