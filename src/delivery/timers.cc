#include "delivery/timers.h"

#include <stdexcept>

#include "base/log.h"
#include "delivery/retry.h"
#include "delivery/rows.h"

namespace lambari::delivery {
namespace {

constexpr std::string_view kLane = "timers";
constexpr Backoff kAfterException{std::chrono::seconds(1), std::chrono::minutes(5), 2.0, 0.5};

// An item's payload: name, failures so far, and what the room gave.
std::string pack(std::string_view name, std::uint64_t failures, std::string_view payload) {
  return store::Key(name).number(failures).str().append(payload);
}

struct Packed {
  std::string name, payload;
  std::uint64_t failures = 0;
};

Packed unpack(std::string_view bytes) {
  Packed all;
  store::KeyReader reader(bytes);
  if (!reader.text(all.name) || !reader.number(all.failures)) throw std::runtime_error("not a timer");
  all.payload = reader.rest();
  return all;
}

}  // namespace

Timers::Timers(async::Loops& loops, base::Clock& clock, store::Store& store, std::string name, Handler handler, unsigned at_once)
    : store_(store),
      clock_(clock),
      name_(std::move(name)),
      handler_(std::move(handler)),
      outbox_(loops, clock, store, {name_, at_once, [at_once](const std::string&) { return LaneRule{at_once, false}; }},
              [this](Work work) { return fire(std::move(work)); }) {}

async::Task<> Timers::start() { co_await outbox_.start(); }
async::Task<> Timers::stop() { co_await outbox_.stop(); }

async::Task<> Timers::clear() {
  co_await store_.commit([&](store::Transaction& t) { t.erase(store::prefix_range(rows::timers(name_))); });
  co_await outbox_.clear();
}

Outbox::Added Timers::set(store::Transaction& t, std::string_view name, base::Timestamp due, std::string payload) {
  cancel(t, name);
  auto added = outbox_.add(t, {std::string(kLane), due, pack(name, 0, payload)});
  t.put(rows::timer(name_, name), added.key);
  return added;
}

void Timers::cancel(store::Transaction& t, std::string_view name) {
  const auto row = rows::timer(name_, name);
  const auto key = t.get(row);
  if (!key) return;
  outbox_.erase(t, kLane, *key);
  t.erase(row);
}

async::Task<Verdict> Timers::fire(Work work) {
  const auto packed = unpack(work.payload);
  const auto row = rows::timer(name_, packed.name);
  const auto key = rows::item(name_, kLane, work.due, work.id);
  if (store_.read()->get(row) != key) co_return Verdict::done();  // cancelled or set again since

  std::optional<base::Timestamp> next;
  std::uint64_t failures = 0;
  try {
    next = co_await handler_({packed.name, packed.payload, work.due});
  } catch (const std::exception& error) {
    base::log_error("a timer failed", {{"timers", name_}, {"timer", packed.name}, {"error", error.what()}});
    failures = packed.failures + 1;
    next = base::Timestamp{clock_.now().ms + delay(kAfterException, static_cast<unsigned>(failures), draw()).count()};
  }
  // The item is erased and its successor, if any, added in one transaction, together with the row that names it.
  auto added = std::make_shared<Outbox::Added>();
  Verdict verdict;
  verdict.also = [this, row, next, failures, added, name = packed.name, payload = packed.payload](store::Transaction& t) {
    if (!next) {
      t.erase(row);
      return;
    }
    *added = outbox_.add(t, {std::string(kLane), *next, pack(name, failures, payload)});
    t.put(row, added->key);
  };
  if (next) verdict.then = [this, added] { outbox_.wake(*added); };
  co_return verdict;
}

}  // namespace lambari::delivery
