// When to try again, and when to give up. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace lambari::delivery {

// The delay before attempt n + 1 is first * factor^(n - 1), at most `longest`; of it a part `jitter` is drawn:
// 0 none, 0.5 half of it, 1 all of it ("full jitter",
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
struct Backoff {
  std::chrono::milliseconds first{1'000};
  std::chrono::milliseconds longest{300'000};
  double factor = 2.0;
  double jitter = 0.5;
};

struct RetryPolicy {
  Backoff backoff;
  std::optional<unsigned> max_attempts;              // the first one included
  std::optional<std::chrono::milliseconds> max_age;  // of the item, since it was added
};

// `made` attempts failed (at least one); `draw` is uniform in [0, 1).
std::chrono::milliseconds delay(const Backoff& backoff, unsigned made, double draw);

enum class GiveUp { no, attempts, age };

struct Next {
  GiveUp gave_up = GiveUp::no;
  base::Timestamp at;  // when not given up
};

// After `made` attempts at something added at `added`. An attempt that would come after the age has passed is not made.
Next next_attempt(const RetryPolicy& policy, unsigned made, base::Timestamp added, base::Timestamp now, double draw);

// For callers that test nothing about chance: uniform in [0, 1). Thread-safe.
double draw();

}  // namespace lambari::delivery
