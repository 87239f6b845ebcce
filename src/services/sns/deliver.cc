// One attempt to deliver what the outbox owes, and what becomes of it.
//   https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
//   https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/retry.h"
#include "services/sns/attempt.h"
#include "services/sns/envelope.h"
#include "services/sns/fan.h"
#include "services/sns/feedback.h"
#include "services/sns/keys.h"
#include "services/sns/mail.h"
#include "services/sns/retries.h"
#include "store/json_row.h"

namespace lambari::sns {
namespace {

namespace json = base::json;
using delivery::Verdict;
using delivery::Work;
using Shared = std::shared_ptr<State>;
constexpr auto& member = store::json_row::text;

constexpr double kJitter = 0.2;

SubscriptionName addressee(const json::object& item) {
  return {{member(item, "account"), member(item, "region"), member(item, "topic")}, member(item, "subscription")};
}

// Attempts that failed, as the item's state keeps them; a '+' says that the next one has its place in the pace already.
struct Progress {
  unsigned failed = 0;
  bool paced = false;
  static Progress of(const std::string& state) {
    Progress p;
    std::string_view text = state;
    p.paced = text.ends_with('+');
    if (p.paced) text.remove_suffix(1);
    p.failed = static_cast<unsigned>(base::parse_int(text).value_or(0));
    return p;
  }
  std::string str() const { return std::to_string(failed) + (paced ? "+" : ""); }
};

std::function<void(store::Transaction&)> releasing(std::string row) {
  if (row.empty()) return {};
  return [row = std::move(row)](store::Transaction& t) { release(t, row); };
}

std::string dead_letter_queue(const Subscription& s) {
  const auto policy = base::parse_json(s.get("RedrivePolicy"), 4);
  return policy && policy->is_object() ? member(policy->get_object(), "deadLetterTargetArn") : std::string();
}

// A place in the pace of an endpoint with a maximum rate: when to go.
base::Timestamp take_place(State& state, const Subscription& s, std::int64_t per_second) {
  const auto now = state.d.clock.now().ms;
  const std::lock_guard lock(state.pace_mutex);
  if (state.pace.size() > 10'000) std::erase_if(state.pace, [&](const auto& entry) { return entry.second <= now; });
  auto& next = state.pace[s.name.arn()];
  next = std::max(next, now);
  const auto mine = next;
  next += std::max<std::int64_t>(1'000 / per_second, 1);
  return {mine};
}

// The message as a queue receives it, for the subscription's own queue and for its dead letters.
async::Task<contracts::Parcel> queue_parcel(Shared state, Subscription s, Message m, std::string queue) {
  contracts::Parcel parcel;
  parcel.target = queue;
  parcel.sender = service_principal();
  parcel.source_arn = m.topic;
  parcel.id = m.id + "/" + s.name.id;
  if (queue.ends_with(".fifo")) parcel.deduplication_id = m.deduplication_id;
  parcel.group_id = m.group;
  parcel.trace_header = m.trace_header;
  if (s.raw()) {
    parcel.body = m.body_for(s.protocol);
    parcel.attributes = m.attributes;
  } else {
    const auto seal = co_await seal_of(state, s, m);
    parcel.body = notification_json(m, s.protocol, seal);
  }
  co_return parcel;
}

// Gives up: to the dead-letter queue where there is one.
async::Task<Verdict> give_up(Shared state, Subscription s, Message m, std::string row) {
  const auto queue = dead_letter_queue(s);
  if (queue.empty()) co_return Verdict::dead(releasing(row));
  const auto parcel = co_await queue_parcel(state, s, m, queue);
  const json::object item{{"kind", "dead"},
                          {"queue", queue},
                          {"source", parcel.source_arn},
                          {"id", parcel.id},
                          {"group", parcel.group_id},
                          {"deduplication", parcel.deduplication_id},
                          {"body", parcel.body},
                          {"attributes", attributes_object(parcel.attributes)},
                          {"trace", parcel.trace_header}};
  auto added = std::make_shared<delivery::Outbox::Added>();
  co_return Verdict::dead(
      [state, added, row, lane = "q/dead/" + queue, payload = base::to_json(item),
       now = state->d.clock.now()](store::Transaction& t) {
        *added = state->outbox.add(t, {lane, now, payload});
        if (!row.empty()) release(t, row);
      },
      [state, added] { state->outbox.wake(*added); });
}

async::Task<Verdict> notify(Shared state, Work work, json::object item) {
  const auto row = member(item, "row");
  const auto name = addressee(item);
  const auto reader = state->d.store.read();
  auto subscription = find_subscription(*reader, name);
  std::optional<Message> message;
  if (!row.empty())
    message = shared_message(*reader, row);
  else if (const auto* inner = item.if_contains("message"); inner && inner->is_object())
    message = message_of(inner->get_object());
  auto over = Verdict::done();
  over.also = releasing(row);
  if (!subscription || subscription->pending || !message) co_return over;  // unsubscribed in the meantime

  const auto topic = state->audiences.topic(name.topic);
  if (!topic) co_return over;
  auto progress = Progress::of(work.state);
  const bool http = subscription->protocol == "http" || subscription->protocol == "https";
  HttpPolicy policy;
  policy.retry = managed_retries();
  if (http) {
    policy = effective_policy(topic->get("DeliveryPolicy"), subscription->get("DeliveryPolicy"));
    if (policy.receives_per_second > 0 && !progress.paced) {
      const auto at = take_place(*state, *subscription, policy.receives_per_second);
      progress.paced = true;
      if (at > state->d.clock.now()) co_return Verdict::again(at, progress.str(), false);
    }
  }
  progress.paced = false;

  const auto began = state->d.clock.now();
  Attempt attempt;
  if (is_mail(subscription->protocol)) {
    auto mail = co_await mail_of(state, *subscription, *message, topic->get("DisplayName"));
    over.also = [mail = std::move(mail), row](store::Transaction& t) {
      put_mail(t, mail);
      if (!row.empty()) release(t, row);
    };
    attempt.destination = subscription->endpoint;
  } else if (http) {
    attempt = co_await post(state, *subscription, *message, policy.content_type);
  } else if (subscription->protocol == "lambda") {
    attempt = co_await invoke(state, *subscription, *message);
  } else {
    const auto parcel = co_await queue_parcel(state, *subscription, *message, subscription->endpoint);
    attempt = attempt_of(co_await state->d.targets.deliver(parcel), subscription->endpoint);
  }
  count_attempt(*state, *subscription);
  const bool delivered = attempt.kind == contracts::Delivery::Kind::delivered;
  if (!delivered) ++progress.failed;
  const auto delay =
      attempt.kind == contracts::Delivery::Kind::try_again ? retry_delay(policy.retry, progress.failed) : std::nullopt;
  if (delivered || !delay)
    co_await give_feedback(state, *topic, *subscription, *message, attempt, progress.failed + (delivered ? 1 : 0), began);
  if (delivered) co_return over;
  if (!delay) {
    base::log_info("delivery given up", {{"subscription", name.arn()}, {"message", message->id}, {"why", attempt.response}});
    co_return co_await give_up(state, *subscription, *message, row);
  }
  auto wait = static_cast<double>(delay->count());
  if (!http) wait *= 1 - kJitter * delivery::draw();
  co_return Verdict::again({state->d.clock.now().ms + static_cast<std::int64_t>(wait)}, progress.str());
}

async::Task<Verdict> say_farewell(Shared state, Work work, json::object item) {
  const auto name = addressee(item);
  const auto row = state->d.store.read()->get(keys::ended(name));
  if (!row) co_return Verdict::done();
  const auto attempt = co_await post_confirmation(state, decode_subscription(*row, name), true);
  auto progress = Progress::of(work.state);
  ++progress.failed;
  const auto delay =
      attempt.kind == contracts::Delivery::Kind::try_again ? retry_delay(RetryPhases{}, progress.failed) : std::nullopt;
  if (!delay) co_return Verdict::done();
  co_return Verdict::again({state->d.clock.now().ms + delay->count()}, progress.str());
}

async::Task<Verdict> confirm(Shared state, Work work, json::object item) {
  const auto name = addressee(item);
  const auto subscription = find_subscription(*state->d.store.read(), name);
  if (!subscription || !subscription->pending) co_return Verdict::done();
  const auto topic = state->audiences.topic(name.topic);
  if (!topic) co_return Verdict::done();
  auto verdict = Verdict::done();
  Attempt attempt;
  if (is_mail(subscription->protocol)) {
    verdict.also = [mail = confirmation_mail(*state, *subscription)](store::Transaction& t) { put_mail(t, mail); };
  } else if (subscription->protocol == "sqs") {
    contracts::Parcel parcel;
    parcel.target = subscription->endpoint;
    parcel.sender = service_principal();
    parcel.source_arn = name.topic.arn();
    parcel.id = name.id;
    if (parcel.target.ends_with(".fifo")) parcel.group_id = parcel.deduplication_id = name.id;
    parcel.body = co_await confirmation_text(state, *subscription, base::uuid(), false);
    attempt = attempt_of(co_await state->d.targets.deliver(parcel), parcel.target);
  } else {
    attempt = co_await post_confirmation(state, *subscription, false);
  }
  auto progress = Progress::of(work.state);
  if (attempt.kind == contracts::Delivery::Kind::delivered) co_return verdict;
  ++progress.failed;
  const auto delay =
      attempt.kind == contracts::Delivery::Kind::try_again ? retry_delay(RetryPhases{}, progress.failed) : std::nullopt;
  if (!delay) co_return Verdict::dead();
  co_return Verdict::again({state->d.clock.now().ms + delay->count()}, progress.str());
}

// What nobody confirmed in two days is no longer wished for.
async::Task<Verdict> expire(Shared state, json::object item) {
  const auto name = addressee(item);
  auto verdict = Verdict::done();
  verdict.also = [name](store::Transaction& t) {
    if (const auto row = find_subscription(t, name); row && row->pending) erase(t, *row);
    t.erase(keys::ended(name));
  };
  verdict.then = [state, name] { state->audiences.refresh(name); };
  co_return verdict;
}

async::Task<Verdict> fan_out(Shared state, Work work, json::object item) {
  const auto row = member(item, "row");
  const auto topic = addressee(item).topic;
  auto message = shared_message(*state->d.store.read(), row);
  if (!message) co_return Verdict::done();
  auto piece = std::make_shared<Piece>(next_piece(*state, topic, *message, work.state));
  auto added = std::make_shared<std::vector<delivery::Outbox::Added>>();
  auto verdict = piece->next.empty() ? Verdict::done() : Verdict::again(state->d.clock.now(), piece->next, false);
  verdict.also = [state, piece, added, message = *std::move(message)](store::Transaction& t) {
    added->clear();
    owe_piece(*state, t, message, piece->recipients, *added);
    if (piece->next.empty()) release(t, message.id);
  };
  verdict.then = [state, added] { state->outbox.wake(*added); };
  co_return verdict;
}

async::Task<Verdict> bury(Shared state, Work work, json::object item) {
  contracts::Parcel parcel;
  parcel.target = member(item, "queue");
  parcel.sender = service_principal();
  parcel.source_arn = member(item, "source");
  parcel.id = member(item, "id") + "/dead";
  parcel.body = member(item, "body");
  parcel.trace_header = member(item, "trace");
  if (parcel.target.ends_with(".fifo")) {
    parcel.group_id = member(item, "group");
    parcel.deduplication_id = member(item, "deduplication");
  }
  if (const auto* attributes = item.if_contains("attributes"); attributes && attributes->is_object())
    parcel.attributes = attributes_of(attributes->get_object());
  const auto result = co_await state->d.targets.deliver(parcel);
  if (result.kind == contracts::Delivery::Kind::delivered) co_return Verdict::done();
  auto progress = Progress::of(work.state);
  ++progress.failed;
  const auto delay =
      result.kind == contracts::Delivery::Kind::try_again ? retry_delay(managed_retries(), progress.failed) : std::nullopt;
  if (!delay) {
    base::log_warn("a dead letter is lost", {{"queue", parcel.target}, {"why", result.message}});
    co_return Verdict::dead();
  }
  co_return Verdict::again({state->d.clock.now().ms + delay->count()}, progress.str());
}

}  // namespace

async::Task<Verdict> deliver(Shared state, Work work) {
  const auto value = base::parse_json(work.payload, 128);
  if (!value || !value->is_object()) co_return Verdict::dead();
  const auto& item = value->get_object();
  const auto kind = member(item, "kind");
  if (kind == "notify") co_return co_await notify(state, std::move(work), item);
  if (kind == "confirm") co_return co_await confirm(state, std::move(work), item);
  if (kind == "farewell") co_return co_await say_farewell(state, std::move(work), item);
  if (kind == "expire") co_return co_await expire(state, item);
  if (kind == "fan") co_return co_await fan_out(state, std::move(work), item);
  if (kind == "dead") co_return co_await bury(state, std::move(work), item);
  co_return Verdict::dead();
}

}  // namespace lambari::sns
