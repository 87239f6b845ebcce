// Capacity units: what a request costs, how that is reported, and the buckets from which provisioned tables pay.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "aws/dynamodb/types.h"
#include "base/clock.h"
#include "services/dynamodb/model.h"

namespace lambari::dynamodb {

double read_units(std::size_t bytes, bool consistent);  // 4 KiB each, half of that when eventually consistent
double write_units(std::size_t bytes);                  // 1 KiB each

// What one request took from one table.
struct Consumed {
  double table = 0;
  std::map<std::string, double> local, global;  // by index
  double total() const;
  void add(const Consumed& other);
};

enum class Direction { read, write };

// `mode` is ReturnConsumedCapacity. `direct`: the totals by direction, too, as transactions report them.
std::optional<aws::dynamodb::ConsumedCapacity> report(const std::optional<std::string>& mode, const Table& table,
                                                      const Consumed& consumed, std::optional<Direction> direct = std::nullopt);

// Up to five minutes of unused throughput are kept for bursts. Thread-safe.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
class Buckets {
 public:
  explicit Buckets(base::Clock& clock) : clock_(clock) {}

  // Throws ProvisionedThroughputExceededException when the table, or an index that is named, has nothing left.
  void admit(const Table& table, Direction direction, const Index* index = nullptr);
  // False in the same case; `planned` was taken from the table already and not charged yet.
  bool has_room(const Table& table, Direction direction, const Index* index = nullptr, double planned = 0);
  void charge(const Table& table, Direction direction, const Consumed& consumed);
  void forget(std::uint64_t table);

 private:
  struct Bucket {
    double units = 0;
    std::int64_t rate = 0;
    std::int64_t at = 0;  // ms
  };
  Bucket& bucket(std::uint64_t table, std::uint64_t index, Direction direction, const Throughput& throughput);

  base::Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::map<std::pair<std::uint64_t, Direction>, Bucket>> tables_;  // guarded by mutex_
};

}  // namespace lambari::dynamodb
