// Where coroutines wait for one another, across loops. A coroutine cancelled while it waits gets
// boost::system::system_error(operation_aborted); a permit or a notify_one meant for it goes to the next waiter.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "async/task.h"

namespace lambari::async {

// A thing that happens once or again and again: waiters sleep until the next notify. Thread-safe.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;

  // Resumes on the waiter's executor after the next notify() (a notify with no waiter is not remembered), or when
  // `timeout` is over. True when notified. To miss nothing: take ticket(), look at the state, then wait(ticket):
  // a notify since that ticket, of either kind, makes wait return at once.
  using Ticket = std::uint64_t;
  Ticket ticket() const;
  Task<bool> wait(Ticket since, std::chrono::milliseconds timeout);

  void notify_all();
  void notify_one();  // the one who waits longest

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Lets in at most `permits` at a time, in order of arrival. Thread-safe.
class Semaphore {
 public:
  explicit Semaphore(std::size_t permits);
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;

  Task<bool> acquire(std::chrono::milliseconds timeout);  // false: timed out
  bool try_acquire();
  void release();
  std::size_t waiting() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::async
