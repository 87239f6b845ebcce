// What the arrivals at one function version teach about how long its idle environments are worth keeping. Pure.
//
//   - The longest recent gap between two arrivals, forgotten by an eighth with each arrival: an environment that would have been
//     needed again is kept half as long again as that.
//   - The most that ran at once, forgotten likewise: what sits deeper in the stack than that is surplus of a burst and goes soon.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace lambari::lambda {

class Traffic {
 public:
  static constexpr int kLongest = 6;  // times the base: what a long gap can earn at most
  static constexpr int kSurplus = 5;  // the base divided by it: what surplus gets

  // `busy` environments run now, for this arrival one of them.
  void arrived(base::Timestamp now, int busy) {
    if (last_.ms != 0) gap_ = std::max(static_cast<double>(now.ms - last_.ms), gap_ * kMemory);
    peak_ = std::max(static_cast<double>(busy), peak_ * kMemory);
    last_ = now;
  }

  // How long an environment may sit idle; `above` of its kind are used before it. `base` where nothing was learnt.
  std::chrono::milliseconds keep(std::size_t above, std::chrono::milliseconds base) const {
    if (static_cast<double>(above) >= std::max(peak_, 1.0)) return base / kSurplus;
    const std::chrono::milliseconds learnt(static_cast<std::int64_t>(gap_ * 1.5));
    return std::clamp(learnt, base, base * kLongest);
  }

  base::Timestamp last() const { return last_; }

 private:
  static constexpr double kMemory = 0.875;
  base::Timestamp last_;
  double gap_ = 0.0;  // ms
  double peak_ = 0.0;
};

}  // namespace lambari::lambda
