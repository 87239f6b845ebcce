// What a transaction, or a group of them, changes; and the view of a reader with such changes laid over it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "store/ranges.h"
#include "store/store.h"

namespace lambari::store {

// Not thread-safe. Meaning: first every erased range, then every point.
class WriteSet {
 public:
  using Points = std::map<std::string, std::optional<std::string>, std::less<>>;  // nothing: erased

  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  void erase(Range range);
  // As if `later`'s writes came after these.
  void absorb(WriteSet&& later);

  // Null when `key` is untouched, else the new value, or nothing where it is erased.
  const std::optional<std::string>* find(std::string_view key) const;

  const Points& points() const { return points_; }
  const RangeSet& ranges() const { return ranges_; }
  bool empty() const { return points_.empty() && ranges_.empty(); }
  // Upper bounds of what was asked for: a key written twice counts twice.
  std::size_t bytes() const { return bytes_; }
  std::size_t calls() const { return calls_; }

 private:
  Points points_;
  RangeSet ranges_;
  std::size_t bytes_ = 0;
  std::size_t calls_ = 0;
};

// `base` as it will be with `writes`. Both must outlive the overlay.
class Overlay final : public Reader {
 public:
  Overlay(Reader& base, const WriteSet& writes) : base_(base), writes_(writes) {}
  std::optional<std::string> get(std::string_view key) override;
  std::vector<KeyValue> scan(const Range& range, std::size_t limit, Order order = Order::ascending) override;

 private:
  Reader& base_;
  const WriteSet& writes_;
};

}  // namespace lambari::store
