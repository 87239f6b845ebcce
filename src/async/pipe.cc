#include "async/pipe.h"

namespace lambari::async {

namespace {
constexpr std::chrono::hours kLong{24};
}

Task<bool> Pipe::write(std::string piece) {
  if (piece.empty()) co_return true;
  for (;;) {
    const auto ticket = room_.ticket();
    {
      std::lock_guard lock(mutex_);
      if (left_ || finished_) co_return false;
      if (bytes_ < capacity_) {
        bytes_ += piece.size();
        pieces_.push_back(std::move(piece));
        break;
      }
    }
    co_await room_.wait(ticket, kLong);
  }
  filled_.notify_all();
  co_return true;
}

void Pipe::finish() {
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
  }
  filled_.notify_all();
  room_.notify_all();
}

Task<std::optional<std::string>> Pipe::read() {
  for (;;) {
    const auto ticket = filled_.ticket();
    std::optional<std::string> piece;
    {
      std::lock_guard lock(mutex_);
      if (!pieces_.empty()) {
        piece = std::move(pieces_.front());
        pieces_.pop_front();
        bytes_ -= piece->size();
      } else if (finished_ || left_) {
        co_return std::nullopt;
      }
    }
    if (piece) {
      room_.notify_all();
      co_return piece;
    }
    co_await filled_.wait(ticket, kLong);
  }
}

void Pipe::leave() {
  {
    std::lock_guard lock(mutex_);
    left_ = true;
    pieces_.clear();
    bytes_ = 0;
  }
  room_.notify_all();
  filled_.notify_all();
}

}  // namespace lambari::async
