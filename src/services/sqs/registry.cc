// Which queues there are, and what of them is in memory.
#include <fmt/format.h>

#include <mutex>

#include "aws/sqs/types.h"
#include "base/ids.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/seal.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

using aws::sqs::QueueDoesNotExist;

namespace {

[[noreturn]] void no_queue() { throw QueueDoesNotExist("The specified queue does not exist."); }

// With the mutex held exclusively.
QueueRef read_queue(State& state, const QueueName& name) {
  auto row = state.d.store.read()->get(keys::queue(name));
  auto known = state.queues.find(name);
  if (!row) {
    if (known != state.queues.end()) {
      known->second->line->arrivals.notify_all();
      state.queues.erase(known);
    }
    return nullptr;
  }
  auto queue = decode_queue(*row);
  std::shared_ptr<Line> line;
  std::shared_ptr<Quota> quota;
  if (known != state.queues.end()) {
    auto& before = known->second->line;
    if (known->second->queue.id == queue.id) quota = known->second->quota;
    if (before->generation() == queue.generation) {
      line = before;
    } else {
      before->arrivals.notify_all();
    }
  }
  if (!line) line = std::make_shared<Line>(state.d.store, queue.generation, queue.fifo);
  if (!quota && queue.fifo && state.d.throttling) quota = std::make_shared<Quota>(name.region);
  auto loaded =
      std::make_shared<const Loaded>(Loaded{name, queue_arn(name), std::move(queue), std::move(line), std::move(quota)});
  state.queues.insert_or_assign(name, loaded);
  return loaded;
}

}  // namespace

QueueRef known_queue(State& state, const QueueName& name) {
  std::shared_lock lock(state.mutex);
  auto found = state.queues.find(name);
  return found == state.queues.end() ? nullptr : found->second;
}

QueueRef find_queue(State& state, const QueueName& name) {
  if (auto known = known_queue(state, name)) return known;
  // A name that is not there is looked up without holding up the others.
  if (!state.d.store.read()->get(keys::queue(name))) return nullptr;
  std::unique_lock lock(state.mutex);
  auto found = state.queues.find(name);
  return found != state.queues.end() ? found->second : read_queue(state, name);
}

QueueRef require_queue(State& state, const QueueName& name) {
  auto queue = find_queue(state, name);
  if (!queue) no_queue();
  return queue;
}

QueueName name_of_url(const wire::Call& call, const std::string& url) {
  auto [account, name] = parse_queue_url(url);
  return {std::move(account), call.region, std::move(name)};
}

QueueRef require_queue(State& state, const wire::Call& call, const std::string& url) {
  return require_queue(state, name_of_url(call, url));
}

std::string url_of(const wire::Call& call, const QueueName& name) {
  const auto host = call.host.empty() ? fmt::format("sqs.{}.amazonaws.com", name.region) : call.host;
  return fmt::format("{}://{}/{}/{}", call.secure ? "https" : "http", host, name.account, name.name);
}

QueueRef refresh(State& state, const QueueName& name) {
  std::unique_lock lock(state.mutex);
  return read_queue(state, name);
}

void forget_queues(State& state) {
  std::unique_lock lock(state.mutex);
  for (auto& [name, queue] : state.queues) queue->line->arrivals.notify_all();
  state.queues.clear();
  state.data_keys.clear();
}

std::vector<QueueRef> known_queues(State& state) {
  std::shared_lock lock(state.mutex);
  std::vector<QueueRef> out;
  out.reserve(state.queues.size());
  for (const auto& [name, queue] : state.queues) out.push_back(queue);
  return out;
}

void wake_waiters(State& state) {
  for (const auto& queue : known_queues(state)) queue->line->arrivals.notify_all();
}

async::Task<> ready(Shared state, QueueRef queue) {
  if (queue->line->loaded()) co_return;
  // One at a time: a load reads at most what was received and not deleted, and a bounded count.
  if (!co_await state->loading.acquire(std::chrono::minutes(5))) throw store::StorageFailed("sqs: a queue did not load in time");
  struct Permit {
    async::Semaphore& semaphore;
    ~Permit() { semaphore.release(); }
  } permit{state->loading};
  if (queue->line->loaded()) co_return;
  const auto now = state->now();
  co_await state->d.loops.block([line = queue->line, now] { line->load(now); });
  spawn_counted(state, "count a queue", count_backlog(state, queue));
}

async::Task<> count_backlog(Shared state, QueueRef queue) {
  for (bool more = true; more && !state->stopping;)
    co_await state->d.loops.block([&more, line = queue->line] { more = line->count_rest(); });
}

async::Task<std::string> data_key(Shared state, std::string account) {
  {
    std::shared_lock lock(state->mutex);
    auto found = state->data_keys.find(account);
    if (found != state->data_keys.end()) co_return found->second;
  }
  auto fresh = base::random_bytes(kDataKeyBytes);
  auto key = co_await state->d.store.transact([&](store::Transaction& t) {
    if (auto row = t.get(keys::data_key(account))) return *row;
    t.put(keys::data_key(account), fresh);
    return fresh;
  });
  std::unique_lock lock(state->mutex);
  state->data_keys.insert_or_assign(std::move(account), key);
  co_return key;
}

bool is_live(store::Transaction& t, std::uint64_t generation) { return t.get(keys::live(generation)).has_value(); }

void put_message(store::Transaction& t, const Line& line, Position at, const MessageRow& row) {
  const auto generation = line.generation();
  const auto& group = line.fifo() ? row.head.group : std::string();
  t.put(keys::message(generation, at, group), encode(row));
  if (row.head.moved) t.put(keys::moved(generation, row.head.sent, at, group), "");
  if (!row.blob.empty()) t.put(keys::blob(generation, row.blob), "");
}

void erase_message(store::Transaction& t, const Line& line, Position at, const MessageRow& row) {
  const auto generation = line.generation();
  const auto& group = line.fifo() ? row.head.group : std::string();
  t.erase(keys::message(generation, at, group));
  t.erase(keys::receipt(generation, at));
  if (row.head.moved) t.erase(keys::moved(generation, row.head.sent, at, group));
  if (!row.blob.empty()) t.erase(keys::blob(generation, row.blob));
}

void erase_generation(store::Transaction& t, std::uint64_t generation) {
  t.erase(keys::live(generation));
  t.put(keys::dead(generation), "");
  for (const auto& prefix :
       {keys::messages(generation), keys::receipts(generation), keys::moved(generation), keys::once(generation)})
    t.erase(store::prefix_range(prefix));
}

async::Task<QueueRef> change_queue(Shared state, QueueName name, std::function<void(store::Transaction&, Queue&)> body) {
  co_await state->d.store.commit([&](store::Transaction& t) {
    auto row = t.get(keys::queue(name));
    if (!row) no_queue();
    auto queue = decode_queue(*row);
    body(t, queue);
    t.put(keys::queue(name), encode(queue));
  });
  auto queue = refresh(*state, name);
  if (!queue) no_queue();
  co_return queue;
}

namespace {
async::Task<> counted(Shared state, async::Task<> task) {
  struct End {
    Shared state;
    ~End() {
      --state->background;
      state->ended_event.notify_all();
    }
  } end{state};
  co_await std::move(task);
}
}  // namespace

void spawn_counted(Shared state, std::string_view what, async::Task<> task) {
  ++state->background;
  state->d.loops.spawn(what, counted(state, std::move(task)));
}

}  // namespace lambari::sqs
