// A token bucket, by which services throttle their callers.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace lambari::base {

// `rate` tokens a second, at most `burst` at once. Lock-free; time is the program's clock, so moving it fills the bucket.
// A bucket of a rate or burst of zero lets nothing pass.
class TokenBucket {
 public:
  TokenBucket(double rate, int burst);
  bool take(Timestamp now);
  bool full(Timestamp now) const;  // as if nobody had ever taken anything
  double rate() const { return rate_; }
  int burst() const { return burst_; }

 private:
  double rate_;
  int burst_;
  std::int64_t interval_ = 0;          // ns a token takes to come
  std::int64_t tolerance_ = 0;         // ns a full bucket is ahead
  std::atomic<std::int64_t> next_{0};  // when the bucket would be full again (ns): the generic cell rate algorithm's arrival time
};

}  // namespace lambari::base
