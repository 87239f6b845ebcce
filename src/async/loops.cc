#include "async/loops.h"

#include <pthread.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/wait_time.h"
#include "base/log.h"

namespace lambari::async {

namespace asio = boost::asio;

namespace {

// Shutdown is public here, so that all contexts can drop their coroutines before any of them is destroyed: a coroutine
// of one loop may own timers and sockets of another.
class Context : public asio::io_context {
 public:
  Context() : asio::io_context(1) {}
  using asio::io_context::shutdown;
};

class Pool : public asio::thread_pool {
 public:
  using asio::thread_pool::shutdown;
  using asio::thread_pool::thread_pool;
};

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "not a std::exception";
  }
}

}  // namespace

struct Loops::State {
  struct Loop {
    Context context;
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };

  explicit State(unsigned blocking_threads) : pool(blocking_threads) {}

  std::optional<unsigned> inside() const {
    for (unsigned i = 0; i < loops.size(); ++i) {
      if (loops[i]->thread.get_id() == std::this_thread::get_id()) return i;
    }
    return std::nullopt;
  }

  // Destroying a coroutine goes through its executor's queue, which may be that of a loop shut down a moment ago: the second
  // round takes those.
  void drop_suspended() {
    for (int round = 0; round < 2; ++round) {
      for (auto& loop : loops) loop->context.shutdown();
    }
  }

  std::vector<std::unique_ptr<Loop>> loops;
  Pool pool;
  std::atomic<unsigned> turn{0};
  std::mutex stopping;  // held by whoever joins
  bool joined = false;
  std::mutex run_mutex;  // guards `stopped` and the results of run()
  std::condition_variable run_changed;
  bool stopped = false;
};

Loops::Loops(unsigned threads, unsigned blocking_threads)
    : state_(std::make_unique<State>(blocking_threads == 0 ? 1 : blocking_threads)) {
  if (threads == 0) threads = 1;
  for (unsigned i = 0; i < threads; ++i) state_->loops.push_back(std::make_unique<State::Loop>());
  for (unsigned i = 0; i < threads; ++i) {
    auto& loop = *state_->loops[i];
    loop.thread = std::thread([&loop, i] {
      pthread_setname_np(pthread_self(), ("loop" + std::to_string(i)).c_str());
      for (;;) {
        try {
          loop.context.run();
          return;
        } catch (const std::exception& e) {
          // A plain callback threw (coroutines are caught in spawn). The loop must not die of it.
          base::log_error("exception left a callback", {{"what", e.what()}});
        } catch (...) {
          base::log_error("exception left a callback");
        }
      }
    });
  }
}

Loops::~Loops() {
  stop();
  state_->drop_suspended();  // what was posted since: it too may own things of several loops
}

unsigned Loops::size() const { return static_cast<unsigned>(state_->loops.size()); }

asio::io_context& Loops::context(unsigned index) { return state_->loops.at(index)->context; }

Executor Loops::executor(unsigned index) { return context(index).get_executor(); }

unsigned Loops::here() {
  const auto here = state_->inside();
  return here ? *here : state_->turn.fetch_add(1, std::memory_order_relaxed) % size();
}

Executor Loops::next() { return executor(state_->turn.fetch_add(1, std::memory_order_relaxed) % size()); }

void Loops::spawn(std::string_view what, Task<> task, Executor executor) {
  if (!executor) executor = next();
  asio::co_spawn(executor, std::move(task), [what = std::string(what)](std::exception_ptr error) {
    if (error) base::log_error("task failed", {{"task", what}, {"what", describe(error)}});
  });
}

Task<> Loops::block(std::function<void()> work) {
  co_await asio::async_initiate<decltype(asio::use_awaitable), void(std::exception_ptr)>(
      [this](auto handler, std::function<void()> work) {
        asio::post(state_->pool, [handler = std::move(handler), work = std::move(work)]() mutable {
          std::exception_ptr error;
          try {
            work();
          } catch (...) {
            error = std::current_exception();
          }
          work = nullptr;  // what it captured goes before the coroutine runs on
          auto executor = asio::get_associated_executor(handler);
          asio::post(executor, [handler = std::move(handler), error = std::move(error)]() mutable {
            std::move(handler)(std::move(error));
          });
        });
      },
      asio::use_awaitable, std::move(work));
}

void Loops::run(Task<> task) {
  struct Result {
    bool done = false;
    std::exception_ptr error;
  };
  auto result = std::make_shared<Result>();
  auto* state = state_.get();
  auto executor = next();
  asio::co_spawn(executor, std::move(task), [result, state, executor](std::exception_ptr error) {
    // Once more through the queue: then the coroutine is gone, and what it held is gone before the waiting thread goes on.
    asio::post(executor, [result, state, error = std::move(error)]() mutable {
      std::lock_guard lock(state->run_mutex);
      result->done = true;
      result->error = std::move(error);
      state->run_changed.notify_all();
    });
  });
  std::unique_lock lock(state->run_mutex);
  state->run_changed.wait(lock, [&] { return result->done || state->stopped; });
  if (!result->done) throw std::runtime_error("the loops were stopped");
  if (result->error) std::rethrow_exception(std::exchange(result->error, nullptr));
}

void Loops::stop() {
  {
    std::lock_guard lock(state_->run_mutex);
    state_->stopped = true;
    state_->run_changed.notify_all();
  }
  state_->pool.stop();
  for (auto& loop : state_->loops) loop->context.stop();
  if (state_->inside()) return;
  std::lock_guard lock(state_->stopping);
  if (state_->joined) return;
  state_->joined = true;
  state_->pool.join();
  for (auto& loop : state_->loops) loop->thread.join();
  state_->pool.shutdown();
  state_->drop_suspended();
}

Task<> sleep_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, bounded(time));
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace lambari::async
