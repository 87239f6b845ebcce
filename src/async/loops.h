// The threads that run coroutines: a fixed number of event loops, one thread each, and a pool for calls that block.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "async/task.h"

namespace boost::asio {
class io_context;
}

namespace lambari::async {

using Executor = boost::asio::any_io_executor;

// Built once, in app (or in a test). Destruction stops the loops and joins the threads; what was not finished is dropped.
// Each loop is a boost io_context run by one thread: what runs on it needs no lock against the rest of that loop.
class Loops {
 public:
  explicit Loops(unsigned threads, unsigned blocking_threads = 4);
  ~Loops();
  Loops(const Loops&) = delete;

  unsigned size() const;
  boost::asio::io_context& context(unsigned index);
  Executor executor(unsigned index);
  Executor next();  // round robin
  unsigned here();  // the loop whose thread this is; of another thread, round robin

  // Starts `task` on `executor` (next() when empty). An exception that leaves it is logged with `what` and dropped.
  void spawn(std::string_view what, Task<> task, Executor executor = {});

  // Runs `work` on the blocking pool; the awaiting coroutine resumes on its own executor. Exceptions come through.
  // Work that has begun runs to its end: cancellation does not reach it.
  Task<> block(std::function<void()> work);

  // Runs `task` on a loop and waits for it in this thread, which must not be one of the loops. For main and tests.
  // Exceptions come through. Throws std::runtime_error when the loops stop before the task ends.
  void run(Task<> task);

  // Idempotent. From outside the loops: joins the threads, then destroys every suspended coroutine, so that call it
  // while what they refer to still lives. From inside a loop it only asks the loops to end.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Steady time; not moved by base::Clock. For time that users see, wait on delivery's timers instead.
Task<> sleep_for(std::chrono::milliseconds time);

}  // namespace lambari::async
