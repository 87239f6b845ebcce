// Durable timers: a thing that is due at a time, by name. Set, set again and cancelled inside the room's own transaction; a
// timer that fires is a row of an outbox, so 10^6 of them cost memory for a window only, and nothing is scanned.
//
// Time is base::Clock's. After a restart what was due meanwhile fires at once. At least once: a crash between the handler's end
// and its commit fires again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/outbox.h"

namespace lambari::delivery {

// Thread-safe. May be destroyed once the loops have stopped.
class Timers {
 public:
  struct Fired {
    std::string name, payload;
    base::Timestamp due;  // when it should have fired; `now` may be later
  };
  // Nothing: it is over. A time: it fires again then. Not called for a timer that was cancelled or set again by then; one that
  // is set again or cancelled while this runs stays as it was set. An exception is logged and means again, later and later.
  using Handler = std::function<async::Task<std::optional<base::Timestamp>>(Fired)>;

  // `name` spells the keys and never changes. At most `at_once` handlers run.
  Timers(async::Loops& loops, base::Clock& clock, store::Store& store, std::string name, Handler handler, unsigned at_once = 32);

  async::Task<> start();
  async::Task<> stop();
  async::Task<> clear();

  // Replaces the timer of that name. name <= 1 KiB, payload <= 8 MiB. wake() after the commit.
  Outbox::Added set(store::Transaction& t, std::string_view name, base::Timestamp due, std::string payload = {});
  void cancel(store::Transaction& t, std::string_view name);
  void wake(const Outbox::Added& added) { outbox_.wake(added); }

 private:
  async::Task<Verdict> fire(Work work);

  store::Store& store_;
  base::Clock& clock_;
  const std::string name_;
  const Handler handler_;
  Outbox outbox_;
};

}  // namespace lambari::delivery
