// Waiting for a moment of base::Clock: the one place where the movable clock meets the steady timers of the loops.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "async/gate.h"
#include "base/clock.h"

namespace lambari::delivery {

// Thread-safe. Build it at composition: the clock keeps its callback.
class Alarm {
 public:
  explicit Alarm(base::Clock& clock) : clock_(clock), rung_(std::make_shared<async::Event>()) {
    clock.on_jump([rung = std::weak_ptr(rung_)] {
      if (const auto event = rung.lock()) event->notify_all();
    });
  }

  base::Timestamp now() const { return clock_.now(); }
  // Ends every wait now.
  void ring() { rung_->notify_all(); }
  async::Event::Ticket ticket() const { return rung_->ticket(); }

  // Until `due` (nothing: for long), or until ring() or a moved clock since `since`. It may end early, a minute at the latest,
  // because the machine's clock may be set or the machine sleep: look at the time again.
  async::Task<> wait(std::optional<base::Timestamp> due, async::Event::Ticket since) {
    const auto event = rung_;
    std::chrono::milliseconds time = kLongest;
    if (due) time = std::clamp(std::chrono::milliseconds(due->ms - now().ms), std::chrono::milliseconds(0), kLongest);
    co_await event->wait(since, time);
  }

 private:
  static constexpr std::chrono::milliseconds kLongest{60'000};

  base::Clock& clock_;
  std::shared_ptr<async::Event> rung_;
};

}  // namespace lambari::delivery
