#include "store/work.h"

#include "store/limits.h"

namespace lambari::store {

Reader& Work::base() {
  if (!base_) base_ = &open_base_();
  return *base_;
}

std::optional<std::string> Work::get(std::string_view key) {
  if (key.size() > kMaxKey) return std::nullopt;
  if (auto* written = writes_.find(key)) return *written;
  auto& base = this->base();
  if (reads_) reads_->keys.emplace_back(key);
  return base.get(key);
}

std::vector<KeyValue> Work::scan(const Range& range, std::size_t limit, Order order) {
  if (limit == 0 || is_empty(range)) return {};
  auto found = Overlay(base(), writes_).scan(range, limit, order);
  if (!reads_) return found;
  // Beyond the last pair of a full answer nothing was seen.
  Range seen = range;
  if (found.size() == limit)
    (order == Order::ascending ? seen.end : seen.begin) =
        order == Order::ascending ? successor(found.back().key) : found.back().key;
  reads_->ranges.push_back(std::move(seen));
  return found;
}

void Work::admit(std::size_t key, std::size_t value) const {
  if (key > kMaxKey) throw std::length_error("store: key longer than 16 KiB");
  if (value > kMaxValue) throw std::length_error("store: value longer than 1 MiB");
  if (writes_.calls() >= kMaxTransactionWrites) throw std::length_error("store: more than 100,000 writes in a transaction");
  if (writes_.bytes() + key + value > kMaxTransactionBytes) throw std::length_error("store: more than 16 MiB in a transaction");
}

void Work::put(std::string_view key, std::string_view value) {
  admit(key.size(), value.size());
  writes_.put(key, value);
}

void Work::erase(std::string_view key) {
  admit(key.size(), 0);
  writes_.erase(key);
}

void Work::erase(const Range& range) {
  admit(std::max(range.begin.size(), range.end.size()), 0);
  writes_.erase(range);
}

}  // namespace lambari::store
