#include "delivery/retry.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/ids.h"

namespace lambari::delivery {

std::chrono::milliseconds delay(const Backoff& backoff, unsigned made, double draw) {
  const double longest = static_cast<double>(backoff.longest.count());
  // Beyond a few hundred powers a double is infinite, which min() takes.
  const double whole = std::min(longest, static_cast<double>(backoff.first.count()) *
                                             std::pow(backoff.factor, static_cast<double>(std::max(made, 1u) - 1)));
  return std::chrono::milliseconds(static_cast<std::int64_t>(whole - whole * backoff.jitter * draw));
}

Next next_attempt(const RetryPolicy& policy, unsigned made, base::Timestamp added, base::Timestamp now, double draw) {
  if (policy.max_attempts && made >= *policy.max_attempts) return {GiveUp::attempts, {}};
  const base::Timestamp at{now.ms + delay(policy.backoff, made, draw).count()};
  if (policy.max_age && at.ms - added.ms > policy.max_age->count()) return {GiveUp::age, {}};
  return {GiveUp::no, at};
}

double draw() {
  thread_local std::minstd_rand engine(static_cast<unsigned>(base::random_u64() | 1));
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

}  // namespace lambari::delivery
