#include "base/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace lambari::base {

TokenBucket::TokenBucket(double rate, int burst) : rate_(rate), burst_(burst) {
  if (rate <= 0 || burst <= 0) return;
  // A day per token is as good as never; it keeps the products below within 64 bits.
  interval_ = static_cast<std::int64_t>(std::clamp(1e9 / rate, 1.0, 86'400e9));
  tolerance_ = static_cast<std::int64_t>(std::min(static_cast<double>(interval_) * burst, 4e18));
}

bool TokenBucket::full(Timestamp now) const { return next_.load(std::memory_order_relaxed) <= now.ms * 1'000'000; }

bool TokenBucket::take(Timestamp now) {
  if (interval_ == 0) return false;
  const std::int64_t time = now.ms * 1'000'000;
  std::int64_t seen = next_.load(std::memory_order_relaxed);
  for (;;) {
    // Further ahead than a full bucket can be: the clock was set back.
    const std::int64_t base = seen > time + tolerance_ ? time : std::max(seen, time);
    const std::int64_t next = base + interval_;
    if (next - time > tolerance_) return false;
    if (next_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
  }
}

}  // namespace lambari::base
