// Deliveries that outlive the process: what a room owes to somebody else, written in the same transaction as its cause.
//
//   room: store.transact([&](Transaction& t) { put my rows; added = outbox.add(t, {lane, due, payload}); });
//         outbox.wake(added);
//   outbox: calls the handler once `due` has come; the handler says done, again at a time, or dead. Done and dead erase the
//         row (several erases share a commit), again moves it. After a restart everything that is left goes on.
//
// Lanes. A lane is whatever must not slow others: a target, a subscription, a function. Within a lane a bounded number of
// attempts runs at once; a lane whose target is strained gets fewer, down to one, until an attempt succeeds. Items of a lane
// start in order of their due times. In an *ordered* lane one attempt runs at a time, items go strictly in the order in which
// they were added, and an item that is to be tried again holds those behind it.
//
// Delivery is at least once: a crash between the target's answer and the erase repeats an attempt with the same `id`.
// Time is base::Clock's: a moved clock makes due what it passes. In memory there is a window of each lane that has something
// pending, not its items; finding what is due costs the same with 1 and with 10^6 pending.
//
// Limits: lane <= 1 KiB, payload <= 8 MiB, state <= 4 KiB; beyond them add() throws std::length_error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/loops.h"
#include "async/task.h"
#include "base/clock.h"
#include "store/store.h"

namespace lambari::delivery {

// What is to be delivered.
struct Item {
  std::string lane;
  base::Timestamp due;  // not before; what is past is due now
  std::string payload;  // of the room's own making, opaque here
};

// One attempt.
struct Work {
  std::uint64_t id = 0;  // of the item: the same at every attempt, unique and growing within an outbox, for ever
  std::string lane, payload;
  base::Timestamp added, due;
  unsigned attempt = 1;
  std::string state;  // what the verdict before left; "" at the first attempt
};

// What becomes of an item after an attempt.
struct Verdict {
  enum class Kind { done, again, dead };
  Kind kind = Kind::done;
  base::Timestamp at;     // again: the next attempt, not before
  std::string state;      // again: kept for it
  bool strained = false;  // the target could not take it: fewer attempts of this lane at once, until one succeeds
  // Further writes of the same transaction (a delivery to a dead-letter queue, say). As every transaction's body it may run
  // several times and elsewhere, so it owns what it uses. Not run when the item was erased in the meantime.
  std::function<void(store::Transaction&)> also;
  std::function<void()> then;  // after the commit: wake() for what `also` added

  static Verdict done() { return {}; }
  static Verdict again(base::Timestamp at, std::string state = {}, bool strained = true) {
    return {Kind::again, at, std::move(state), strained, {}, {}};
  }
  static Verdict dead(std::function<void(store::Transaction&)> also = {}, std::function<void()> then = {}) {
    return {Kind::dead, {}, {}, false, std::move(also), std::move(then)};
  }
};

struct LaneRule {
  unsigned at_once = 8;
  bool ordered = false;  // fixed for the life of a lane's items
};

// Thread-safe. May be destroyed once the loops have stopped, or after stop().
class Outbox {
 public:
  // Runs on any loop. An exception that leaves it is logged and means again, later and later, at most five minutes apart.
  using Handler = std::function<async::Task<Verdict>(Work)>;

  struct Options {
    std::string name;        // "sns", "lambda/async": spells this outbox's keys; never changes
    unsigned at_once = 512;  // attempts of all lanes together
    // By the lane's name alone; called from any thread, transactions included.
    std::function<LaneRule(const std::string& lane)> rule = [](const std::string&) { return LaneRule{}; };
  };

  Outbox(async::Loops& loops, base::Clock& clock, store::Store& store, Options options, Handler handler);
  ~Outbox();
  Outbox(const Outbox&) = delete;

  // Once, before the first add(); goes on with what is pending.
  async::Task<> start();
  // Begins no attempt any more and waits a bounded time for those that run; what did not end is repeated after the next start.
  async::Task<> stop();

  // Where an added item lies; for wake().
  struct Added {
    std::string lane, key;
    base::Timestamp due;
  };

  // Inside the room's own transaction. An item whose transaction does not commit was never added.
  Added add(store::Transaction& t, const Item& item);
  // After the commit. What is not woken waits for the next start.
  void wake(const Added& added);
  void wake(const std::vector<Added>& all);

  // One item, as long as it has not been tried: then it lies elsewhere, and this does nothing. An attempt that is under way, or
  // about to start, is not held back.
  void erase(store::Transaction& t, std::string_view lane, std::string_view key);
  // All items of a lane, for instance when its subscription is deleted; then forget() after the commit. Attempts under way end,
  // but are not repeated.
  void erase_lane(store::Transaction& t, std::string_view lane);
  void forget(std::string_view lane);
  // All items of all lanes: nuke.
  async::Task<> clear();

  struct Counters {
    std::uint64_t done = 0, again = 0, dead = 0, running = 0, lanes = 0;
  };
  Counters counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lambari::delivery
