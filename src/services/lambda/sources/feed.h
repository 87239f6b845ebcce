// What feeds one function from one source while its mapping is enabled, and what all kinds of it need.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "contracts/identity.h"

namespace lambari::sources {

inline constexpr std::size_t kMaxEvent = 6 * 1024 * 1024;  // bytes of the event that a function gets

// As the metrics of an event source mapping have them; of all mappings.
struct Counters {
  std::atomic<std::uint64_t> polled{0}, filtered{0}, invoked{0}, failed{0}, dropped{0}, deleted{0};
};

// How an invocation ended.
struct Answer {
  enum class Kind { success, function_error, refused } kind = Kind::success;  // refused: throttled, or it could not begin
  std::string payload;
  std::string problem;  // unless success
  std::string request_id, executed_version, function_error;
  int status = 200;
};

struct Function {
  // `traces`: the trace headers of the event's records.
  std::function<async::Task<Answer>(std::string event, std::vector<std::string> traces)> invoke;
  // Whether a record with this trace header goes round in a loop, and the function is not to be called with it.
  std::function<bool(const std::string& trace)> loops;
  // Why nothing should be received now ("" for nothing): a function that is gone or turned off would only use up receives.
  std::function<std::string()> obstacle;
};

// The execution role, assumed; nothing when it cannot be.
using Caller = std::function<async::Task<std::optional<contracts::Principal>>()>;
// Throws std::runtime_error when it cannot be assumed.
async::Task<contracts::Principal> assumed(Caller caller);

// Thread-safe. What it started goes on after its destruction and ends by itself, unless the loops stop first.
class Feed {
 public:
  virtual ~Feed() = default;
  // Receives no more.
  virtual void wind_down() = 0;
  // The same; returns when another feed of the same source may begin.
  virtual async::Task<> stop() = 0;
  // "OK", "PROBLEM: ...", "No records processed".
  virtual std::string last_result() const = 0;
  // After wind_down(): nothing is under way any more.
  virtual bool ended() const = 0;
};

}  // namespace lambari::sources
