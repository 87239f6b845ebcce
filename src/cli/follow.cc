#include "cli/follow.h"

#include <algorithm>

namespace lambari::cli {

std::int64_t Follower::from() const { return std::max(since_, newest_ - kOverlapMs); }

std::vector<ShownEvent> Follower::fresh(std::vector<ShownEvent> batch) {
  std::erase_if(batch, [&](const ShownEvent& event) { return !seen_.emplace(event.id, event.time).second; });
  for (const auto& event : batch) newest_ = std::max(newest_, event.time);
  std::erase_if(seen_, [&](const auto& entry) { return entry.second < from(); });
  return batch;
}

}  // namespace lambari::cli
