// What the parts of the room share. Kept alive by the service and by its background tasks.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "async/gate.h"
#include "async/loops.h"
#include "base/clock.h"
#include "contracts/authorizer.h"
#include "contracts/meter.h"
#include "services/dynamodb/capacity.h"
#include "services/dynamodb/sequence.h"
#include "services/dynamodb/tables.h"
#include "services/dynamodb/writes.h"
#include "store/store.h"
#include "wire/call.h"

namespace lambari::dynamodb {

// How much is in each table, kept in memory and written about once a second: a crash may lose the changes of the last one, as
// AWS's own figures are about six hours old. Thread-safe.
class Sizes {
 public:
  Growth of(std::uint64_t table);
  void set(std::uint64_t table, Growth total);
  void grow(std::uint64_t table, Growth by);
  void forget(std::uint64_t table);
  std::unordered_map<std::uint64_t, Growth> take_changed();  // since the last call, as totals

 private:
  struct Entry {
    Growth total;
    bool changed = false;
  };
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> tables_;  // guarded by mutex_
};

struct State {
  State(async::Loops& loops, base::Clock& clock, store::Store& store, contracts::Authorizer& authorizer, contracts::Meter& meter)
      : loops(loops), clock(clock), store(store), authorizer(authorizer), meter(meter), buckets(clock) {}

  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;
  contracts::Authorizer& authorizer;
  contracts::Meter& meter;
  Tables tables;
  Sequence sequence;
  Buckets buckets;
  Sizes sizes;

  // After a request: charges and counts what it took, and wakes who reads the table's stream.
  void committed(const Table& table, const Consumed& consumed, Direction direction);

  async::Event stirred;  // the clock was moved, a table waits to be settled, or the room stops
  async::Event written;  // a stream has news
  std::atomic<bool> stopping{false};
  std::atomic<int> background{0};
  async::Event ended;
};

using Shared = std::shared_ptr<State>;

// The table that a request means, by name or ARN. Throws ValidationException when it can be neither.
TableKey table_key(const wire::Call& call, const std::string& name_or_arn);

// access.cc: asks IAM once for each action and table, for requests that one question cannot cover. Throws AccessDeniedException.
async::Task<> check_access(Shared state, wire::Call call, std::vector<std::pair<std::string, std::string>> actions_and_tables);

// settle.cc: brings tables and indexes that are on their way to where they go: CREATING to ACTIVE, an index through its
// backfill, DELETING to gone. What a stop cut off goes on after the next start.
async::Task<> run_settler(Shared state);
// sweep.cc: removes expired items, old stream records and tokens; writes the sizes.
async::Task<> run_sweeper(Shared state);
async::Task<> write_sizes(Shared state);

}  // namespace lambari::dynamodb
