// Loops::run() of a task that has a result. For tests.
#pragma once

#include <optional>
#include <utility>

#include "async/loops.h"

namespace lambari::async {

template <class T>
Task<> keep_result(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

// Waits in this thread, which must not be one of the loops. Exceptions come through.
template <class T>
T run(Loops& loops, Task<T> task) {
  std::optional<T> out;
  loops.run(keep_result(std::move(task), out));
  return std::move(*out);
}

}  // namespace lambari::async
