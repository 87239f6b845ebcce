// The longest wait a timer is given: steady_clock counts nanoseconds, so a "for ever" in milliseconds would overflow it.
#pragma once

#include <algorithm>
#include <chrono>

namespace lambari::async {

inline std::chrono::milliseconds bounded(std::chrono::milliseconds time) {
  return std::clamp(time, std::chrono::milliseconds(0), std::chrono::milliseconds(std::chrono::hours(24 * 365)));
}

}  // namespace lambari::async
