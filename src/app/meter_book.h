// Keeps what the meter counted over a restart: written about once a second and at stop, read at start. After a kill -9 what was
// counted in the last second, and not yet written, is lost.
//
//   app/meter, service, usage, resource -> amount      app/meter-since -> ms: the first start, or the last nuke
#pragma once

#include <atomic>
#include <string>

#include "app/meter.h"
#include "async/gate.h"
#include "async/loops.h"
#include "async/task.h"
#include "base/clock.h"
#include "store/store.h"

namespace lambari::app {

// All it is given outlives it.
class MeterBook {
 public:
  MeterBook(async::Loops& loops, const base::Clock& clock, store::Store& store, Meter& meter)
      : loops_(loops), clock_(clock), store_(store), meter_(meter) {}

  async::Task<> open();   // and begins to write
  async::Task<> close();  // after the last count
  async::Task<> reset();  // forgets all, here and in the meter
  base::Timestamp since() const { return {since_}; }

 private:
  async::Task<> keep();
  async::Task<> write();
  async::Task<> begin();  // a new count, from now

  async::Loops& loops_;
  const base::Clock& clock_;
  store::Store& store_;
  Meter& meter_;
  std::atomic<std::int64_t> since_{0};
  std::atomic<bool> closing_{false}, running_{false};
  async::Event changed_;
};

}  // namespace lambari::app
