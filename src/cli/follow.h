// Which events of a log are new. Events of several streams arrive a little late and share milliseconds, so each poll looks back
// and leaves out what was shown.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace lambari::cli {

struct ShownEvent {
  std::string id;
  std::int64_t time = 0;  // ms
  std::string message;
};

class Follower {
 public:
  // Polls look back this far behind the newest event.
  static constexpr std::int64_t kOverlapMs = 10'000;

  explicit Follower(std::int64_t since) : since_(since), newest_(since) {}

  // Where the next poll begins.
  std::int64_t from() const;
  // The events of `batch` that were not seen yet, in the order given.
  std::vector<ShownEvent> fresh(std::vector<ShownEvent> batch);

 private:
  std::int64_t since_, newest_;
  std::unordered_map<std::string, std::int64_t> seen_;
};

}  // namespace lambari::cli
