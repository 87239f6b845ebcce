// What mappings do: checks against queue, function and role; transitions of their states; their pollers.
#include <algorithm>

#include "base/log.h"
#include "services/lambda/faults.h"
#include "services/lambda/keys.h"
#include "services/lambda/mapping_rules.h"
#include "services/lambda/mappings.h"
#include "services/lambda/recursion.h"
#include "services/lambda/rows.h"
#include "services/lambda/sources/queue.h"

namespace lambari::lambda {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kGrace = 5s;  // for what was received before the end
constexpr std::string_view kSession = "lambda-event-source";

}  // namespace

async::Task<> Mappings::check(Mapping m) {
  if (!house_.d.queues) not_here("The event source sqs");
  std::shared_ptr<const Target> target;
  try {
    target = house_.targets.find(m.function, m.qualifier);
  } catch (const aws::lambda::ResourceNotFoundException&) {
    invalid("Function does not exist");
  }
  const auto& configuration = target->variants.front().version->configuration;
  const auto principal = co_await house_.roles.principal(configuration.role, std::string(kSession));
  if (!principal) invalid("The role defined for the function cannot be assumed by Lambda.");
  for (const auto call : {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"}) {
    contracts::AccessRequest request;
    request.action = std::string("sqs:") + call;
    request.resources = {m.source};
    const auto decision = co_await house_.d.authorizer.authorize(*principal, request);
    if (!decision.allowed) {
      invalid(std::string("The function execution role does not have permissions to call ") + call + " on SQS");
    }
  }
  const auto queue = co_await house_.d.queues->describe(m.source);
  if (!queue) {
    invalid(
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The "
        "specified queue does not exist.");
  }
  if (queue->visibility_timeout < std::chrono::seconds(configuration.timeout_s)) {
    invalid("Queue visibility timeout: " + std::to_string(queue->visibility_timeout.count()) +
            " seconds is less than Function timeout: " + std::to_string(configuration.timeout_s) + " seconds");
  }
}

std::shared_ptr<Mappings::Slot> Mappings::slot(const std::string& uuid) {
  const std::lock_guard lock(mutex_);
  auto& entry = slots_[uuid];
  if (!entry) entry = std::make_shared<Slot>();
  return entry;
}

std::shared_ptr<sources::Poller> Mappings::poller(const std::string& uuid) {
  const std::lock_guard lock(mutex_);
  const auto it = slots_.find(uuid);
  return it == slots_.end() ? nullptr : it->second->poller;
}

std::string Mappings::last_result(const std::string& uuid) {
  const auto running = poller(uuid);
  return running ? running->last_result() : std::string();
}

std::string Mappings::obstacle(const FunctionKey& function, const std::string& qualifier) {
  try {
    const auto target = house_.targets.find(function, qualifier);
    if (target->reserved == 0) return "Function call failed: reserved concurrency is 0";
  } catch (const wire::Fault& fault) {
    return fault.message();
  }
  return {};
}

bool Mappings::loops(const FunctionKey& function, const std::string& qualifier, const std::string& trace) {
  try {
    const auto target = house_.targets.find(function, qualifier);
    return target->stops(pass_through(trace, target->lineage).before);
  } catch (const wire::Fault&) {
    return false;  // it is gone, as the invocation will tell
  }
}

async::Task<sources::Answer> Mappings::invoke(FunctionKey function, std::string qualifier, std::string event,
                                              std::vector<std::string> traces) {
  Event asked;
  asked.trace_header = furthest(traces, lineage_name(function_arn(function)));
  asked.function = std::move(function);
  asked.qualifier = std::move(qualifier);
  asked.request_id = base::uuid();
  asked.payload = std::move(event);
  auto attempt = co_await run_(std::move(asked));
  using Kind = sources::Answer::Kind;
  switch (attempt.kind) {
    case Attempt::Kind::success: co_return sources::Answer{Kind::success, std::move(attempt.payload), {}};
    case Attempt::Kind::function_error:
      co_return sources::Answer{Kind::function_error, std::move(attempt.payload), "Function call failed"};
    default: co_return sources::Answer{Kind::refused, {}, attempt.message.empty() ? "Function call failed" : attempt.message};
  }
}

std::shared_ptr<sources::Poller> Mappings::begin(const Mapping& m) {
  // Asked anew each time, as the function may change; both throw when it is gone.
  const auto configuration = [this, function = m.function, qualifier = m.qualifier] {
    return house_.targets.find(function, qualifier)->variants.front().version->configuration;
  };
  auto source = std::make_shared<sources::Queue>(
      *house_.d.queues, m.source,
      [this, configuration] { return house_.roles.principal(configuration().role, std::string(kSession)); },
      [configuration] { return std::chrono::seconds(configuration().timeout_s); });
  sources::Settings settings;
  settings.batch_size = static_cast<std::size_t>(m.batch_size);
  settings.window = std::chrono::seconds(m.window_s);
  if (m.max_concurrency) settings.concurrency = static_cast<std::size_t>(*m.max_concurrency);
  settings.report_failures = m.report_failures;
  settings.filter = sources::Filter(m.filters);
  sources::Function function{[this, f = m.function, q = m.qualifier](std::string event, std::vector<std::string> traces) {
                               return invoke(f, q, std::move(event), std::move(traces));
                             },
                             [this, f = m.function, q = m.qualifier](const std::string& trace) { return loops(f, q, trace); },
                             [this, f = m.function, q = m.qualifier] { return obstacle(f, q); }};
  return std::make_shared<sources::Poller>(house_.d.loops, house_.d.clock, std::move(source), std::move(settings),
                                           std::move(function), counters_);
}

void Mappings::settle_later(const Mapping& mapping) { house_.background.spawn("settle event source mapping", settle(mapping)); }

// Brings what runs to what the row says, and then the row's state to what runs.
async::Task<> Mappings::settle(Mapping m) {
  const auto mine = slot(m.uuid);
  co_await mine->changing.acquire(24h);
  const auto current = [&] {
    const auto bytes = house_.d.store.read()->get(keys::mapping(m.function.account, m.function.region, m.uuid));
    return bytes && decode_mapping(*bytes).generation == m.generation;
  };
  try {
    if (current()) {
      std::shared_ptr<sources::Poller> old;
      {
        const std::lock_guard lock(mutex_);
        old = std::exchange(mine->poller, nullptr);
      }
      if (old) co_await old->stop();
      if (m.enabled && house_.d.queues) {
        auto next = begin(m);
        const std::lock_guard lock(mutex_);
        mine->poller = std::move(next);
      } else if (old) {
        while (!old->ended() && !house_.background.stopping()) co_await house_.background.pause(50ms);
      }
    }
  } catch (const std::exception& error) {
    base::log_error("an event source mapping does not run", {{"mapping", m.uuid}, {"error", error.what()}});
  }
  // The store may refuse for a while; a restart does it again, too.
  for (auto wait = 100ms; !house_.background.stopping(); wait = std::min(wait * 2, 10'000ms)) {
    bool written = false;
    try {
      co_await house_.d.store.commit([&](store::Transaction& t) {
        const auto key = keys::mapping(m.function.account, m.function.region, m.uuid);
        const auto bytes = t.get(key);
        if (!bytes) return;
        auto row = decode_mapping(*bytes);
        if (row.generation != m.generation) return;
        if (row.state == "Deleting") {
          t.erase(key);
          return;
        }
        row.state = row.enabled ? "Enabled" : "Disabled";
        t.put(key, encode(row));
      });
      written = true;
    } catch (const std::exception& error) {
      base::log_warn("an event source mapping is not settled", {{"mapping", m.uuid}, {"error", error.what()}});
    }
    if (written) break;
    co_await house_.background.pause(wait);
  }
  if (m.state == "Deleting") {
    const std::lock_guard lock(mutex_);
    slots_.erase(m.uuid);
  }
  mine->changing.release();
}

async::Task<> Mappings::start() {
  auto range = store::prefix_range(keys::all_mappings());
  for (;;) {
    const auto found = house_.d.store.read()->scan(range, 200);
    for (const auto& row : found) {
      const auto m = decode_mapping(row.value);
      if (m.enabled || (m.state != "Disabled" && m.state != "Enabled")) settle_later(m);
    }
    if (found.size() < 200) co_return;
    range.begin = found.back().key + '\0';
  }
}

void Mappings::wind_down() {
  const std::lock_guard lock(mutex_);
  for (const auto& [uuid, slot] : slots_) {
    if (slot->poller) slot->poller->wind_down();
  }
}

async::Task<> Mappings::stop() {
  wind_down();
  std::vector<std::shared_ptr<sources::Poller>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [uuid, slot] : slots_) {
      if (slot->poller) all.push_back(slot->poller);
    }
  }
  const auto deadline = Steady::now() + kGrace;
  for (const auto& poller : all) {
    while (!poller->ended() && Steady::now() < deadline) co_await async::sleep_for(5ms);
  }
}

void Mappings::forget_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [uuid, slot] : slots_) {
    if (slot->poller) slot->poller->wind_down();
  }
  slots_.clear();
}

}  // namespace lambari::lambda
