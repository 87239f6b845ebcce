// What this machine has left, as its kernel tells.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace lambari::lambda {

struct Memory {
  std::uint64_t total_mb = 0, available_mb = 0;  // 0: not known
};
Memory host_memory();

// Whether the processors had next to no time left lately. Looks at most ten times a second. Not thread-safe.
class Processors {
 public:
  bool busy();

  // Of the first line of /proc/stat; public for tests.
  struct Ticks {
    std::uint64_t idle = 0, all = 0;
  };
  static Ticks parse(std::string_view line);

 private:
  std::chrono::steady_clock::time_point looked_;
  Ticks ticks_;
  bool busy_ = false;
};

}  // namespace lambari::lambda
