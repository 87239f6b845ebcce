// The order of stream records. Numbers are drawn while a transaction's body runs and become visible when it commits, so a
// later number may be there before an earlier one; a reader stops before the first that is still under way and misses none.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>

#include "async/gate.h"

namespace lambari::dynamodb {

// Thread-safe.
class Sequence {
 public:
  // Numbers from here on: higher than any drawn before, in this process or an earlier one.
  void begin_at(std::uint64_t first) { next_ = first; }

  // All numbers below this one are committed, or never will be.
  std::uint64_t horizon() {
    const std::lock_guard lock(mutex_);
    return under_way_.empty() ? next_ : *under_way_.begin();
  }
  // Notified when the horizon may have risen past a number that was under way.
  async::Event& risen() { return risen_; }

  // The numbers of one transaction, under way until it is destroyed: keep it until the commit has returned.
  class Ticket {
   public:
    explicit Ticket(Sequence& sequence) : sequence_(sequence) {}
    ~Ticket() {
      {
        const std::lock_guard lock(sequence_.mutex_);
        if (first_ == 0) return;
        drop();
      }
      sequence_.risen_.notify_all();
    }
    Ticket(const Ticket&) = delete;

    // The body begins (again): what it drew before is void.
    void restart() {
      const std::lock_guard lock(sequence_.mutex_);
      drop();
    }
    std::uint64_t draw() {
      const std::lock_guard lock(sequence_.mutex_);
      const auto number = sequence_.next_++;
      if (first_ == 0) {
        first_ = number;
        sequence_.under_way_.insert(number);
      }
      return number;
    }

   private:
    void drop() {
      if (first_ != 0) sequence_.under_way_.erase(first_);
      first_ = 0;
    }
    Sequence& sequence_;
    std::uint64_t first_ = 0;  // 0: none was drawn
  };

 private:
  std::mutex mutex_;
  std::uint64_t next_ = 1;             // guarded by mutex_
  std::set<std::uint64_t> under_way_;  // guarded by mutex_; the first number of each ticket
  async::Event risen_;
};

}  // namespace lambari::dynamodb
