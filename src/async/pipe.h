// Bytes in pieces from one coroutine to another, on any loops, with back-pressure: a writer that is ahead waits for the reader.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "async/gate.h"
#include "async/task.h"

namespace lambari::async {

// One writer, one reader. Thread-safe.
class Pipe {
 public:
  // A write is let in while fewer than `capacity` bytes wait: what waits is at most that and one piece.
  explicit Pipe(std::size_t capacity = 256 * 1024) : capacity_(capacity) {}

  // Waits for room. False: the reader has left, the piece went nowhere. Empty pieces are dropped.
  Task<bool> write(std::string piece);
  // No more comes. Whoever destroys the writer's side without it leaves the reader waiting.
  void finish();

  // The next piece; nothing once all was read and the writer has finished.
  Task<std::optional<std::string>> read();
  // The reader leaves: a writer that waits is let go.
  void leave();

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::deque<std::string> pieces_;
  std::size_t bytes_ = 0;
  bool finished_ = false, left_ = false;
  Event room_, filled_;
};

}  // namespace lambari::async
