#include "services/logs/service.h"

#include <chrono>

#include "services/logs/keys.h"
#include "services/logs/state.h"

namespace lambari::logs {

namespace {

constexpr std::size_t kMaxMessage = kMaxBatchBytes - kEventOverhead;
constexpr std::size_t kPieceBytes = 1 << 20;  // a longer write is committed in pieces
constexpr std::size_t kPieceEvents = 5'000;

// Cuts between UTF-8 characters.
void truncate(std::string& message) {
  if (message.size() <= kMaxMessage) return;
  auto size = kMaxMessage;
  while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xC0) == 0x80) --size;
  message.resize(size);
}

async::Task<> run_counted(Shared state, async::Task<> (*task)(Shared)) {
  co_await task(state);
  --state->background;
  state->ended_event.notify_all();
}

void tell_all(State& state) {
  state.written_event.notify_all();
  state.full_event.notify_all();
  state.swept_event.notify_all();
}

}  // namespace

Logs::Logs(Dependencies dependencies)
    : state_(std::make_shared<State>(dependencies.loops, dependencies.clock, dependencies.store)) {
  dependencies.clock.on_jump([weak = std::weak_ptr(state_)] {
    if (auto state = weak.lock()) state->swept_event.notify_all();
  });
}

Logs::~Logs() {
  state_->stopping = true;
  tell_all(*state_);
}

void Logs::write(const std::string& account, const std::string& region, const std::string& group, const std::string& stream,
                 std::vector<contracts::LogEvent> events) {
  State::Pending piece{{account, region, group}, stream, {}, 0};
  for (auto& event : events) {
    if (event.message.empty()) continue;
    truncate(event.message);
    const auto bytes = event.message.size() + kEventOverhead;
    if (!piece.events.empty() && (piece.bytes + bytes > kPieceBytes || piece.events.size() >= kPieceEvents)) {
      write_to_sink(*state_, std::move(piece));
      piece = {{account, region, group}, stream, {}, 0};
    }
    piece.bytes += bytes;
    piece.events.push_back(std::move(event));
  }
  if (!piece.events.empty()) write_to_sink(*state_, std::move(piece));
}

async::Task<> Logs::flush() { return drain(state_); }

std::uint64_t Logs::dropped() const { return state_->dropped; }

async::Task<> Logs::start() {
  state_->background += 2;
  state_->loops.spawn("log flusher", run_counted(state_, run_flusher));
  state_->loops.spawn("log retention", run_counted(state_, run_sweeper));
  co_return;
}

async::Task<> Logs::stop() {
  state_->stopping = true;
  // A task may be between its look at `stopping` and its wait: tell it again until it has ended.
  while (state_->background > 0) {
    const auto seen = state_->ended_event.ticket();
    tell_all(*state_);
    if (state_->background == 0) break;
    co_await state_->ended_event.wait(seen, std::chrono::milliseconds(50));
  }
  co_await drain(state_);
}

async::Task<> Logs::nuke() {
  drop_buffer(*state_);
  co_await state_->store.commit([](store::Transaction& t) {
    for (const auto table : keys::kTables) t.erase(store::prefix_range(store::Key(table).str()));
  });
}

}  // namespace lambari::logs
