// What a call does that finds environments of its function at work: use another one, or wait for one of those. Pure.
//
// An environment more is what AWS gives, and it makes the call quick if the busy ones are slow, or sleep. Where they are quick
// and the processors have no time left it makes every call slower: its start takes from them what they answer with, and each runs
// on colder caches from then on. So a call waits where that promises to be over before a start would be.
#pragma once

#include <algorithm>
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
  int starting = 0;                    // calls that have started one for themselves
  int young = 0;                       // those of them in their first instants, whose handler has not got the call yet
  int idle = 0;                        // environments
  int processors = 1;                  // of the host
  std::chrono::microseconds run{0};    // what a call took lately; 0: none was measured
  std::chrono::microseconds start{0};  // what a call took that had to start an environment; 0: none was measured
  bool host_is_busy = false;           // its processors have no time left
};

// What a call does that cannot be given an environment just given back. Nothing: take an idle one, or else start one. Otherwise:
// wait, so long at most, and ask again. `ahead`: calls that wait already.
inline std::optional<std::chrono::microseconds> patience(const Crowd& crowd, int ahead, std::chrono::microseconds waited) {
  using namespace std::chrono_literals;
  if (crowd.running + crowd.starting == 0) return std::nullopt;  // nobody will give one back
  // Idle ones stay so while enough are at work to keep the processors busy, and the turn comes soon.
  if (crowd.idle > 0 && crowd.running < 4 * crowd.processors) return std::nullopt;
  const auto limit = crowd.idle > 0 ? std::min<std::chrono::microseconds>(crowd.start, 10ms) : crowd.start;
  if (crowd.host_is_busy && crowd.running > 0 && crowd.run > 0us && waited < limit) {
    if (crowd.run * (ahead + 1) / crowd.running < limit) return limit - waited;
  }
  if (crowd.idle == 0 && crowd.young >= 2 * crowd.processors) return 50ms;
  return std::nullopt;
}

// An average in which what is new weighs an eighth.
inline std::chrono::microseconds blend(std::chrono::microseconds before, std::chrono::microseconds fresh) {
  return before.count() == 0 ? fresh : (before * 7 + fresh) / 8;
}

}  // namespace lambari::lambda
