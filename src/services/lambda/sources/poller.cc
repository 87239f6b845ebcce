#include "services/lambda/sources/poller.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <set>

#include "async/gate.h"
#include "base/log.h"
#include "delivery/retry.h"

namespace lambari::sources {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPoll = 1s;                      // one long poll; the next one follows at once. Also how long a stop may take
constexpr auto kWindowPoll = 1s;                // while a batch is gathered: how late a moved clock is noticed
constexpr auto kTooQuick = 100ms;               // a source that answers "nothing" at once is not asked again at once
constexpr std::size_t kMaxInFlight = 64 << 20;  // bytes of records of one poller
constexpr delivery::Backoff kAfterProblem{500ms, 60s, 2.0, 0.5};
constexpr delivery::Backoff kAfterRefusal{100ms, 10s, 2.0, 0.5};
constexpr delivery::Backoff kAfterUnsettled{200ms, 10s, 2.0, 0.5};
constexpr std::size_t kEnvelope = 64;

struct Batch {
  std::vector<Record> records;
  std::size_t bytes = kEnvelope;

  // False when it does not fit; a batch of nothing takes anything.
  bool add(Record& record) {
    const auto more = record.json.size() + 1;
    if (!records.empty() && bytes + more > kMaxEvent) return false;
    bytes += more;
    records.push_back(std::move(record));
    return true;
  }
};

}  // namespace

struct Poller::State : std::enable_shared_from_this<Poller::State> {
  State(async::Loops& loops, base::Clock& clock, std::shared_ptr<Source> source, Settings given, Function function,
        std::shared_ptr<Counters> counters)
      : loops(loops),
        clock(clock),
        source(std::move(source)),
        settings(std::move(given)),
        function(std::move(function)),
        counters(std::move(counters)),
        scale(settings.concurrency) {}

  async::Task<> receive_loop();
  async::Task<Batch> gather(std::vector<Record>& held);
  async::Task<> process(Batch batch);
  async::Task<Answer> invoke(std::string event, std::vector<std::string> traces);
  async::Task<> finish(std::vector<Record> done, std::vector<Record> failed);
  async::Task<bool> pause(std::chrono::milliseconds time);

  bool may_start() {
    const std::lock_guard lock(mutex);
    scale.busy(running, Steady::now());
    return running < scale.allowed() && (running == 0 || in_flight < kMaxInFlight);
  }
  void note(std::string result) {
    const std::lock_guard lock(mutex);
    last_result = std::move(result);
  }

  async::Loops& loops;
  base::Clock& clock;
  const std::shared_ptr<Source> source;
  const Settings settings;
  const Function function;
  const std::shared_ptr<Counters> counters;
  async::Event changed;
  std::atomic<bool> stopping{false};

  mutable std::mutex mutex;  // guards what follows
  Scale scale;
  std::size_t running = 0;    // batches
  std::size_t in_flight = 0;  // bytes of them
  bool receiving = true;
  std::string last_result = "No records processed";
};

// True when the poller stops.
async::Task<bool> Poller::State::pause(std::chrono::milliseconds time) {
  const auto ticket = changed.ticket();
  if (!stopping) co_await changed.wait(ticket, time);
  co_return stopping;
}

// At most a batch of records; what does not fit any more stays in `held` for the next one.
async::Task<Batch> Poller::State::gather(std::vector<Record>& held) {
  Batch batch;
  std::size_t taken = 0;
  while (taken < held.size() && batch.records.size() < settings.batch_size && batch.add(held[taken])) ++taken;
  held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(taken));
  std::optional<base::Timestamp> until;  // begins with the first record
  if (!batch.records.empty()) until = base::Timestamp{clock.now().ms + settings.window.count()};
  while (held.empty() && batch.records.size() < settings.batch_size && !stopping) {
    std::chrono::milliseconds wait = kPoll;
    if (until) {
      const auto left = std::chrono::milliseconds(until->ms - clock.now().ms);
      if (left <= 0ms) break;
      wait = std::min<std::chrono::milliseconds>(left, kWindowPoll);
    }
    const auto began = Steady::now();
    auto got = co_await source->receive(settings.batch_size - batch.records.size(), wait);
    if (got.empty()) {
      if (Steady::now() - began < std::min<std::chrono::milliseconds>(kTooQuick, wait)) co_await pause(kTooQuick);
      if (!until) break;
      continue;
    }
    counters->polled += got.size();
    for (auto& record : got) {
      if (!held.empty() || !batch.add(record)) held.push_back(std::move(record));
    }
    if (!until) until = base::Timestamp{clock.now().ms + settings.window.count()};
  }
  co_return batch;
}

async::Task<> Poller::State::receive_loop() {
  const auto self = shared_from_this();
  std::vector<Record> held;
  unsigned problems = 0;
  while (!stopping || !held.empty()) {
    const auto ticket = changed.ticket();
    if (!may_start()) {
      co_await changed.wait(ticket, 1s);
      continue;
    }
    auto problem = function.obstacle();
    Batch batch;
    if (problem.empty() || !held.empty()) {
      problem.clear();
      try {
        batch = co_await gather(held);
        problems = 0;
      } catch (const std::exception& error) {
        problem = error.what();
      }
    }
    if (!problem.empty()) {
      note("PROBLEM: " + problem);
      if (co_await pause(delivery::delay(kAfterProblem, ++problems, delivery::draw()))) break;
      continue;
    }
    if (batch.records.empty()) {
      const std::lock_guard lock(mutex);
      if (running == 0) scale.idle();
      continue;
    }
    {
      const std::lock_guard lock(mutex);
      ++running;
      in_flight += batch.bytes;
    }
    loops.spawn("batch of an event source", process(std::move(batch)));
  }
  {
    const std::lock_guard lock(mutex);
    receiving = false;
  }
  changed.notify_all();
}

// Tried again while the records are still ours.
async::Task<Answer> Poller::State::invoke(std::string event, std::vector<std::string> traces) {
  const auto deadline = Steady::now() + source->patience();
  for (unsigned refusals = 0;;) {
    auto answer = co_await function.invoke(event, traces);
    if (answer.kind != Answer::Kind::refused) co_return answer;
    {
      const std::lock_guard lock(mutex);
      scale.throttled(Steady::now());
    }
    note("PROBLEM: " + answer.problem);
    const auto wait = delivery::delay(kAfterRefusal, ++refusals, delivery::draw());
    if (Steady::now() + wait >= deadline || co_await pause(wait)) co_return answer;
  }
}

// Tells the source, again and again for a while: what it does not hear is processed twice.
async::Task<> Poller::State::finish(std::vector<Record> done, std::vector<Record> failed) {
  const auto deadline = Steady::now() + source->patience();
  for (unsigned tries = 0;;) {
    try {
      if (!done.empty()) {
        co_await source->settle(done);
        counters->deleted += done.size();
        done.clear();
      }
      if (!failed.empty()) co_await source->give_back(failed);
      co_return;
    } catch (const std::exception& error) {
      note(std::string("PROBLEM: ") + error.what());
      base::log_warn("an event source does not hear what became of its records", {{"error", error.what()}});
    }
    const auto wait = delivery::delay(kAfterUnsettled, ++tries, delivery::draw());
    if (Steady::now() + wait >= deadline) co_return;
    co_await async::sleep_for(wait);
  }
}

async::Task<> Poller::State::process(Batch batch) {
  const auto self = shared_from_this();
  try {
    std::vector<Record> passing, done, failed;
    std::vector<std::string> traces;
    std::set<std::string> held;  // groups: what comes after a record that is not processed is not either
    for (auto& record : batch.records) {
      if (!settings.filter.passes_all() && !settings.filter.passes(source->for_filter(record))) {
        done.push_back(std::move(record));
      } else if (held.contains(record.group) || (!record.trace_header.empty() && function.loops(record.trace_header))) {
        if (!record.group.empty()) held.insert(record.group);
        failed.push_back(std::move(record));
      } else {
        if (!record.trace_header.empty()) traces.push_back(record.trace_header);
        passing.push_back(std::move(record));
      }
    }
    counters->filtered += done.size();
    counters->failed += failed.size();
    if (!failed.empty()) note("PROBLEM: Lambda detected a recursive loop");
    if (!passing.empty()) {
      const auto answer = co_await invoke(source->event(passing), std::move(traces));
      const auto failed_before = failed.size();
      counters->invoked += passing.size();
      if (answer.kind == Answer::Kind::success) {
        std::optional<std::set<std::string>> bad = std::set<std::string>();
        if (settings.report_failures) bad = reported_failures(answer.payload, passing);
        for (auto& record : passing) (bad && !bad->contains(record.id) ? done : failed).push_back(std::move(record));
        note(bad ? "OK" : "PROBLEM: Function response could not be understood");
      } else {
        std::ranges::move(passing, std::back_inserter(failed));
        note("PROBLEM: " + answer.problem);
      }
      counters->failed += failed.size() - failed_before;
    }
    co_await finish(std::move(done), std::move(failed));
  } catch (const std::exception& error) {
    base::log_error("a batch of an event source failed", {{"error", error.what()}});
    note("PROBLEM: internal error");
  }
  {
    const std::lock_guard lock(mutex);
    --running;
    in_flight -= batch.bytes;
  }
  changed.notify_all();
}

Poller::Poller(async::Loops& loops, base::Clock& clock, std::shared_ptr<Source> source, Settings settings, Function function,
               std::shared_ptr<Counters> counters)
    : state_(std::make_shared<State>(loops, clock, std::move(source), std::move(settings), std::move(function),
                                     std::move(counters))) {
  loops.spawn("poller of an event source", state_->receive_loop());
}

Poller::~Poller() { wind_down(); }

void Poller::wind_down() {
  state_->stopping = true;
  state_->changed.notify_all();
}

async::Task<> Poller::stop() {
  const auto state = state_;
  wind_down();
  for (;;) {
    const auto ticket = state->changed.ticket();
    {
      const std::lock_guard lock(state->mutex);
      if (!state->receiving) co_return;
    }
    co_await state->changed.wait(ticket, 1s);
  }
}

std::string Poller::last_result() const {
  const std::lock_guard lock(state_->mutex);
  return state_->last_result;
}

bool Poller::ended() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->receiving && state_->running == 0;
}

}  // namespace lambari::sources
