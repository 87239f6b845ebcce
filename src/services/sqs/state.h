// What the parts of the room share. Kept alive by the service and by its background tasks.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/gate.h"
#include "async/loops.h"
#include "base/clock.h"
#include "blobs/blobs.h"
#include "contracts/authorizer.h"
#include "contracts/meter.h"
#include "services/sqs/line.h"
#include "services/sqs/model.h"
#include "services/sqs/quota.h"
#include "services/sqs/rows.h"
#include "store/store.h"
#include "wire/call.h"
#include "wire/fault.h"

namespace lambari::sqs {

// A queue as it is now. A change makes a new one; the line goes along until a purge, the quota always.
struct Loaded {
  QueueName name;
  std::string arn;
  Queue queue;
  std::shared_ptr<Line> line;
  std::shared_ptr<Quota> quota;  // null: any number of calls
};
using QueueRef = std::shared_ptr<const Loaded>;

struct Dependencies {
  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;
  blobs::Blobs& blobs;  // of this room alone
  contracts::Authorizer& authorizer;
  contracts::Meter& meter;
  bool throttling = true;  // false: clients may call FIFO queues faster than AWS lets them
};

struct State {
  explicit State(Dependencies d) : d(d) {}
  const Dependencies d;

  std::shared_mutex mutex;
  std::map<QueueName, QueueRef> queues;                    // guarded by mutex; those that were used
  std::unordered_map<std::string, std::string> data_keys;  // guarded by mutex; by account
  async::Semaphore loading{1};

  std::atomic<bool> winding_down{false};  // long polls end
  std::atomic<bool> stopping{false};      // background tasks end
  std::atomic<int> background{0};
  async::Event ended_event, sweep_event, task_event;

  std::int64_t now() const { return d.clock.now().ms; }
};

using Shared = std::shared_ptr<State>;

// ---- registry.cc ----

// Null when there is no such queue. Reads the store when the queue was not used before.
QueueRef find_queue(State& state, const QueueName& name);
// Only what is in memory.
QueueRef known_queue(State& state, const QueueName& name);
// Throws QueueDoesNotExist.
QueueRef require_queue(State& state, const QueueName& name);
QueueRef require_queue(State& state, const wire::Call& call, const std::string& url);
QueueName name_of_url(const wire::Call& call, const std::string& url);
std::string url_of(const wire::Call& call, const QueueName& name);
// After a commit that changed the row: what is in memory follows. Null when the queue is gone.
QueueRef refresh(State& state, const QueueName& name);
void forget_queues(State& state);
// Every queue in memory.
std::vector<QueueRef> known_queues(State& state);
void wake_waiters(State& state);

// The line is loaded when it returns.
async::Task<> ready(Shared state, QueueRef queue);
async::Task<std::string> data_key(Shared state, std::string account);

// Is the generation still the queue's own? Every transaction that adds to it asks.
bool is_live(store::Transaction& t, std::uint64_t generation);
// All rows of one message; the caller erases its blob afterwards.
void erase_message(store::Transaction& t, const Line& line, Position at, const MessageRow& row);
void put_message(store::Transaction& t, const Line& line, Position at, const MessageRow& row);

// Everything in it: a purge, or the end of its queue. Blobs of large bodies are found by the sweeper.
void erase_generation(store::Transaction& t, std::uint64_t generation);

// Runs `body` on the rows of a queue and refreshes. Throws QueueDoesNotExist.
async::Task<QueueRef> change_queue(Shared state, QueueName name, std::function<void(store::Transaction&, Queue&)> body);

// ---- send.cc ----

struct Outgoing {
  std::string body;
  Attributes attributes;
  std::string group, deduplication_id, trace_header, sender;
  std::optional<std::int64_t> delay;  // ms; else the queue's
};
struct Accepted {
  std::string id;
  std::uint64_t sequence = 0;
};
// All or none, in order. What AWS refuses was refused before. Throws QueueDoesNotExist when the queue went away.
async::Task<std::vector<Accepted>> send(Shared state, QueueRef queue, std::vector<Outgoing> messages);
// Checks a message against its queue, and fills in the deduplication id. `request_delay`: as the request gave it.
void check_outgoing(const Queue& queue, Outgoing& message, std::optional<std::int64_t> request_delay);

// ---- receive.cc ----

struct Received {
  Message message;
  Receipt receipt;
  std::string handle;
  bool fifo = false;
  std::uint64_t sequence = 0;
};
// "SenderId", "SentTimestamp" and the others, as receivers see them.
std::map<std::string, std::string> system_attributes(const Received& received);
struct Ask {
  std::size_t count = 1;
  std::optional<std::int64_t> visibility;  // ms
  std::int64_t wait = 0;                   // ms
  std::string attempt;                     // FIFO
};
async::Task<std::vector<Received>> receive(Shared state, QueueRef queue, Ask ask);
// Reads content that is sealed or in a blob into message.body and .attributes.
async::Task<Message> open_message(Shared state, std::string account, MessageRow row);
// The text of a blob that no row names any more.
async::Task<> erase_blobs(Shared state, std::vector<std::string> hashes);

// ---- settle.cc ----

// One answer for each handle: nothing when done, else the fault.
using Settled = std::vector<std::optional<wire::Fault>>;
async::Task<Settled> remove(Shared state, QueueRef queue, std::vector<std::string> handles);
struct Hold {
  std::string handle;
  std::int64_t seconds = 0;
};
async::Task<Settled> hold(Shared state, QueueRef queue, std::vector<Hold> holds);

// ---- move.cc ----

// A message of `from` put at `to` of another queue, as part of a transaction.
struct Landing {
  QueueRef queue;
  Position at;
};
// A dead letter: keeps its id and, in standard queues, its age. A redriven message is a new one.
void land(store::Transaction& t, const Landing& landing, MessageRow row, std::int64_t now, const std::string& dead_letter_source);

// ---- tasks.cc, retention.cc: background ----
async::Task<> run_tasks(Shared state);
async::Task<> run_sweeper(Shared state);
async::Task<> sweep(Shared state);  // removes what is over, once
async::Task<> count_backlog(Shared state, QueueRef queue);

void spawn_counted(Shared state, std::string_view what, async::Task<> task);

}  // namespace lambari::sqs
