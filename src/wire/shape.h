// Shape tables: what the generator knows of AWS's API models, as constant data. Codecs, validation and call-by-name walk
// them; no code is generated per protocol. A table describes a C++ value through the access functions it carries, so the
// same codec serves generated structs and, in tests, values made from a model at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace lambari::wire {

// C++ values:  string, enum -> std::string        blob -> std::string (raw bytes)     boolean -> bool
//              integer -> std::int32_t            long -> std::int64_t                float, double -> double
//              timestamp -> base::Timestamp       list -> std::vector<T>              map -> std::map<std::string, T>
//              structure -> a struct              document -> wire::Document
// A member that the model requires is a plain value, every other one is std::optional (Box when the type recurs).
enum class Kind : std::uint8_t {
  string,
  blob,
  boolean,
  integer,
  long_,
  float_,
  double_,
  timestamp,
  list,
  map,
  structure,
  document
};

// Any JSON value, as text.
struct Document {
  std::string json;
  bool operator==(const Document&) const = default;
};

// An optional value of a type that is not complete yet. Copies deeply.
template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box& operator=(Box other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

enum class Location : std::uint8_t {
  body,
  header,
  headers /* prefix map */,
  query,
  uri,
  status,
  event_header /* of one event */,
  event_payload
};
enum class TimeFormat : std::uint8_t { unset, iso8601, rfc822, unix_seconds };

struct Shape;

struct Member {
  std::string_view name;             // as the model names it
  std::string_view wire_name;        // locationName, else name (the element name of a list, the key or value name of a map)
  std::string_view query_name = {};  // ec2 protocol's queryName
  Location location = Location::body;
  bool required = false;
  bool flattened = false;
  bool xml_attribute = false;
  bool idempotency_token = false;
  bool json_value = false;  // a JSON document sent as base64 in a header
  bool has_location_name = false;
  TimeFormat time_format = TimeFormat::unset;
  std::string_view xml_namespace = {};
  std::string_view xml_prefix = {};
  const Shape* (*shape)() = nullptr;  // a function, because shapes recur

  // Address of the member's value inside `structure`; mutate makes it present first, read gives nullptr when it is absent.
  void* (*mutate)(void* structure, const Member& member) = nullptr;
  const void* (*read)(const void* structure, const Member& member) = nullptr;
};

struct Shape {
  Kind kind;
  std::string_view name;
  std::span<const Member> members = {};  // structure
  const Member* element = nullptr;       // list; the value of a map
  const Member* key = nullptr;           // map
  std::string_view payload = {};         // structure: name of the member that is the whole body
  std::string_view location_name = {};   // XML root element of an input
  std::string_view xml_namespace = {};
  std::string_view xml_prefix = {};
  bool flattened = false;
  bool is_union = false;
  bool streaming = false;     // blob
  bool event_stream = false;  // a structure: the union of the events; its value is an EventStream
  bool sensitive = false;     // never logged
  TimeFormat time_format = TimeFormat::unset;

  // Constraints, as in the model: length of strings (code points), blobs (bytes), lists and maps; value of numbers.
  std::optional<std::int64_t> min = {}, max = {};
  std::string_view pattern = {};
  std::span<const std::string_view> enum_values = {};

  // Lists and maps. append/emplace add a default value and give its address.
  std::size_t (*count)(const void* container) = nullptr;
  void* (*append)(void* list) = nullptr;
  const void* (*at)(const void* list, std::size_t index) = nullptr;
  void* (*emplace)(void* map, std::string_view key) = nullptr;
  // Calls `visit(context, key, value)` in key order.
  void (*for_each)(const void* map, void* context, void (*visit)(void*, const std::string&, const void*)) = nullptr;
};

// The member of a structure, or nullptr.
const Member* find_member(const Shape& structure, std::string_view name);

// Reads a string member of a typed request by its model name: how access rules name resources without knowing the type.
// Nothing when there is no such member, it is absent or it is not a string.
std::optional<std::string> string_member(const Shape& structure, const void* value, std::string_view name);

// ---- access functions that the generated tables point to ----

namespace access {

template <class T>
struct Unwrap {
  using type = T;
  static T* mutate(T& value) { return &value; }
  static const T* read(const T& value) { return &value; }
};
template <class T>
struct Unwrap<std::optional<T>> {
  using type = T;
  static T* mutate(std::optional<T>& value) { return value ? &*value : &value.emplace(); }
  static const T* read(const std::optional<T>& value) { return value ? &*value : nullptr; }
};
template <class T>
struct Unwrap<Box<T>> {
  using type = T;
  static T* mutate(Box<T>& value) { return value ? &*value : &value.emplace(); }
  static const T* read(const Box<T>& value) { return value ? &*value : nullptr; }
};

template <auto Pointer>
struct Of;
template <class Struct, class Value, Value Struct::* Pointer>
struct Of<Pointer> {
  static void* mutate(void* structure, const Member&) { return Unwrap<Value>::mutate(static_cast<Struct*>(structure)->*Pointer); }
  static const void* read(const void* structure, const Member&) {
    return Unwrap<Value>::read(static_cast<const Struct*>(structure)->*Pointer);
  }
};

template <class T>
struct List {
  static std::size_t count(const void* list) { return static_cast<const std::vector<T>*>(list)->size(); }
  static void* append(void* list) { return &static_cast<std::vector<T>*>(list)->emplace_back(); }
  static const void* at(const void* list, std::size_t index) { return &(*static_cast<const std::vector<T>*>(list))[index]; }
};
// std::vector<bool> has no addresses; the generator uses std::vector<char> for lists of booleans, which has the same layout as
// bool.
template <class T>
struct Map {
  using type = std::map<std::string, T>;
  static std::size_t count(const void* map) { return static_cast<const type*>(map)->size(); }
  static void* emplace(void* map, std::string_view key) { return &(*static_cast<type*>(map))[std::string(key)]; }
  static void for_each(const void* map, void* context, void (*visit)(void*, const std::string&, const void*)) {
    for (const auto& [key, value] : *static_cast<const type*>(map)) visit(context, key, &value);
  }
};

}  // namespace access
}  // namespace lambari::wire
