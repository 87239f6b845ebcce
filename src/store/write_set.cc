#include "store/write_set.h"

#include <algorithm>

namespace lambari::store {
namespace {

const std::optional<std::string> kErased;

}  // namespace

void WriteSet::put(std::string_view key, std::string_view value) {
  bytes_ += key.size() + value.size();
  ++calls_;
  if (auto it = points_.find(key); it != points_.end()) {
    it->second.emplace(value);
  } else {
    points_.emplace(std::string(key), std::string(value));
  }
}

void WriteSet::erase(std::string_view key) {
  bytes_ += key.size();
  ++calls_;
  if (auto it = points_.find(key); it != points_.end()) {
    it->second.reset();
  } else {
    points_.emplace(std::string(key), std::nullopt);
  }
}

void WriteSet::erase(Range range) {
  if (is_empty(range)) return;
  bytes_ += range.begin.size() + range.end.size();
  ++calls_;
  auto from = points_.lower_bound(range.begin);
  auto to = range.end.empty() ? points_.end() : points_.lower_bound(range.end);
  points_.erase(from, to);
  ranges_.add(std::move(range));
}

void WriteSet::absorb(WriteSet&& later) {
  bytes_ += later.bytes_;
  calls_ += later.calls_;
  for (const auto& [begin, end] : later.ranges_) {
    auto from = points_.lower_bound(begin);
    auto to = end.empty() ? points_.end() : points_.lower_bound(end);
    points_.erase(from, to);
    ranges_.add({begin, end});
  }
  while (!later.points_.empty()) {
    auto inserted = points_.insert(later.points_.extract(later.points_.begin()));
    if (!inserted.inserted) inserted.position->second = std::move(inserted.node.mapped());
  }
  later = WriteSet();
}

const std::optional<std::string>* WriteSet::find(std::string_view key) const {
  if (auto it = points_.find(key); it != points_.end()) return &it->second;
  return ranges_.holding(key) ? &kErased : nullptr;
}

std::optional<std::string> Overlay::get(std::string_view key) {
  if (auto* written = writes_.find(key)) return *written;
  return base_.get(key);
}

std::vector<KeyValue> Overlay::scan(const Range& range, std::size_t limit, Order order) {
  if (limit == 0 || is_empty(range)) return {};
  const auto& points = writes_.points();
  auto low = points.lower_bound(range.begin);
  auto high = range.end.empty() ? points.end() : points.lower_bound(range.end);
  if (low == high && !writes_.ranges().overlaps(range)) return base_.scan(range, limit, order);

  const bool up = order == Order::ascending;
  std::vector<KeyValue> out;
  std::vector<KeyValue> chunk;  // what the base holds, read ahead; `next` is the first not yet merged
  std::size_t next = 0;
  Range rest = range;  // of the base, not yet read
  bool more = true;

  // Makes chunk[next] the next pair of the base that no erased range hides, if there is one.
  auto settle = [&] {
    for (;;) {
      for (; next < chunk.size(); ++next) {
        auto* erased = writes_.ranges().holding(chunk[next].key);
        if (!erased) return;
        if (next + 1 < chunk.size()) continue;
        // What is left of the erased range is not walked pair by pair.
        if (up ? erased->second.empty() : erased->first <= range.begin) {
          more = false;
        } else {
          (up ? rest.begin : rest.end) = up ? erased->second : erased->first;
        }
      }
      if (!more || is_empty(rest)) return;
      std::size_t want = std::max(limit - out.size(), std::min<std::size_t>(limit, 16));  // spare ones, for those hidden
      chunk = base_.scan(rest, want, order);
      next = 0;
      more = chunk.size() == want;
      if (!more) continue;
      if (up) {
        rest.begin = successor(chunk.back().key);
      } else if (chunk.back().key.empty()) {
        more = false;  // the empty key is the first there can be; as an end it would mean the last
      } else {
        rest.end = chunk.back().key;
      }
    }
  };

  while (out.size() < limit) {
    settle();
    const bool base_left = next < chunk.size();
    const bool own_left = low != high;
    if (!base_left && !own_left) break;
    auto own = own_left ? (up ? low : std::prev(high)) : points.end();
    int order_of_own = !own_left ? 1 : !base_left ? -1 : own->first.compare(chunk[next].key) * (up ? 1 : -1);
    if (order_of_own > 0) {
      out.push_back(std::move(chunk[next++]));
      continue;
    }
    if (order_of_own == 0) ++next;
    if (own->second) out.push_back({own->first, *own->second});
    up ? void(++low) : void(--high);
  }
  return out;
}

}  // namespace lambari::store
