// Half-open key ranges, and sets of them. An empty end means "to the last key".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "store/store.h"

namespace lambari::store {

// The least key after `key`.
inline std::string successor(std::string_view key) { return std::string(key) + '\0'; }

// Nothing lies in it.
inline bool is_empty(const Range& range) { return !range.end.empty() && range.end <= range.begin; }

// Does `end` lie behind `key`?
inline bool ends_after(std::string_view end, std::string_view key) { return end.empty() || key < end; }

inline bool contains(const Range& range, std::string_view key) { return range.begin <= key && ends_after(range.end, key); }

inline bool overlap(const Range& a, const Range& b) {
  return !is_empty(a) && !is_empty(b) && ends_after(a.end, b.begin) && ends_after(b.end, a.begin);
}

// Disjoint ranges; what touches is joined.
class RangeSet {
 public:
  void add(Range range);
  // The range that holds `key`: a (begin, end) pair, or null.
  const std::pair<const std::string, std::string>* holding(std::string_view key) const;
  bool overlaps(const Range& range) const;
  bool empty() const { return ranges_.empty(); }
  std::size_t size() const { return ranges_.size(); }
  auto begin() const { return ranges_.begin(); }
  auto end() const { return ranges_.end(); }

 private:
  std::map<std::string, std::string, std::less<>> ranges_;  // begin -> end
};

}  // namespace lambari::store
