// The end of the process, asked for by a signal or by a part of the program.
#pragma once

namespace lambari::app {

// One per process at a time, because signals belong to the process.
class Ending {
 public:
  // Catches SIGINT, SIGTERM and SIGHUP from now on; the second of them ends the process at once. SIGPIPE is harmless from now on.
  Ending();
  ~Ending();  // signals mean what they meant before
  Ending(const Ending&) = delete;

  void ask();   // as the first signal does; any thread
  void wait();  // until it is asked for; one thread
};

}  // namespace lambari::app
