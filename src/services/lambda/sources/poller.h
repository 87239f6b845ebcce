// Feeds a function from a source: receives, gathers a batch, filters, invokes, reports. One receive is under way at a time and
// begins when another batch may run, so an idle source costs one long poll; batches run side by side as rules.h's Scale allows.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "async/loops.h"
#include "base/clock.h"
#include "services/lambda/sources/feed.h"
#include "services/lambda/sources/rules.h"
#include "services/lambda/sources/source.h"

namespace lambari::sources {

struct Settings {
  std::size_t batch_size = 10;
  std::chrono::milliseconds window{0};  // to gather a batch, by base::Clock
  std::size_t concurrency = 1'250;      // batches at once, at most
  bool report_failures = false;
  Filter filter;
};

class Poller final : public Feed {
 public:
  Poller(async::Loops& loops, base::Clock& clock, std::shared_ptr<Source> source, Settings settings, Function function,
         std::shared_ptr<Counters> counters);
  ~Poller() override;
  Poller(const Poller&) = delete;

  void wind_down() override;
  // Returns when the receive under way has ended (a second at most, for a source that keeps its time).
  async::Task<> stop() override;
  std::string last_result() const override;
  bool ended() const override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::sources
