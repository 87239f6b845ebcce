#include "async/gate.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <list>
#include <mutex>

#include "async/wait_time.h"

namespace lambari::async {

namespace asio = boost::asio;

namespace {

// One who waits. Its timer is touched only on its own executor; `chosen` and `place` only under the queue's mutex.
struct Waiter {
  explicit Waiter(asio::any_io_executor executor) : timer(std::move(executor)) {}
  asio::steady_timer timer;
  bool chosen = false;
  std::list<std::shared_ptr<Waiter>>::iterator place;
};

// Waiters in order of arrival. Every member is called with the owner's mutex held.
class Queue {
 public:
  void join(const std::shared_ptr<Waiter>& waiter) { waiter->place = waiters_.insert(waiters_.end(), waiter); }
  void leave(Waiter& waiter) {
    if (!waiter.chosen) waiters_.erase(waiter.place);
  }
  bool empty() const { return waiters_.empty(); }
  std::size_t size() const { return waiters_.size(); }

  // The post happens under the mutex: a waiter being destroyed takes the mutex first, so its executor still lives here.
  void choose_first() {
    auto waiter = std::move(waiters_.front());
    waiters_.pop_front();
    waiter->chosen = true;
    auto executor = waiter->timer.get_executor();
    asio::post(executor, [waiter = std::move(waiter)] { waiter->timer.cancel(); });
  }

 private:
  std::list<std::shared_ptr<Waiter>> waiters_;
};

// Takes a waiter out of the queue however its coroutine ends, destruction included.
template <class State>
class Place {
 public:
  Place(std::shared_ptr<State> state, std::shared_ptr<Waiter> waiter) : state_(std::move(state)), waiter_(std::move(waiter)) {}
  Place(const Place&) = delete;
  ~Place() {
    std::lock_guard lock(state_->mutex);
    if (settled_) return;
    state_->queue.leave(*waiter_);
    if (waiter_->chosen) state_->pass_on();
  }
  // True when chosen: then what was given is the caller's.
  bool settle() {
    std::lock_guard lock(state_->mutex);
    settled_ = true;
    state_->queue.leave(*waiter_);
    return waiter_->chosen;
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Waiter> waiter_;
  bool settled_ = false;
};

// The waiter was queued on this very executor without a suspension since: the cancel that choose_first() posts finds
// the timer waiting.
Task<> sleep_until_chosen(std::shared_ptr<Waiter> waiter, std::chrono::milliseconds timeout) {
  waiter->timer.expires_after(bounded(timeout));
  boost::system::error_code error;
  co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
  if (cancelled != asio::cancellation_type::none) throw boost::system::system_error(asio::error::operation_aborted);
}

}  // namespace

struct Event::State {
  std::mutex mutex;
  Queue queue;
  Ticket ticket = 0;

  void pass_on() {
    if (!queue.empty()) queue.choose_first();
  }
};

Event::Event() : state_(std::make_shared<State>()) {}
Event::~Event() = default;

Event::Ticket Event::ticket() const {
  std::lock_guard lock(state_->mutex);
  return state_->ticket;
}

Task<bool> Event::wait(Ticket since, std::chrono::milliseconds timeout) {
  auto state = state_;
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  {
    std::lock_guard lock(state->mutex);
    if (state->ticket != since) co_return true;
    state->queue.join(waiter);
  }
  Place<State> place(std::move(state), waiter);
  co_await sleep_until_chosen(std::move(waiter), timeout);
  co_return place.settle();
}

void Event::notify_all() {
  std::lock_guard lock(state_->mutex);
  ++state_->ticket;
  while (!state_->queue.empty()) state_->queue.choose_first();
}

void Event::notify_one() {
  std::lock_guard lock(state_->mutex);
  ++state_->ticket;
  if (!state_->queue.empty()) state_->queue.choose_first();
}

struct Semaphore::State {
  std::mutex mutex;
  Queue queue;
  std::size_t permits = 0;

  void pass_on() {
    if (queue.empty()) {
      ++permits;
    } else {
      queue.choose_first();
    }
  }
};

Semaphore::Semaphore(std::size_t permits) : state_(std::make_shared<State>()) { state_->permits = permits; }
Semaphore::~Semaphore() = default;

bool Semaphore::try_acquire() {
  std::lock_guard lock(state_->mutex);
  if (state_->permits == 0) return false;  // never positive while somebody waits
  --state_->permits;
  return true;
}

Task<bool> Semaphore::acquire(std::chrono::milliseconds timeout) {
  if (try_acquire()) co_return true;
  auto state = state_;
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  {
    std::lock_guard lock(state->mutex);
    if (state->permits > 0) {
      --state->permits;
      co_return true;
    }
    state->queue.join(waiter);
  }
  Place<State> place(std::move(state), waiter);
  co_await sleep_until_chosen(std::move(waiter), timeout);
  co_return place.settle();
}

void Semaphore::release() {
  std::lock_guard lock(state_->mutex);
  state_->pass_on();
}

std::size_t Semaphore::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

}  // namespace lambari::async
