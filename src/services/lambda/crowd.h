// What a call does that finds every environment of its function busy: start another, or wait for one of those. Pure.
//
// An environment more is what AWS gives, and it makes the call quick if the busy ones are slow, or sleep. Where they are quick
// and the processors have no time left it makes every call slower: its start takes from them what they answer with, and each runs
// on colder caches from then on. So a call waits where that promises to be over before a start would be.
#pragma once

#include <chrono>
#include <optional>

namespace lambari::lambda {

// So many environments of a function may be in their first instants; the next waits until one of them is past these, or has
// started. A rush of calls would else start one for each of them, all to be ready late, at once. Where the processors are busy
// already, the instants are as long as a slow start.
constexpr std::chrono::milliseconds first_instants(bool host_is_busy) {
  return std::chrono::milliseconds(host_is_busy ? 2'000 : 100);
}

struct Crowd {
  int running = 0;                     // calls in environments that have started
  int starting = 0;                    // calls whose environment is starting
  int young = 0;                       // those of them in their first instants...
  int young_limit = 4;                 // ...of which there may be so many
  std::chrono::microseconds run{0};    // what a call took lately; 0: none was measured
  std::chrono::microseconds start{0};  // what a call took that had to start an environment; 0: none was measured
  bool host_is_busy = false;           // its processors have no time left
};

// Nothing: start one. Else wait, so long at most, and ask again. `ahead`: calls that wait already.
inline std::optional<std::chrono::microseconds> patience(const Crowd& crowd, int ahead, std::chrono::microseconds waited) {
  if (crowd.running + crowd.starting == 0) return std::nullopt;  // nobody will give one back
  if (crowd.host_is_busy && crowd.running > 0 && crowd.run.count() > 0 && waited < crowd.start) {
    const auto turn = crowd.run * (ahead + 1) / crowd.running;
    if (turn < crowd.start) return crowd.start - waited;
  }
  if (crowd.young >= crowd.young_limit) return std::chrono::milliseconds(50);
  return std::nullopt;
}

// An average in which what is new weighs an eighth.
inline std::chrono::microseconds blend(std::chrono::microseconds before, std::chrono::microseconds fresh) {
  return before.count() == 0 ? fresh : (before * 7 + fresh) / 8;
}

}  // namespace lambari::lambda
