#include "delivery/outbox.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "async/gate.h"
#include "base/log.h"
#include "delivery/alarm.h"
#include "delivery/retry.h"
#include "delivery/rows.h"
#include "store/ranges.h"

namespace lambari::delivery {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWindow = 64;         // items of a lane in memory
constexpr std::size_t kErasedAtOnce = 256;  // verdicts of one commit
constexpr std::size_t kWritesAtOnce = 8;    // verdicts with writes of their own in one commit
constexpr auto kGrace = 5s;                 // for attempts that run at the end
constexpr auto kStorePause = 1s;            // after the store refused
constexpr Backoff kAfterException{1'000ms, 300'000ms, 2.0, 0.5};

// An item, and where its row lies.
struct Placed {
  std::string key;
  rows::Row row;
};

struct Lane {
  std::string name;
  LaneRule rule;
  unsigned allowance = 1;  // attempts at once, now
  unsigned running = 0;
  std::deque<Placed> window;              // due, in order, not started
  std::set<std::uint64_t> known;          // ids in the window and under way: a scan passes them over
  std::string cursor;                     // what lies before it is known or gone
  bool more = true;                       // behind the cursor something may be due
  std::optional<base::Timestamp> next;    // else: the first behind the cursor is due then
  bool ready = false;                     // in `ready`
  std::optional<base::Timestamp> asleep;  // in `sleeping` under this time

  bool may_run() const { return running < allowance && (more || !window.empty()); }
};

struct Result {
  std::string lane;
  Placed item;
  Verdict verdict;
};

}  // namespace

// The driver coroutine alone touches lanes; what others tell it comes through `inbox`.
struct Outbox::State : std::enable_shared_from_this<Outbox::State> {
  State(async::Loops& loops, base::Clock& clock, store::Store& store, Options given, Handler handler)
      : loops(loops), store(store), options(std::move(given)), handler(std::move(handler)), alarm(clock) {}

  // A row that appeared, moved or went, as the driver is told.
  struct Settled {
    std::string lane, key;
    std::uint64_t id = 0;
    std::optional<base::Timestamp> moved;  // to `key`, due then
    bool strained = false, succeeded = false;
  };
  struct Inbox {
    std::vector<Added> added;
    std::vector<Settled> settled;
    std::vector<std::string> forgotten;
    bool all_forgotten = false;
  };

  // ---- driver ----
  async::Task<> drive();
  void take(Inbox news);
  std::optional<base::Timestamp> dispatch();
  Lane& lane(const std::string& name, std::string_view cursor);
  void rouse(Lane& lane, std::string_view key, base::Timestamp due);
  void place(Lane& lane);
  void load(Lane& lane, store::Reader& reader);
  void launch(Lane& lane, store::Reader& reader);
  void find_lanes();

  // ---- attempts and their commits ----
  async::Task<> attempt(std::string lane, Placed item, std::string payload);
  async::Task<> write();
  void apply(store::Transaction& t, const Result& result, Settled& settled) const;
  async::Task<bool> commit(std::vector<Result>& batch);
  void settle(Result& result, Settled settled);

  void tell(auto&& change) {
    {
      const std::lock_guard lock(mutex);
      change(inbox);
    }
    alarm.ring();
  }

  async::Loops& loops;
  store::Store& store;
  const Options options;
  const Handler handler;
  Alarm alarm;
  std::atomic<std::uint64_t> next_id{0};
  std::atomic<bool> stopping{false};
  std::atomic<int> coroutines{0};
  async::Event ended;

  std::mutex mutex;
  Inbox inbox;                 // guarded by mutex
  std::deque<Result> results;  // guarded by mutex
  async::Event judged;         // results came
  std::atomic<std::uint64_t> done{0}, again{0}, dead{0}, lane_count{0};
  std::atomic<unsigned> running{0};

  std::unordered_map<std::string, std::unique_ptr<Lane>> lanes;
  std::deque<Lane*> ready;                               // may_run(), in turn
  std::set<std::pair<base::Timestamp, Lane*>> sleeping;  // nothing due before that time
};

// ---- what lies where ----

Lane& Outbox::State::lane(const std::string& name, std::string_view cursor) {
  auto& entry = lanes[name];
  if (!entry) {
    entry = std::make_unique<Lane>();
    entry->name = name;
    entry->rule = options.rule(name);
    entry->allowance = entry->rule.ordered ? 1 : std::max(1u, entry->rule.at_once);
    entry->cursor = cursor;
    entry->more = false;
    lane_count = lanes.size();
  }
  return *entry;
}

// Something lies at `key`, due then.
void Outbox::State::rouse(Lane& lane, std::string_view key, base::Timestamp due) {
  if (key < lane.cursor) lane.cursor = key;
  if (due <= alarm.now()) {
    lane.more = true;
  } else if (!lane.next || due < *lane.next) {
    lane.next = due;
  }
}

// Puts the lane where its state says: in line, asleep, or away.
void Outbox::State::place(Lane& lane) {
  if (lane.asleep) {
    sleeping.erase({*lane.asleep, &lane});
    lane.asleep.reset();
  }
  if (lane.ready) return;
  if (lane.may_run()) {
    lane.ready = true;
    ready.push_back(&lane);
  } else if (lane.running > 0 && lane.running >= lane.allowance) {
    // Placed again when an attempt ends.
  } else if (lane.next) {
    lane.asleep = lane.next;
    sleeping.insert({*lane.next, &lane});
  } else if (lane.running == 0 && lane.window.empty() && !lane.more) {
    lanes.erase(std::string(lane.name));
    lane_count = lanes.size();
  }
}

// Fills the window with what is due. In an ordered lane the first that is not due holds the rest.
void Outbox::State::load(Lane& lane, store::Reader& reader) {
  const auto now = alarm.now();
  const auto limit = kWindow + lane.known.size();
  auto range = store::prefix_range(rows::items(options.name, lane.name));
  range.begin = std::max(range.begin, lane.cursor);
  const auto found = reader.scan(range, limit);
  lane.more = found.size() == limit;
  lane.next.reset();
  for (const auto& [key, value] : found) {
    auto row = rows::decode(value);
    if (row.due > now) {
      lane.more = false;
      lane.next = row.due;
      return;
    }
    lane.cursor = store::successor(key);
    if (!lane.known.insert(row.id).second) continue;
    lane.window.push_back({key, std::move(row)});
  }
}

void Outbox::State::launch(Lane& lane, store::Reader& reader) {
  auto item = std::move(lane.window.front());
  lane.window.pop_front();
  std::string payload;
  try {
    payload = rows::payload(reader, options.name, lane.name, item.row);
  } catch (const std::runtime_error&) {  // erased since the window was filled
    lane.known.erase(item.row.id);
    return;
  }
  ++lane.running;
  ++running;
  loops.spawn("delivery", attempt(lane.name, std::move(item), std::move(payload)));
}

// Every lane that has rows, by jumping from one to the next.
void Outbox::State::find_lanes() {
  const auto reader = store.read();
  auto range = store::prefix_range(rows::items(options.name));
  for (;;) {
    const auto first = reader->scan(range, 1);
    if (first.empty()) return;
    const auto name = rows::lane_of(options.name, first[0].key);
    auto& found = lane(name, first[0].key);
    rouse(found, first[0].key, rows::decode(first[0].value).due);
    place(found);
    range.begin = store::prefix_range(rows::items(options.name, name)).end;
  }
}

// ---- the driver ----

void Outbox::State::take(Inbox news) {
  std::set<Lane*> touched;
  const auto forget = [&](Lane& lane) {
    for (const auto& item : lane.window) lane.known.erase(item.row.id);
    lane.window.clear();
    lane.cursor.clear();
    lane.next.reset();
    lane.more = true;  // one look tells whether something was added meanwhile
    touched.insert(&lane);
  };
  for (auto& settled : news.settled) {
    auto& owner = lane(settled.lane, settled.key);
    touched.insert(&owner);
    --owner.running;
    owner.known.erase(settled.id);
    if (!owner.rule.ordered) {
      if (settled.strained) owner.allowance = std::max(1u, owner.allowance / 2);
      if (settled.succeeded) owner.allowance = std::min(std::max(1u, owner.rule.at_once), owner.allowance + 1);
    }
    if (!settled.moved) continue;
    if (owner.rule.ordered) forget(owner);  // it is first again
    rouse(owner, settled.key, *settled.moved);
  }
  for (auto& added : news.added) {
    auto& owner = lane(added.lane, added.key);
    rouse(owner, added.key, added.due);
    touched.insert(&owner);
  }
  for (const auto& name : news.forgotten) {
    if (const auto it = lanes.find(name); it != lanes.end()) forget(*it->second);
  }
  if (news.all_forgotten) {
    for (auto& [name, owner] : lanes) forget(*owner);
  }
  for (auto* owner : touched) place(*owner);
}

// Starts what may start; returns when the next lane wakes.
std::optional<base::Timestamp> Outbox::State::dispatch() {
  const auto now = alarm.now();
  while (!sleeping.empty() && sleeping.begin()->first <= now) {
    auto& lane = *sleeping.begin()->second;
    lane.next.reset();
    lane.more = true;
    place(lane);
  }
  std::unique_ptr<store::Reader> reader;
  while (!ready.empty() && running < options.at_once) {
    if (!reader) reader = store.read();
    auto& lane = *ready.front();
    if (lane.may_run() && lane.window.empty()) load(lane, *reader);
    ready.pop_front();
    lane.ready = false;
    if (lane.running < lane.allowance && !lane.window.empty()) launch(lane, *reader);
    place(lane);
  }
  if (sleeping.empty()) return std::nullopt;
  return sleeping.begin()->first;
}

async::Task<> Outbox::State::drive() {
  const auto self = shared_from_this();
  while (!stopping) {
    const auto ticket = alarm.ticket();
    std::optional<base::Timestamp> until;
    bool failed = false;
    try {
      Inbox news;
      {
        const std::lock_guard lock(mutex);
        std::swap(news, inbox);
      }
      take(std::move(news));
      until = dispatch();
    } catch (const std::exception& error) {
      base::log_error("deliveries wait: the store cannot be read", {{"outbox", options.name}, {"error", error.what()}});
      failed = true;
    }
    if (failed) {
      co_await async::sleep_for(kStorePause);
    } else {
      co_await alarm.wait(until, ticket);
    }
  }
  --coroutines;
  ended.notify_all();
}

// ---- attempts and their commits ----

async::Task<> Outbox::State::attempt(std::string lane, Placed item, std::string payload) {
  const auto self = shared_from_this();
  Work work{item.row.id, lane, std::move(payload), item.row.added, item.row.due, item.row.attempts + 1, item.row.state};
  Verdict verdict;
  try {
    verdict = co_await handler(std::move(work));
  } catch (const std::exception& error) {
    base::log_error("a delivery failed", {{"outbox", options.name}, {"lane", lane}, {"error", error.what()}});
    const auto later = delay(kAfterException, item.row.attempts + 1, draw());
    verdict = Verdict::again({alarm.now().ms + later.count()}, item.row.state);
  }
  {
    const std::lock_guard lock(mutex);
    results.push_back({std::move(lane), std::move(item), std::move(verdict)});
  }
  judged.notify_all();
}

void Outbox::State::apply(store::Transaction& t, const Result& result, Settled& settled) const {
  const auto& [lane, item, verdict] = result;
  const auto& name = options.name;
  settled = {lane, item.key, item.row.id, std::nullopt, verdict.strained, verdict.kind == Verdict::Kind::done};
  const bool must_be_there = verdict.kind == Verdict::Kind::again || verdict.also;
  if (must_be_there && !t.get(item.key)) return;
  if (verdict.also) verdict.also(t);
  if (verdict.kind != Verdict::Kind::again) {
    t.erase(item.key);
    rows::erase_payload(t, name, lane, item.row);
    return;
  }
  auto row = item.row;
  row.due = verdict.at;
  row.state = verdict.state.substr(0, rows::kMaxState);
  ++row.attempts;
  if (!options.rule(lane).ordered) {
    t.erase(item.key);
    settled.key = rows::item(name, lane, row.due, row.id);
  }
  t.put(settled.key, rows::encode(row));
  settled.moved = row.due;
}

void Outbox::State::settle(Result& result, Settled settled) {
  switch (result.verdict.kind) {
    case Verdict::Kind::done: ++done; break;
    case Verdict::Kind::again: ++again; break;
    case Verdict::Kind::dead: ++dead; break;
  }
  try {
    if (result.verdict.then) result.verdict.then();
  } catch (const std::exception& error) {
    base::log_error("after a delivery", {{"outbox", options.name}, {"error", error.what()}});
  }
  --running;
  tell([&](Inbox& news) { news.settled.push_back(std::move(settled)); });
}

// False when the store refused for now.
async::Task<bool> Outbox::State::commit(std::vector<Result>& batch) {
  std::vector<Settled> settled(batch.size());
  try {
    co_await store.commit([&](store::Transaction& t) {
      for (std::size_t i = 0; i < batch.size(); ++i) apply(t, batch[i], settled[i]);
    });
  } catch (const store::StorageFull&) {
    co_return false;
  } catch (const store::StorageFailed&) {
    co_return false;
  } catch (const std::exception& error) {
    if (batch.size() > 1) throw;
    base::log_error("the end of a delivery cannot be written",
                    {{"outbox", options.name}, {"lane", batch[0].lane}, {"error", error.what()}});
    const auto later = delay(kAfterException, batch[0].item.row.attempts + 1, draw());
    batch[0].verdict = Verdict::again({alarm.now().ms + later.count()}, batch[0].item.row.state);
    co_return false;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) settle(batch[i], std::move(settled[i]));
  co_return true;
}

async::Task<> Outbox::State::write() {
  const auto self = shared_from_this();
  bool one_by_one = false;
  std::vector<Result> batch;
  for (;;) {
    const auto ticket = judged.ticket();
    if (batch.empty()) {
      const std::lock_guard lock(mutex);
      std::size_t heavy = 0;
      while (!results.empty() && batch.size() < (one_by_one ? 1 : kErasedAtOnce) && heavy < kWritesAtOnce) {
        heavy += results.front().verdict.also ? 1 : 0;
        batch.push_back(std::move(results.front()));
        results.pop_front();
      }
    }
    if (batch.empty()) {
      one_by_one = false;
      if (stopping && running == 0) break;
      co_await judged.wait(ticket, 60s);
      continue;
    }
    bool written = false, split = false;
    try {
      written = co_await commit(batch);
    } catch (const std::exception&) {
      split = true;  // one of them cannot be written: find it
    }
    if (written) {
      batch.clear();
    } else if (split) {
      const std::lock_guard lock(mutex);
      results.insert(results.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
      batch.clear();
      one_by_one = true;
    } else {
      co_await async::sleep_for(kStorePause);
    }
  }
  --coroutines;
  ended.notify_all();
}

// ---- the face ----

Outbox::Outbox(async::Loops& loops, base::Clock& clock, store::Store& store, Options options, Handler handler)
    : state_(std::make_shared<State>(loops, clock, store, std::move(options), std::move(handler))) {}

Outbox::~Outbox() {
  state_->stopping = true;
  state_->alarm.ring();
  state_->judged.notify_all();
}

async::Task<> Outbox::start() {
  const auto state = state_;
  const auto number =
      co_await state->store.transact([&](store::Transaction& t) { return rows::next_start(t, state->options.name); });
  // A start has a trillion ids of its own, so they grow whatever the machine's clock does.
  state->next_id = number << 40;
  state->find_lanes();
  state->coroutines = 2;
  state->loops.spawn("outbox " + state->options.name, state->drive());
  state->loops.spawn("outbox " + state->options.name, state->write());
}

async::Task<> Outbox::stop() {
  const auto state = state_;
  state->stopping = true;
  state->alarm.ring();
  state->judged.notify_all();
  const auto deadline = std::chrono::steady_clock::now() + kGrace;
  for (;;) {
    const auto ticket = state->ended.ticket();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (state->coroutines <= 0 || left <= 0ms) co_return;
    co_await state->ended.wait(ticket, left);
  }
}

Outbox::Added Outbox::add(store::Transaction& t, const Item& item) {
  if (item.lane.size() > rows::kMaxLane) throw std::length_error("the name of a lane is too long");
  if (item.payload.size() > rows::kMaxPayload) throw std::length_error("a delivery is too large");
  const auto& name = state_->options.name;
  rows::Row row;
  row.id = ++state_->next_id;
  row.due = item.due;
  row.added = state_->alarm.now();
  rows::put_payload(t, name, item.lane, row, item.payload);
  const auto place = state_->options.rule(item.lane).ordered ? base::Timestamp{0} : item.due;
  auto key = rows::item(name, item.lane, place, row.id);
  t.put(key, rows::encode(row));
  return {item.lane, std::move(key), item.due};
}

void Outbox::wake(const Added& added) {
  state_->tell([&](auto& news) { news.added.push_back(added); });
}

void Outbox::wake(const std::vector<Added>& all) {
  if (all.empty()) return;
  state_->tell([&](auto& news) { news.added.insert(news.added.end(), all.begin(), all.end()); });
}

void Outbox::erase(store::Transaction& t, std::string_view lane, std::string_view key) {
  const auto value = t.get(key);
  if (!value) return;
  t.erase(key);
  rows::erase_payload(t, state_->options.name, lane, rows::decode(*value));
}

void Outbox::erase_lane(store::Transaction& t, std::string_view lane) {
  t.erase(store::prefix_range(rows::items(state_->options.name, lane)));
  t.erase(store::prefix_range(rows::bodies(state_->options.name, lane)));
}

void Outbox::forget(std::string_view lane) {
  state_->tell([&](auto& news) { news.forgotten.emplace_back(lane); });
}

async::Task<> Outbox::clear() {
  const auto state = state_;
  co_await state->store.commit([&](store::Transaction& t) {
    t.erase(store::prefix_range(rows::items(state->options.name)));
    t.erase(store::prefix_range(rows::bodies(state->options.name)));
  });
  state->tell([](auto& news) { news.all_forgotten = true; });
}

Outbox::Counters Outbox::counters() const {
  return {state_->done, state_->again, state_->dead, state_->running, state_->lane_count};
}

}  // namespace lambari::delivery
