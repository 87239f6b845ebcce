// Feeds a function from a source: receives, gathers a batch, filters, invokes, reports. One receive is under way at a time and
// begins when another batch may run, so an idle source costs one long poll; batches run side by side as rules.h's Scale allows.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/loops.h"
#include "base/clock.h"
#include "services/lambda/sources/rules.h"
#include "services/lambda/sources/source.h"

namespace lambari::sources {

// As the metrics of an event source mapping have them; of all mappings.
struct Counters {
  std::atomic<std::uint64_t> polled{0}, filtered{0}, invoked{0}, failed{0}, deleted{0};
};

struct Settings {
  std::size_t batch_size = 10;
  std::chrono::milliseconds window{0};  // to gather a batch, by base::Clock
  std::size_t concurrency = 1'250;      // batches at once, at most
  bool report_failures = false;
  Filter filter;
};

// How an invocation ended.
struct Answer {
  enum class Kind { success, function_error, refused } kind = Kind::success;  // refused: throttled, or it could not begin
  std::string payload;
  std::string problem;  // unless success
};

struct Function {
  // `traces`: the trace headers of the event's records.
  std::function<async::Task<Answer>(std::string event, std::vector<std::string> traces)> invoke;
  // Whether a record with this trace header goes round in a loop, and the function is not to be called with it.
  std::function<bool(const std::string& trace)> loops;
  // Why nothing should be received now ("" for nothing): a function that is gone or turned off would only use up receives.
  std::function<std::string()> obstacle;
};

// Thread-safe. What it started goes on after its destruction and ends by itself, unless the loops stop first.
class Poller {
 public:
  Poller(async::Loops& loops, base::Clock& clock, std::shared_ptr<Source> source, Settings settings, Function function,
         std::shared_ptr<Counters> counters);
  ~Poller();
  Poller(const Poller&) = delete;

  // Receives no more.
  void wind_down();
  // The same; returns when the receive under way has ended (a second at most, for a source that keeps its time).
  async::Task<> stop();

  // "OK", "PROBLEM: ...", "No records processed".
  std::string last_result() const;
  // After wind_down(): nothing is under way any more.
  bool ended() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::sources
