// An event as the values at the paths that patterns ask for. Private to the event patterns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lang/event_condition.h"

namespace lambari::lang::event {

using PathId = std::uint32_t;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// The paths in use, counted. What no pattern asks for is not looked at in an event.
class Paths {
 public:
  PathId add(std::string_view path);
  void remove(std::string_view path);

  struct Entry {
    PathId id = 0;
    std::uint32_t fields = 0;    // patterns that end here
    std::uint32_t passages = 0;  // patterns that go on
  };
  const Entry* find(std::string_view path) const;

 private:
  std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries_;
  PathId next_ = 0;
};

// In which element of which arrays of objects: sorted by array.
using Place = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// Both at once; false when they lie in different elements of one array.
bool merge(const Place& a, const Place& b, Place& out);

struct Value {
  PathId path;
  Scalar scalar;
  Place place;
};

// The values of an event, sorted by path. They point into the event.
class Values {
 public:
  Values(const base::json::value& event, const Paths& paths);

  std::pair<const Value*, const Value*> at(PathId path) const;  // first, last; equal when there are none
  const std::vector<Value>& all() const { return values_; }
  // Each path has one value at most: nothing can be met twice.
  bool plain() const { return plain_; }

 private:
  void object(const base::json::object& object, std::string& path, const Place& place);
  void element(const base::json::value& value, std::string& path, const Place& place, const Paths::Entry& entry);

  const Paths& paths_;
  std::vector<Value> values_;
  std::uint32_t arrays_ = 0;
  bool plain_ = true;
};

}  // namespace lambari::lang::event
