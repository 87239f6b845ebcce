// What the parts of the room share. Kept alive by the service and by its background tasks.
#pragma once

#include <atomic>
#include <map>
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
#include "services/dynamodb/news.h"
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
  void load(store::Reader& reader);  // at the start
  void set(std::uint64_t table, Growth total);
  void grow(std::uint64_t table, const Growth& by);
  void forget(std::uint64_t table);
  void forget_index(std::uint64_t table, std::uint64_t index);
  std::unordered_map<std::uint64_t, Growth> take_changed();  // since the last call, as totals

 private:
  struct Entry {
    Growth total;
    bool changed = false;
  };
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> tables_;  // guarded by mutex_
};

// What decides, beside identity policies, who may use a table or its streams.
struct Guard {
  std::map<std::string, std::string> tags;
  std::map<std::string, std::string> policies;  // resource policies: of the table under "", of a stream under its label

  std::string policy(const std::string& label = {}) const {
    const auto it = policies.find(label);
    return it == policies.end() ? std::string() : it->second;
  }
};

// In memory what access is decided by, so that no call reads rows for it. Thread-safe.
class Guards {
 public:
  // nullptr when there is no such table.
  std::shared_ptr<const Guard> find(store::Store& store, Tables& tables, const TableKey& name);
  // After a commit that changed the table's row or a policy of it.
  void forget(const TableKey& name);
  void forget_all();

 private:
  std::mutex mutex_;
  std::uint64_t generation_ = 0;                              // guarded by mutex_; of what find() may remember
  std::map<TableKey, std::shared_ptr<const Guard>> entries_;  // guarded by mutex_
};

// Sizes as a row.
std::string encode(const Growth& total);
Growth decode_sizes(std::string_view row);

struct State {
  State(async::Loops& loops, base::Clock& clock, store::Store& store, contracts::Authorizer& authorizer, contracts::Meter& meter)
      : loops(loops), clock(clock), store(store), authorizer(authorizer), meter(meter), buckets(clock) {}

  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;
  contracts::Authorizer& authorizer;
  contracts::Meter& meter;
  Tables tables;
  Guards guards;
  Sequence sequence;
  Buckets buckets;
  Sizes sizes;

  // The clock's time, but never an earlier one than it gave before: changes of an item are ordered by it.
  base::Timestamp now();
  // After a commit that wrote or erased a table's row: what is remembered of it is read again, and what waits for it looks.
  void changed(const TableKey& name);

  // After a request: charges and counts what it took, and wakes who reads the table's stream.
  void committed(const Table& table, const Consumed& consumed, Direction direction);

  std::atomic<std::int64_t> latest{0};          // ms; see now()
  std::atomic<std::int64_t> last_revision{0};   // of a policy
  std::atomic<std::uint64_t> table_changes{0};  // see changed()
  async::Event stirred;                         // the clock was moved, a table waits to be settled, or the room stops
  News news;                                    // of streams
  std::atomic<bool> stopping{false};
  std::atomic<int> background{0};
  async::Event ended;
};

using Shared = std::shared_ptr<State>;

// The table that a request means, by name or ARN. Throws ValidationException when it can be neither.
TableKey table_key(const wire::Call& call, const std::string& name_or_arn);

// access.cc
// Adds to a question what the table's tags and its policy, or that of a stream of it, have to say.
void guard_by_table(State& state, const TableKey& name, contracts::AccessRequest& question, const std::string& label = {});
// Asks IAM once for each action and table, for requests that one question cannot cover. Throws AccessDeniedException.
async::Task<> check_access(Shared state, wire::Call call, std::vector<std::pair<std::string, std::string>> actions_and_tables);

// settle.cc: brings tables and indexes that are on their way to where they go: CREATING to ACTIVE, an index through its
// backfill, DELETING to gone. What a stop cut off goes on after the next start.
async::Task<> run_settler(Shared state);
// sweep.cc: removes expired items, old stream records, changes, backups and tokens; writes the sizes.
async::Task<> run_sweeper(Shared state);
// copy.cc: fills backups and restored tables.
async::Task<> run_copier(Shared state);
async::Task<> write_sizes(Shared state);

}  // namespace lambari::dynamodb
