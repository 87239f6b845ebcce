// The only source of time. Wall time can be moved forward by a test or by `lambari clock advance`; steady time cannot.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lambari::base {

// A point in UTC with millisecond resolution, as AWS stores it.
struct Timestamp {
  std::int64_t ms = 0;  // since 1970-01-01T00:00:00Z
  auto operator<=>(const Timestamp&) const = default;
};

// Thread-safe. One Clock is built in `app` and passed by reference.
class Clock {
 public:
  Timestamp now() const;  // wall time plus what was advanced

  // Moves wall time forward; what waits on timers made from this clock is told (see on_jump).
  void advance(std::chrono::milliseconds by);
  void reset();  // back to the machine's time
  std::chrono::milliseconds offset() const;

  // `callback` runs in the thread that called advance() or reset(). Callbacks are never removed: register at composition.
  void on_jump(std::function<void()> callback);

 private:
  struct State;
  static std::shared_ptr<State> make();
  std::shared_ptr<State> state_ = make();  // copies of a clock share its offset
};

// "2026-01-31T23:59:59Z", with ".123" when `millis`.
std::string iso8601(Timestamp t, bool millis = false);
// "20260131T235959Z", as SigV4 has it.
std::string basic_iso8601(Timestamp t);
// "Sat, 31 Jan 2026 23:59:59 GMT"
std::string http_date(Timestamp t);
// Reads ISO 8601 (with fraction and offset); nothing when malformed.
bool parse_iso8601(std::string_view text, Timestamp& out);
bool parse_http_date(std::string_view text, Timestamp& out);
bool parse_basic_iso8601(std::string_view text, Timestamp& out);

}  // namespace lambari::base
