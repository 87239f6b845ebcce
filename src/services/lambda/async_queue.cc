#include "services/lambda/async_queue.h"

#include "base/log.h"
#include "delivery/retry.h"
#include "services/lambda/keys.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

using delivery::Verdict;
using delivery::Work;

// Each attempt takes an environment; admission and memory bound them as well.
constexpr unsigned kAttemptsOfFunction = 64;
constexpr unsigned kAttempts = 256;
constexpr unsigned kRecordsOfTarget = 16;

// A record that its target cannot take now.
const delivery::RetryPolicy kRecordRetries{
    {std::chrono::seconds(1), std::chrono::minutes(5), 2.0, 0.5}, std::nullopt, std::chrono::hours(6)};

std::string lane_of(const FunctionKey& key) { return key.account + "/" + key.region + "/" + key.name; }

// $LATEST, the version or the alias's version as it is now; nothing when it is gone.
std::optional<Configuration> configuration_of(store::Reader& reader, const FunctionKey& key, const std::string& qualifier) {
  std::uint64_t number = 0;
  if (is_version(qualifier)) {
    number = version_number(qualifier);
  } else if (!qualifier.empty() && qualifier != "$LATEST") {
    const auto alias = rows::alias(reader, key, qualifier);
    if (alias) number = version_number(alias->version);
  }
  auto version = rows::version(reader, key, number);
  if (!version) version = rows::version(reader, key, 0);
  if (!version) return std::nullopt;
  return std::move(version->configuration);
}

}  // namespace

EventInvokeConfig event_invoke_config(store::Reader& reader, const FunctionKey& key, const std::string& qualifier) {
  const auto bytes = reader.get(keys::event_invoke(key, qualifier.empty() ? "$LATEST" : qualifier));
  return bytes ? decode_event_invoke_config(*bytes) : EventInvokeConfig{};
}

AsyncQueue::AsyncQueue(House& house, Roles& roles, Run run)
    : house_(house),
      roles_(roles),
      run_(std::move(run)),
      events_(house.d.loops, house.d.clock, house.d.store,
              {"lambda/events", kAttempts, [](const std::string&) { return delivery::LaneRule{kAttemptsOfFunction, false}; }},
              [this](Work work) { return attempt(std::move(work)); }),
      records_(house.d.loops, house.d.clock, house.d.store,
               {"lambda/records", kAttempts, [](const std::string&) { return delivery::LaneRule{kRecordsOfTarget, false}; }},
               [this](Work work) { return deliver(std::move(work)); }) {}

async::Task<> AsyncQueue::start() {
  co_await records_.start();
  co_await events_.start();
}

async::Task<> AsyncQueue::stop() {
  co_await events_.stop();
  co_await records_.stop();
}

async::Task<> AsyncQueue::clear() {
  co_await events_.clear();
  co_await records_.clear();
}

async::Task<> AsyncQueue::accept(Event event) {
  const delivery::Item item{lane_of(event.function), house_.d.clock.now(), encode(event)};
  const auto added = co_await house_.d.store.transact([&](store::Transaction& t) { return events_.add(t, item); });
  events_.wake(added);
  ++received_;
}

delivery::Outbox::Added AsyncQueue::add_record(store::Transaction& t, const Record& record) {
  return records_.add(t, {record.parcel.target, house_.d.clock.now(), encode(record)});
}

async::Task<Verdict> AsyncQueue::attempt(Work work) {
  const auto event = decode_event(work.payload);
  auto progress = decode_progress(work.state);
  {
    const auto config = event_invoke_config(*house_.d.store.read(), event.function, event.qualifier);
    if (too_old(config, work.added, house_.d.clock.now()))
      co_return end(event, Condition::event_age_exceeded, progress, nullptr, config);
  }
  const auto attempt = co_await run_(event);
  count(progress, attempt);
  // Read again: the run may have taken long, and it is the configuration of now that says where the end is told.
  const auto config = event_invoke_config(*house_.d.store.read(), event.function, event.qualifier);
  const auto step = next_step(config, progress, attempt.kind, work.added, house_.d.clock.now(), delivery::draw());
  if (step.end) co_return end(event, *step.end, progress, &attempt, config);
  co_return Verdict::again(step.at, encode(progress), attempt.kind == Attempt::Kind::refused);
}

Verdict AsyncQueue::end(const Event& event, Condition condition, const Progress& progress, const Attempt* attempt,
                        const EventInvokeConfig& config) {
  const bool success = condition == Condition::success;
  if (!success) ++dropped_;
  const auto configuration = configuration_of(*house_.d.store.read(), event.function, event.qualifier);
  std::vector<delivery::Item> records;
  const auto add = [&](const std::string& target, std::string body, std::map<std::string, contracts::MessageAttribute> attributes,
                       bool dead_letter) {
    Record record;
    record.parcel.target = target;
    record.parcel.body = std::move(body);
    record.parcel.source_arn = function_arn(event.function);
    record.parcel.id = event.request_id;
    record.parcel.attributes = std::move(attributes);
    record.parcel.trace_header = event.trace_header;
    record.role = configuration->role;
    record.dead_letter = dead_letter;
    records.push_back({target, house_.d.clock.now(), encode(record)});
  };
  if (configuration) {
    if (!success && !configuration->dead_letter.empty())
      add(configuration->dead_letter, event.payload, letter_attributes(event, condition, progress, attempt), true);
    if (const auto& target = success ? config.on_success : config.on_failure; !target.empty())
      add(target, invocation_record(event, condition, progress, attempt, house_.d.clock.now()), {}, false);
  }
  if (!success && records.empty()) {
    base::log_warn("an event is dropped", {{"function", function_arn(event.function, event.qualifier)},
                                           {"request", event.request_id},
                                           {"condition", std::string(name_of(condition))}});
  }
  auto verdict = success ? Verdict::done() : Verdict::dead();
  if (records.empty()) return verdict;
  // What comes of the event and that the event is over are one commit.
  auto added = std::make_shared<std::vector<delivery::Outbox::Added>>();
  verdict.also = [this, added, records = std::move(records)](store::Transaction& t) {
    added->clear();
    for (const auto& record : records) added->push_back(records_.add(t, record));
  };
  verdict.then = [this, added] { records_.wake(*added); };
  return verdict;
}

async::Task<Verdict> AsyncQueue::deliver(Work work) {
  auto record = decode_record(work.payload);
  contracts::Delivery answer{contracts::Delivery::Kind::refused, "AccessDenied", "The execution role cannot be assumed.", 403};
  if (auto sender = co_await roles_.principal(record.role, "lambda-destinations")) {
    record.parcel.sender = std::move(*sender);
    answer = co_await house_.d.targets->deliver(record.parcel);
  }
  if (answer.kind == contracts::Delivery::Kind::delivered) co_return Verdict::done();
  const auto now = house_.d.clock.now();
  if (answer.kind == contracts::Delivery::Kind::try_again) {
    const auto next = delivery::next_attempt(kRecordRetries, work.attempt, work.added, now, delivery::draw());
    if (next.gave_up == delivery::GiveUp::no) co_return Verdict::again(next.at);
  }
  ++(record.dead_letter ? dead_letter_errors_ : destination_failures_);
  base::log_warn(
      record.dead_letter ? "a dead letter is lost" : "an invocation record is lost",
      {{"target", record.parcel.target}, {"request", record.parcel.id}, {"code", answer.code}, {"message", answer.message}});
  co_return Verdict::dead();
}

}  // namespace lambari::lambda
