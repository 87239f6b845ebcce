// Work that goes on after its request was answered. finish() waits for all of it, so that nothing outlives the room.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "async/gate.h"
#include "async/loops.h"
#include "async/task.h"

namespace lambari::lambda {

class Background {
 public:
  explicit Background(async::Loops& loops) : loops_(loops), state_(std::make_shared<State>()) {}

  void spawn(std::string_view what, async::Task<> task) {
    ++state_->running;
    loops_.spawn(what, run(state_, std::move(task)));
  }

  // Long work asks this at each step.
  bool stopping() const { return state_->stopping; }
  // Sleeps, but not through stopping.
  async::Task<> pause(std::chrono::milliseconds time) {
    const auto state = state_;
    const auto ticket = state->changed.ticket();
    if (!state->stopping) co_await state->changed.wait(ticket, time);
  }

  // Ends the pauses of all; what waits for something else has to be told.
  void stop() {
    state_->stopping = true;
    state_->changed.notify_all();
  }

  async::Task<> finish() {
    const auto state = state_;
    stop();
    for (;;) {
      const auto ticket = state->changed.ticket();
      if (state->running == 0) co_return;
      co_await state->changed.wait(ticket, std::chrono::seconds(1));
    }
  }

 private:
  struct State {
    std::atomic<int> running{0};
    std::atomic<bool> stopping{false};
    async::Event changed;
  };
  // Counts down even when the task is dropped unfinished.
  struct Done {
    std::shared_ptr<State> state;
    ~Done() {
      --state->running;
      state->changed.notify_all();
    }
  };

  static async::Task<> run(std::shared_ptr<State> state, async::Task<> task) {
    const Done done{state};
    co_await std::move(task);
  }

  async::Loops& loops_;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::lambda
