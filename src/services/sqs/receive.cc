// Messages out of a queue. What a receive tells is durable before it is told: the count of receives and the time until which the
// message is hidden, so that a poison message is received exactly maxReceiveCount times, a crash included.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
#include "aws/sqs/types.h"
#include "base/log.h"
#include "services/sqs/attributes.h"
#include "services/sqs/hands.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

namespace {

std::uint64_t period_of(std::int64_t time) { return static_cast<std::uint64_t>(time / kDeduplicationWindow); }

// What became of a message that was taken.
struct Outcome {
  enum class Kind { gone, given, moved, expired } kind = Kind::gone;
  MessageRow row;
  Receipt receipt;
  std::size_t landing = 0;  // which of the dead letter queue's numbers, when moved
};

// Where the dead letters of `queue` go; null when they stay (no such queue, or it does not allow it).
async::Task<QueueRef> dead_letter_queue(Shared state, QueueRef queue) {
  if (!queue->queue.redrive) co_return nullptr;
  const auto name = parse_queue_arn(queue->queue.redrive->dead_letter_arn);
  auto dead = name ? find_queue(*state, *name) : nullptr;
  if (!dead || dead->queue.fifo != queue->queue.fifo || !redrive_allowed(dead->queue, queue->arn)) co_return nullptr;
  co_await ready(state, dead);
  co_return dead;
}

Received received(const Loaded& queue, Position at, Message message, Receipt receipt) {
  auto handle = encode_handle({queue.queue.id, queue.line->generation(), at, receipt.receives});
  return {std::move(message), std::move(receipt), std::move(handle), queue.queue.fifo, at.sequence};
}

// The same messages again, when the attempt was made before and nothing happened to them since.
async::Task<std::optional<std::vector<Received>>> repeat_attempt(Shared state, QueueRef queue, const Ask& ask) {
  auto& line = *queue->line;
  const auto now = state->now();
  auto reader = state->d.store.read();
  std::optional<Attempt> attempt;
  std::string key;
  for (const auto period : {period_of(now), period_of(now) - 1}) {
    key = keys::once(line.generation(), period, "receive", {}, ask.attempt);
    if (auto row = reader->get(key)) {
      attempt = decode_attempt(*row);
      break;
    }
  }
  reader.reset();
  if (!attempt || now - attempt->at >= kDeduplicationWindow || attempt->items.empty()) co_return std::nullopt;
  const auto visible_at = now + ask.visibility.value_or(queue->queue.visibility);
  std::vector<Receipt> receipts;
  for (const auto& item : attempt->items) {
    auto known = line.find(item.position, now);
    if (!known || !known->in_flight || known->busy || known->receipt.receives != item.receives ||
        known->receipt.visible_at != item.visible_at)
      co_return std::nullopt;
    receipts.push_back(known->receipt);
  }
  for (std::size_t i = 0; i < receipts.size(); ++i) attempt->items[i].visible_at = receipts[i].visible_at = visible_at;
  std::vector<MessageRow> rows;
  co_await state->d.store.commit([&](store::Transaction& t) {
    rows.clear();
    for (std::size_t i = 0; i < receipts.size(); ++i) {
      const auto at = attempt->items[i].position;
      auto row = t.get(keys::message(line.generation(), at, receipts[i].group));
      if (!row) continue;
      rows.push_back(decode_message(*row));
      t.put(keys::receipt(line.generation(), at), encode(receipts[i]));
    }
    t.put(key, encode(*attempt));
  });
  if (rows.size() != receipts.size()) co_return std::nullopt;
  std::vector<Received> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    line.change_visibility(attempt->items[i].position, receipts[i].receives, visible_at);
    out.push_back(received(*queue, attempt->items[i].position,
                           co_await open_message(state, queue->name.account, std::move(rows[i])), receipts[i]));
  }
  co_return out;
}

// What is there now. `again`: some messages were taken that are not to be given, so there may be more.
async::Task<std::vector<Received>> receive_once(Shared state, QueueRef queue, Ask ask, bool& again) {
  again = false;
  auto& line = *queue->line;
  const auto now = state->now();
  if (!queue->queue.fifo && line.in_flight(now) >= kMaxInFlight)
    throw aws::sqs::OverLimit(
        "Too many messages in flight. The maximum number of in flight messages is reached; delete messages first.");
  std::vector<Received> out;
  Hands hands(queue->line, line.take(ask.count, now, queue->queue.delay));
  if (hands.taken.empty()) co_return out;

  QueueRef dead;
  std::size_t poison = 0;
  if (queue->queue.redrive) {
    for (const auto& taken : hands.taken) poison += taken.before.receives >= queue->queue.redrive->max_receives;
    if (poison > 0) dead = co_await dead_letter_queue(state, queue);
  }
  std::optional<Numbers> numbers;
  if (dead) numbers.emplace(dead->line, poison, now);

  const auto visible_at = now + ask.visibility.value_or(queue->queue.visibility);
  std::vector<Outcome> outcomes(hands.taken.size());
  bool live = false;
  std::vector<Line::Sent> landing;
  co_await state->d.store.commit([&](store::Transaction& t) {
    live = is_live(t, line.generation());
    landing.clear();
    if (!live) return;
    const bool dead_live = dead && is_live(t, dead->line->generation());
    Attempt attempt{now, {}};
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const auto& taken = hands.taken[i];
      auto& outcome = outcomes[i];
      outcome = {};
      auto row = t.get(keys::message(line.generation(), taken.position, taken.group));
      if (!row) continue;
      outcome.row = decode_message(*row);
      const auto& head = outcome.row.head;
      if (head.sent + queue->queue.retention <= now) {
        outcome.kind = Outcome::Kind::expired;
        erase_message(t, line, taken.position, outcome.row);
      } else if (dead_live && taken.before.receives >= queue->queue.redrive->max_receives) {
        outcome.kind = Outcome::Kind::moved;
        erase_message(t, line, taken.position, outcome.row);
        auto moving = outcome.row;
        moving.head.receives_before += taken.before.receives;
        const Landing where{dead, {0, numbers->first + landing.size()}};
        land(t, where, std::move(moving), now, queue->arn);
        landing.push_back({where.at, dead->queue.fifo ? head.group : std::string()});
      } else {
        outcome.kind = Outcome::Kind::given;
        outcome.receipt = {taken.before.receives + 1,
                           taken.before.receives ? taken.before.first : now,
                           now,
                           visible_at,
                           outcome.row.blob.empty() && !head.moved,
                           taken.group};
        t.put(keys::receipt(line.generation(), taken.position), encode(outcome.receipt));
        attempt.items.push_back({taken.position, outcome.receipt.receives, visible_at});
      }
    }
    if (!ask.attempt.empty() && !attempt.items.empty())
      t.put(keys::once(line.generation(), period_of(now), "receive", {}, ask.attempt), encode(attempt));
  });
  hands.settled = true;
  if (numbers) numbers->sent = std::move(landing);
  numbers.reset();
  if (!live) {
    for (const auto& taken : hands.taken) line.forget(taken.position);
    again = true;
    co_return out;
  }

  std::vector<std::string> blobs;
  std::size_t removed = 0;
  std::vector<std::size_t> given;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    auto& outcome = outcomes[i];
    const auto at = hands.taken[i].position;
    if (outcome.kind == Outcome::Kind::given) {
      if (line.settle(at, outcome.receipt)) given.push_back(i);
      continue;
    }
    again = true;
    line.forget(at);
    if (outcome.kind != Outcome::Kind::gone) ++removed;
    if (outcome.kind == Outcome::Kind::expired && !outcome.row.blob.empty()) blobs.push_back(outcome.row.blob);
  }
  if (removed > 0) line.removed(removed);
  if (!blobs.empty()) co_await erase_blobs(state, std::move(blobs));
  for (const auto i : given)
    out.push_back(received(*queue, hands.taken[i].position,
                           co_await open_message(state, queue->name.account, std::move(outcomes[i].row)),
                           std::move(outcomes[i].receipt)));
  co_return out;
}

}  // namespace

async::Task<std::vector<Received>> receive(Shared state, QueueRef queue, Ask ask) {
  co_await ready(state, queue);
  if (!ask.attempt.empty()) {
    if (auto repeated = co_await repeat_attempt(state, queue, ask)) co_return std::move(*repeated);
  }
  const auto end = state->now() + ask.wait;
  for (;;) {
    const auto seen = queue->line->arrivals.ticket();
    bool again = false;
    auto out = co_await receive_once(state, queue, ask, again);
    if (!out.empty()) co_return out;
    if (!again) {
      const auto now = state->now();
      if (now >= end || state->winding_down) co_return out;
      // A message that comes wakes one of those who wait; what time alone brings is waited for.
      auto until = end;
      if (auto next = queue->line->next_change(queue->queue.delay)) until = std::min(until, std::max(*next, now + 1));
      co_await queue->line->arrivals.wait(seen, std::chrono::milliseconds(until - now));
    }
    // It may have been changed, purged or deleted meanwhile.
    queue = require_queue(*state, queue->name);
    co_await ready(state, queue);
  }
}

}  // namespace lambari::sqs
