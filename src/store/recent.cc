#include "store/recent.h"

#include <algorithm>

namespace lambari::store {

Version Pins::latest() const {
  std::lock_guard lock(mutex_);
  return latest_;
}

Version Pins::oldest() const {
  std::lock_guard lock(mutex_);
  return counts_.empty() ? latest_ : counts_.begin()->first;
}

void Pins::publish(Version version) {
  std::lock_guard lock(mutex_);
  latest_ = version;
}

Pin::Pin(std::shared_ptr<Pins> pins) : pins_(std::move(pins)) {
  std::lock_guard lock(pins_->mutex_);
  version_ = pins_->latest_;
  ++pins_->counts_[version_];
}

Pin::~Pin() {
  std::lock_guard lock(pins_->mutex_);
  auto it = pins_->counts_.find(version_);
  if (--it->second == 0) pins_->counts_.erase(it);
}

void RecentWrites::record(Version version, const WriteSet& writes) {
  Commit commit{version, {}, {}};
  commit.points.reserve(writes.points().size());
  for (const auto& [key, value] : writes.points()) {
    auto it = latest_.lower_bound(key);
    if (it != latest_.end() && it->first == key) {
      it->second = version;
    } else {
      it = latest_.emplace_hint(it, key, version);
    }
    commit.points.push_back(it);
  }
  for (const auto& [begin, end] : writes.ranges()) commit.ranges.push_back({begin, end});
  ranges_ += commit.ranges.size();
  size_ += commit.size();
  commits_.push_back(std::move(commit));
  while (size_ > limit_ && commits_.size() > 1) drop_front();
}

bool RecentWrites::touched(const ReadSet& reads, Version since) const {
  if (reads.empty() || commits_.empty() || commits_.back().version <= since) return false;
  if (since < floor_) return true;
  for (const auto& key : reads.keys) {
    auto it = latest_.find(key);
    if (it != latest_.end() && it->second > since) return true;
  }
  for (const auto& range : reads.ranges) {
    for (auto it = latest_.lower_bound(range.begin); it != latest_.end() && ends_after(range.end, it->first); ++it) {
      if (it->second > since) return true;
    }
  }
  if (ranges_ == 0) return false;
  for (auto commit = commits_.rbegin(); commit != commits_.rend() && commit->version > since; ++commit) {
    for (const auto& erased : commit->ranges) {
      if (std::ranges::any_of(reads.keys, [&](const auto& key) { return contains(erased, key); })) return true;
      if (std::ranges::any_of(reads.ranges, [&](const auto& range) { return overlap(erased, range); })) return true;
    }
  }
  return false;
}

void RecentWrites::forget(Version upto) {
  while (!commits_.empty() && commits_.front().version <= upto) drop_front();
}

void RecentWrites::drop_front() {
  auto& commit = commits_.front();
  // A key written again since belongs to the later commit, which drops it.
  for (auto it : commit.points) {
    if (it->second == commit.version) latest_.erase(it);
  }
  ranges_ -= commit.ranges.size();
  size_ -= commit.size();
  floor_ = commit.version;
  commits_.pop_front();
}

}  // namespace lambari::store
