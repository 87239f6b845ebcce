// The queue of asynchronous invocations: accepted durably, attempted until they end, their ends told to destinations and
// dead-letter queues. One lane a function, so that one that fails or is throttled slows no other.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "delivery/outbox.h"
#include "services/lambda/async_model.h"
#include "services/lambda/async_rules.h"
#include "services/lambda/house.h"
#include "services/lambda/roles.h"

namespace lambari::lambda {

// Thread-safe.
class AsyncQueue {
 public:
  // Runs the function once.
  using Run = std::function<async::Task<Attempt>(Event)>;

  AsyncQueue(House& house, Roles& roles, Run run);

  async::Task<> start();
  async::Task<> stop();
  async::Task<> clear();

  // Returns when the event is durable: from then on it is attempted at least once, whatever happens.
  async::Task<> accept(Event event);

  // What a destination is told, in the transaction of what it is told of; wake_records() after the commit.
  delivery::Outbox::Added add_record(store::Transaction& t, const Record& record);
  void wake_records(const std::vector<delivery::Outbox::Added>& added) { records_.wake(added); }

  struct Counters {
    std::uint64_t received = 0, dropped = 0, dead_letter_errors = 0, destination_failures = 0;
  };
  Counters counters() const { return {received_, dropped_, dead_letter_errors_, destination_failures_}; }

 private:
  async::Task<delivery::Verdict> attempt(delivery::Work work);
  async::Task<delivery::Verdict> deliver(delivery::Work work);
  delivery::Verdict end(const Event& event, Condition condition, const Progress& progress, const Attempt* attempt,
                        const EventInvokeConfig& config);

  House& house_;
  Roles& roles_;
  const Run run_;
  delivery::Outbox events_, records_;
  std::atomic<std::uint64_t> received_{0}, dropped_{0}, dead_letter_errors_{0}, destination_failures_{0};
};

// What the queue goes by: that of the qualifier asked for.
EventInvokeConfig event_invoke_config(store::Reader& reader, const FunctionKey& key, const std::string& qualifier);

}  // namespace lambari::lambda
