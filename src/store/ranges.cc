#include "store/ranges.h"

namespace lambari::store {

std::vector<std::string> Reader::keys(const Range& range, std::size_t limit) {
  std::vector<std::string> out;
  for (auto& pair : scan(range, limit)) out.push_back(std::move(pair.key));
  return out;
}

Range prefix_range(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {std::string(prefix), std::move(end)};
}

void RangeSet::add(Range range) {
  if (is_empty(range)) return;
  auto it = ranges_.upper_bound(range.begin);
  if (it != ranges_.begin()) {
    auto before = std::prev(it);
    if (before->second.empty() || range.begin <= before->second) it = before;
  }
  while (it != ranges_.end() && (range.end.empty() || it->first <= range.end)) {
    if (it->first < range.begin) range.begin = it->first;
    if (it->second.empty() || (!range.end.empty() && range.end < it->second)) range.end = it->second;
    it = ranges_.erase(it);
  }
  ranges_.emplace(std::move(range.begin), std::move(range.end));
}

const std::pair<const std::string, std::string>* RangeSet::holding(std::string_view key) const {
  auto it = ranges_.upper_bound(key);
  if (it == ranges_.begin()) return nullptr;
  --it;
  return ends_after(it->second, key) ? &*it : nullptr;
}

bool RangeSet::overlaps(const Range& range) const {
  if (is_empty(range)) return false;
  if (holding(range.begin)) return true;
  auto it = ranges_.lower_bound(range.begin);
  return it != ranges_.end() && ends_after(range.end, it->first);
}

}  // namespace lambari::store
