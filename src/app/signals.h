// The end of the process, asked for by a signal or by a part of the program.
#pragma once

#include <memory>

#include "async/loops.h"

namespace lambari::app {

// One per process. `loops` outlives it.
class Ending {
 public:
  // Catches SIGINT, SIGTERM and SIGHUP from now on; the second of them ends the process at once. SIGPIPE is harmless from now on.
  explicit Ending(async::Loops& loops);
  ~Ending();
  Ending(const Ending&) = delete;

  void ask();   // as the first signal does; any thread
  void wait();  // until it is asked for

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::app
