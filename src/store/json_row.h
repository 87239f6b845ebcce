// Rows whose value is a JSON document. What a member lacks, or has of another kind, reads as "", 0 (or what number()
// is told) or false: a row written by an older program has fewer of them. To read one that may not be there:
// reader.get(key).transform(decode).
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace lambari::store::json_row {

// Throws std::runtime_error when it is not a JSON object.
inline base::json::object parse(std::string_view bytes) {
  auto value = base::parse_json(bytes);
  if (!value || !value->is_object()) throw std::runtime_error("a row is not a JSON object");
  return std::move(value->as_object());
}

inline std::string text(const base::json::object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

inline std::int64_t number(const base::json::object& row, std::string_view name, std::int64_t otherwise = 0) {
  const auto* value = row.if_contains(name);
  if (!value) return otherwise;
  if (value->is_int64()) return value->as_int64();
  if (value->is_uint64()) return static_cast<std::int64_t>(value->as_uint64());
  return otherwise;
}

inline bool flag(const base::json::object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value && value->is_bool() && value->as_bool();
}

}  // namespace lambari::store::json_row
