// What mappings do: checks against source, function and role; transitions of their states; their feeds.
#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "services/lambda/async.h"
#include "services/lambda/faults.h"
#include "services/lambda/keys.h"
#include "services/lambda/mapping_checkpoints.h"
#include "services/lambda/mapping_rules.h"
#include "services/lambda/mappings.h"
#include "services/lambda/recursion.h"
#include "services/lambda/rows.h"
#include "services/lambda/sources/poller.h"
#include "services/lambda/sources/queue.h"
#include "services/lambda/sources/stream_poller.h"

namespace lambari::lambda {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kGrace = 5s;  // for what was received before the end
constexpr std::string_view kSession = "lambda-event-source";

}  // namespace

async::Task<> Mappings::check(Mapping m) {
  std::shared_ptr<const Target> target;
  try {
    target = house_.targets.find(m.function, m.qualifier);
  } catch (const aws::lambda::ResourceNotFoundException&) {
    invalid("Function does not exist");
  }
  const auto& configuration = target->variants.front().version->configuration;
  auto principal = co_await house_.roles.principal(configuration.role, std::string(kSession));
  if (!principal) invalid("The role defined for the function cannot be assumed by Lambda.");
  if (!is_stream(m)) {
    co_await check_queue(m, std::move(*principal), std::chrono::seconds(configuration.timeout_s));
    co_return;
  }
  co_await check_stream(m, std::move(*principal));
  if (m.on_failure.empty()) co_return;
  if (m.on_failure.ends_with(".fifo") || !(m.on_failure.starts_with("arn:aws:sqs:") || m.on_failure.starts_with("arn:aws:sns:") ||
                                           m.on_failure.starts_with("arn:aws:s3:"))) {
    invalid("The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination=" + m.on_failure +
            ")) is invalid.");
  }
  co_await check_destination(house_, m.function, configuration.role, m.on_failure);
}

async::Task<> Mappings::check_stream(Mapping m, contracts::Principal role) {
  if (!house_.d.streams) not_here("The event source dynamodb");
  const auto stream = co_await house_.d.streams->describe(m.source);
  if (!stream) invalid("Stream not found: " + m.source);
  const bool own = base::split(m.source, ':')[4] == m.function.account;
  if (!own || !co_await house_.d.streams->may_read(std::move(role), m.source)) {
    invalid("Cannot access stream " + m.source +
            ". Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on "
            "your stream in IAM.");
  }
}

async::Task<std::map<std::string, std::string>> Mappings::starts(Mapping m) {
  std::map<std::string, std::string> out;
  if (!is_stream(m)) co_return out;
  contracts::StreamStart start;
  if (m.starting_position == "LATEST") start.kind = contracts::StreamStart::Kind::latest;
  const auto stream = co_await house_.d.streams->describe(m.source);
  if (!stream) invalid("Stream not found: " + m.source);
  for (const auto& shard : stream->shards) {
    out[shard.id] = co_await house_.d.streams->locate(co_await sources::assumed(caller(m)), m.source, shard.id, start);
  }
  co_return out;
}

async::Task<> Mappings::check_queue(Mapping m, contracts::Principal role, std::chrono::seconds timeout) {
  if (!house_.d.queues) not_here("The event source sqs");
  for (const auto* call : {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"}) {
    contracts::AccessRequest request;
    request.action = std::string("sqs:") + call;
    request.resources = {m.source};
    const auto decision = co_await house_.d.authorizer.authorize(role, request);
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
  if (queue->visibility_timeout < timeout) {
    invalid("Queue visibility timeout: " + std::to_string(queue->visibility_timeout.count()) +
            " seconds is less than Function timeout: " + std::to_string(timeout.count()) + " seconds");
  }
}

std::shared_ptr<Mappings::Slot> Mappings::slot(const std::string& uuid) {
  const std::lock_guard lock(mutex_);
  auto& entry = slots_[uuid];
  if (!entry) entry = std::make_shared<Slot>();
  return entry;
}

std::shared_ptr<sources::Feed> Mappings::feed(const std::string& uuid) {
  const std::lock_guard lock(mutex_);
  const auto it = slots_.find(uuid);
  return it == slots_.end() ? nullptr : it->second->feed;
}

std::string Mappings::last_result(const std::string& uuid) {
  const auto running = feed(uuid);
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
  const auto request_id = asked.request_id;
  auto attempt = co_await run_(std::move(asked));
  sources::Answer answer;
  answer.request_id = request_id;
  answer.status = attempt.status;
  answer.executed_version = std::move(attempt.executed_version);
  answer.function_error = std::move(attempt.function_error);
  answer.payload = std::move(attempt.payload);
  using Kind = sources::Answer::Kind;
  if (attempt.kind == Attempt::Kind::function_error) {
    answer.kind = Kind::function_error;
    answer.problem = "Function call failed";
  } else if (attempt.kind != Attempt::Kind::success) {
    answer.kind = Kind::refused;
    answer.problem = attempt.message.empty() ? "Function call failed" : std::move(attempt.message);
  }
  co_return answer;
}

sources::Caller Mappings::caller(const Mapping& m) {
  // Asked anew each time, as the function may change; throws when it is gone.
  return [this, function = m.function, qualifier = m.qualifier] {
    const auto& configuration = house_.targets.find(function, qualifier)->variants.front().version->configuration;
    return house_.roles.principal(configuration.role, std::string(kSession));
  };
}

std::shared_ptr<sources::Feed> Mappings::begin(const Mapping& m) {
  sources::Function function{[this, f = m.function, q = m.qualifier](std::string event, std::vector<std::string> traces) {
                               return invoke(f, q, std::move(event), std::move(traces));
                             },
                             [this, f = m.function, q = m.qualifier](const std::string& trace) { return loops(f, q, trace); },
                             [this, f = m.function, q = m.qualifier] { return obstacle(f, q); }};
  return is_stream(m) ? begin_stream(m, std::move(function), caller(m)) : begin_queue(m, std::move(function), caller(m));
}

std::shared_ptr<sources::Feed> Mappings::begin_queue(const Mapping& m, sources::Function function, sources::Caller caller) {
  if (!house_.d.queues) return nullptr;
  auto source = std::make_shared<sources::Queue>(
      *house_.d.queues, m.source, std::move(caller), [this, function = m.function, qualifier = m.qualifier] {
        return std::chrono::seconds(house_.targets.find(function, qualifier)->variants.front().version->configuration.timeout_s);
      });
  sources::Settings settings;
  settings.batch_size = static_cast<std::size_t>(m.batch_size);
  settings.window = std::chrono::seconds(m.window_s);
  if (m.max_concurrency) settings.concurrency = static_cast<std::size_t>(*m.max_concurrency);
  settings.report_failures = m.report_failures;
  settings.filter = sources::Filter(m.filters);
  return std::make_shared<sources::Poller>(house_.d.loops, house_.d.clock, std::move(source), std::move(settings),
                                           std::move(function), counters_);
}

std::shared_ptr<sources::Feed> Mappings::begin_stream(const Mapping& m, sources::Function function, sources::Caller caller) {
  if (!house_.d.streams) return nullptr;
  sources::StreamSettings settings;
  settings.stream = m.source;
  settings.function_arn = function_arn(m.function, m.qualifier);
  settings.batch_size = static_cast<std::size_t>(m.batch_size);
  settings.window = std::chrono::seconds(m.window_s);
  settings.lanes = static_cast<unsigned>(m.parallelization);
  settings.bisect = m.bisect;
  if (m.max_age_s >= 0) settings.max_age = std::chrono::seconds(m.max_age_s);
  if (m.max_retries >= 0) settings.max_retries = static_cast<unsigned>(m.max_retries);
  settings.tumbling = std::chrono::seconds(m.tumbling_s);
  settings.report_failures = m.report_failures;
  settings.filter = sources::Filter(m.filters);
  return std::make_shared<sources::StreamPoller>(house_.d.loops, house_.d.clock, *house_.d.streams, std::move(caller),
                                                 std::move(settings), std::move(function),
                                                 std::make_shared<MappingCheckpoints>(house_, events_, m), counters_);
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
      std::shared_ptr<sources::Feed> old;
      {
        const std::lock_guard lock(mutex_);
        old = mine->feed;
      }
      if (old) {
        co_await old->stop();
        // What is under way of a queue is hidden from the next feed; of a stream it would be processed twice at once.
        while ((!m.enabled || is_stream(m)) && !old->ended() && !house_.background.stopping())
          co_await house_.background.pause(50ms);
      }
      if (!house_.background.stopping()) {
        auto next = m.enabled ? begin(m) : nullptr;
        const std::lock_guard lock(mutex_);
        mine->feed = std::move(next);
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
          MappingCheckpoints::erase(t, row);
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
    if (slot->feed) slot->feed->wind_down();
  }
}

async::Task<> Mappings::stop() {
  wind_down();
  std::vector<std::shared_ptr<sources::Feed>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [uuid, slot] : slots_) {
      if (slot->feed) all.push_back(slot->feed);
    }
  }
  const auto deadline = Steady::now() + kGrace;
  for (const auto& feed : all) {
    while (!feed->ended() && Steady::now() < deadline) co_await async::sleep_for(5ms);
  }
}

void Mappings::forget_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [uuid, slot] : slots_) {
    if (slot->feed) slot->feed->wind_down();
  }
  slots_.clear();
}

}  // namespace lambari::lambda
