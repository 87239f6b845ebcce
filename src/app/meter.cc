#include "app/meter.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace lambari::app {
namespace {

struct Name {
  std::string_view service, usage, resource;
  bool operator==(const Name&) const = default;
};
struct HashName {
  std::size_t operator()(const Name& name) const {
    std::hash<std::string_view> hash;
    return (hash(name.service) * 31 + hash(name.usage)) * 31 + hash(name.resource);
  }
};

// Lives as long as the meter; its texts are what the maps' keys view.
struct Cell {
  std::string service, usage, resource;
  std::atomic<std::uint64_t> amount{0};
  std::uint64_t written = 0;  // under the mutex
  Name name() const { return {service, usage, resource}; }
};

using Index = std::unordered_map<Name, Cell*, HashName>;

// Cells that this thread has met. Belongs to one meter at a time, known by a number that is never used again.
struct ThreadIndex {
  std::uint64_t meter = 0;
  Index cells;
};
thread_local ThreadIndex met;

std::atomic<std::uint64_t> meters{0};

}  // namespace

struct Meter::State {
  const std::uint64_t number = ++meters;
  std::mutex mutex;
  std::deque<Cell> cells;
  Index index;

  Cell& cell(Name name) {
    std::lock_guard lock(mutex);
    auto found = index.find(name);
    if (found != index.end()) return *found->second;
    if (cells.size() >= kMeterSeries && name.resource != "other") {
      name.resource = "other";
      found = index.find(name);
      if (found != index.end()) return *found->second;
    }
    auto& made = cells.emplace_back();
    made.service = name.service;
    made.usage = name.usage;
    made.resource = name.resource;
    index.emplace(made.name(), &made);
    return made;
  }
};

Meter::Meter() : state_(std::make_unique<State>()) {}
Meter::~Meter() = default;

void Meter::count(std::string_view service, std::string_view usage, std::string_view resource, std::uint64_t amount) {
  if (met.meter != state_->number) {
    met.cells.clear();
    met.meter = state_->number;
  }
  Name name{service, usage, resource};
  auto found = met.cells.find(name);
  if (found == met.cells.end()) {
    auto& cell = state_->cell(name);
    // A name past the limit shares its cell under another name, and is looked up under the lock each time.
    if (cell.name() != name) {
      cell.amount.fetch_add(amount, std::memory_order_relaxed);
      return;
    }
    found = met.cells.emplace(cell.name(), &cell).first;
  }
  found->second->amount.fetch_add(amount, std::memory_order_relaxed);
}

std::vector<Usage> Meter::read() const {
  std::vector<Usage> all;
  {
    std::lock_guard lock(state_->mutex);
    for (const auto& cell : state_->cells)
      if (auto amount = cell.amount.load(std::memory_order_relaxed); amount > 0)
        all.push_back({cell.service, cell.usage, cell.resource, amount});
  }
  std::ranges::sort(all, {}, [](const Usage& u) { return std::tie(u.service, u.usage, u.resource); });
  return all;
}

void Meter::reset() {
  std::lock_guard lock(state_->mutex);
  for (auto& cell : state_->cells) {
    cell.amount.store(0, std::memory_order_relaxed);
    cell.written = 0;
  }
}

void Meter::restore(const std::vector<Usage>& kept) {
  for (const auto& usage : kept) {
    auto& cell = state_->cell({usage.service, usage.usage, usage.resource});
    cell.amount.fetch_add(usage.amount, std::memory_order_relaxed);
    std::lock_guard lock(state_->mutex);
    cell.written += usage.amount;
  }
}

std::vector<Usage> Meter::changes() const {
  std::vector<Usage> all;
  std::lock_guard lock(state_->mutex);
  for (const auto& cell : state_->cells)
    if (auto amount = cell.amount.load(std::memory_order_relaxed); amount != cell.written)
      all.push_back({cell.service, cell.usage, cell.resource, amount});
  return all;
}

void Meter::written(const std::vector<Usage>& changes) {
  std::lock_guard lock(state_->mutex);
  for (const auto& usage : changes)
    if (auto found = state_->index.find({usage.service, usage.usage, usage.resource}); found != state_->index.end())
      found->second->written = usage.amount;
}

}  // namespace lambari::app
