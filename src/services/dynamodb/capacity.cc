#include "services/dynamodb/capacity.h"

#include <algorithm>
#include <cmath>

namespace lambari::dynamodb {
namespace {

constexpr double kBurstSeconds = 300;

}  // namespace

double read_units(std::size_t bytes, bool consistent) {
  const auto units = std::max(1.0, std::ceil(static_cast<double>(bytes) / 4096));
  return consistent ? units : units / 2;
}

double write_units(std::size_t bytes) { return std::max(1.0, std::ceil(static_cast<double>(bytes) / 1024)); }

double Consumed::total() const {
  double sum = table;
  for (const auto& [name, units] : local) sum += units;
  for (const auto& [name, units] : global) sum += units;
  return sum;
}

void Consumed::add(const Consumed& other) {
  table += other.table;
  for (const auto& [name, units] : other.local) local[name] += units;
  for (const auto& [name, units] : other.global) global[name] += units;
}

std::optional<aws::dynamodb::ConsumedCapacity> report(const std::optional<std::string>& mode, const Table& table,
                                                      const Consumed& consumed, std::optional<Direction> direct) {
  if (!mode || *mode == "NONE") return std::nullopt;
  const auto units_of = [&](double units) {
    aws::dynamodb::Capacity out;
    out.CapacityUnits = units;
    if (direct == Direction::read) out.ReadCapacityUnits = units;
    if (direct == Direction::write) out.WriteCapacityUnits = units;
    return out;
  };
  aws::dynamodb::ConsumedCapacity out;
  out.TableName = table.name.name;
  out.CapacityUnits = consumed.total();
  if (direct == Direction::read) out.ReadCapacityUnits = consumed.total();
  if (direct == Direction::write) out.WriteCapacityUnits = consumed.total();
  if (*mode != "INDEXES") return out;
  out.Table = units_of(consumed.table);
  const auto list = [&](const std::map<std::string, double>& all) {
    std::map<std::string, aws::dynamodb::Capacity> capacities;
    for (const auto& [name, units] : all) capacities.emplace(name, units_of(units));
    return capacities;
  };
  if (!consumed.local.empty()) out.LocalSecondaryIndexes = list(consumed.local);
  if (!consumed.global.empty()) out.GlobalSecondaryIndexes = list(consumed.global);
  return out;
}

Buckets::Bucket& Buckets::bucket(std::uint64_t table, std::uint64_t index, Direction direction, const Throughput& throughput) {
  const auto rate = direction == Direction::read ? throughput.read : throughput.write;
  const auto now = clock_.now().ms;
  auto& bucket = tables_[table][{index, direction}];
  const auto full = kBurstSeconds * static_cast<double>(rate);
  if (bucket.rate != rate) {
    bucket = {full, rate, now};
  } else {
    const auto earned = static_cast<double>(rate) * static_cast<double>(std::max<std::int64_t>(0, now - bucket.at)) / 1000;
    bucket.units = std::min(full, bucket.units + earned);
    bucket.at = now;
  }
  return bucket;
}

bool Buckets::has_room(const Table& table, Direction direction, const Index* index, double planned) {
  if (table.on_demand) return true;
  const std::lock_guard lock(mutex_);
  // A write goes through the table and every global index; a read through what it reads.
  if (direction == Direction::write) {
    if (bucket(table.id, 0, direction, table.throughput).units <= planned) return false;
    return std::all_of(table.indexes.begin(), table.indexes.end(), [&](const Index& each) {
      return !each.global || bucket(table.id, each.id, direction, each.throughput).units > 0;
    });
  }
  if (index != nullptr && index->global) return bucket(table.id, index->id, direction, index->throughput).units > 0;
  return bucket(table.id, 0, direction, table.throughput).units > planned;
}

void Buckets::admit(const Table& table, Direction direction, const Index* index) {
  if (has_room(table, direction, index)) return;
  throw aws::dynamodb::ProvisionedThroughputExceededException(
      "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level "
      "with "
      "the UpdateTable API.");
}

void Buckets::charge(const Table& table, Direction direction, const Consumed& consumed) {
  if (table.on_demand) return;
  const std::lock_guard lock(mutex_);
  auto own = consumed.table;
  for (const auto& [name, units] : consumed.local) own += units;  // local indexes share the table's throughput
  if (own > 0) bucket(table.id, 0, direction, table.throughput).units -= own;
  for (const auto& [name, units] : consumed.global) {
    if (const auto* index = table.index(name)) bucket(table.id, index->id, direction, index->throughput).units -= units;
  }
}

void Buckets::forget(std::uint64_t table) {
  const std::lock_guard lock(mutex_);
  tables_.erase(table);
}

}  // namespace lambari::dynamodb
