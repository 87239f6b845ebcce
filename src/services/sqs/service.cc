#include "services/sqs/service.h"

#include "services/sqs/keys.h"

namespace lambari::sqs {

Sqs::Sqs(Dependencies dependencies) : state_(std::make_shared<State>(dependencies)) {
  dependencies.clock.on_jump([weak = std::weak_ptr(state_)] {
    auto state = weak.lock();
    if (!state) return;
    wake_waiters(*state);
    state->sweep_event.notify_all();
    state->task_event.notify_all();
  });
}

Sqs::~Sqs() {
  state_->stopping = true;
  wind_down();
}

async::Task<> Sqs::start() {
  spawn_counted(state_, "expired messages", run_sweeper(state_));
  co_await run_tasks(state_);
}

void Sqs::wind_down() {
  state_->winding_down = true;
  wake_waiters(*state_);
}

async::Task<> Sqs::stop() {
  wind_down();
  state_->stopping = true;
  // A task may be between its look at `stopping` and its wait: tell it again until it has ended.
  while (state_->background > 0) {
    const auto seen = state_->ended_event.ticket();
    state_->sweep_event.notify_all();
    state_->task_event.notify_all();
    if (state_->background == 0) break;
    co_await state_->ended_event.wait(seen, std::chrono::milliseconds(50));
  }
}

async::Task<> Sqs::nuke() {
  std::vector<std::string> hashes;
  auto range = store::prefix_range(keys::blobs());
  for (;;) {
    const auto page = state_->d.store.read()->keys(range, 1000);
    for (const auto& key : page) {
      std::string hash;
      if (keys::read_blob(key, hash)) hashes.push_back(std::move(hash));
    }
    if (page.size() < 1000) break;
    range.begin = keys::after(page.back());
  }
  co_await state_->d.store.commit([](store::Transaction& t) {
    for (const auto table : keys::kTables) t.erase(store::prefix_range(store::Key(table).str()));
  });
  forget_queues(*state_);
  state_->task_event.notify_all();
  co_await erase_blobs(state_, std::move(hashes));
}

}  // namespace lambari::sqs
