// Messages into a queue.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
#include <fmt/format.h>

#include "aws/sqs/types.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "services/sqs/hands.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/seal.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

namespace {

constexpr std::size_t kSalt = 16;  // blobs are found by content: two messages never share one

std::uint64_t period_of(std::int64_t time) { return static_cast<std::uint64_t>(time / kDeduplicationWindow); }

// What was sent under this id less than five minutes ago.
std::optional<Sent> sent_before(store::Transaction& t, const Loaded& q, const Message& m, std::int64_t now) {
  const auto& scope = q.queue.deduplicate_by_group ? m.group : std::string();
  for (const auto period : {period_of(now), period_of(now) - 1}) {
    auto row = t.get(keys::once(q.line->generation(), period, "send", scope, m.deduplication_id));
    if (!row) continue;
    auto sent = decode_sent(*row);
    if (now - sent.at < kDeduplicationWindow) return sent;
  }
  return std::nullopt;
}

async::Task<std::vector<MessageRow>> make_rows(Shared state, QueueRef queue, std::vector<Outgoing> messages) {
  const auto key = queue->queue.sealed() ? co_await data_key(state, queue->name.account) : std::string();
  std::vector<MessageRow> rows;
  rows.reserve(messages.size());
  for (auto& out : messages) {
    auto& row = rows.emplace_back();
    row.head.id = base::uuid();
    row.head.sender = std::move(out.sender);
    row.head.group = std::move(out.group);
    row.head.deduplication_id = std::move(out.deduplication_id);
    row.head.trace_header = std::move(out.trace_header);
    row.content = encode_content(out.body, out.attributes);
    row.sealed = !key.empty();
    if (row.sealed) row.content = seal(key, queue->name.account, row.content);
    if (row.content.size() > kInlineContent) {
      if (!row.sealed) row.content.insert(0, base::random_bytes(kSalt));
      row.blob = co_await state->d.blobs.put(row.content);
      row.content.clear();
    }
  }
  co_return rows;
}

}  // namespace

void check_outgoing(const Queue& queue, Outgoing& m, std::optional<std::int64_t> request_delay) {
  check_body(m.body);
  if (message_bytes(m.body, m.attributes) > queue.max_bytes)
    invalid_parameter(
        fmt::format("One or more parameters are invalid. Reason: Message must be shorter than {} bytes.", queue.max_bytes));
  if (request_delay) {
    if (*request_delay < 0 || *request_delay > 900)
      invalid_value(std::to_string(*request_delay), "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.");
    if (queue.fifo && *request_delay != 0)
      invalid_value(std::to_string(*request_delay), "DelaySeconds",
                    "The request include parameter that is not valid for this queue type.");
    if (!queue.fifo) m.delay = *request_delay * kSecond;
  }
  if (!queue.fifo) {
    if (!m.deduplication_id.empty())
      invalid_value(m.deduplication_id, "MessageDeduplicationId",
                    "The request includes a parameter that is not valid for this queue type.");
    if (!m.group.empty()) check_identifier(m.group, "MessageGroupId");  // fair queues
    return;
  }
  if (m.group.empty()) missing_parameter("MessageGroupId");
  check_identifier(m.group, "MessageGroupId");
  if (!m.deduplication_id.empty()) {
    check_identifier(m.deduplication_id, "MessageDeduplicationId");
  } else if (queue.content_deduplication) {
    m.deduplication_id = base::hex(base::sha256(m.body));
  } else {
    invalid_parameter(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
  }
}

async::Task<> erase_blobs(Shared state, std::vector<std::string> hashes) {
  for (const auto& hash : hashes) {
    try {
      co_await state->d.blobs.erase(hash);
    } catch (const std::exception& error) {
      base::log_warn("the body of a message stays on disk", {{"error", error.what()}});
    }
  }
}

async::Task<Message> open_message(Shared state, std::string account, MessageRow row) {
  if (!row.blob.empty()) {
    auto content = co_await state->d.blobs.get(row.blob);
    if (!content) throw std::runtime_error("sqs: the body of a message is missing");
    row.content = std::move(*content);
    if (!row.sealed) row.content.erase(0, kSalt);
  }
  if (row.sealed) row.content = unseal(co_await data_key(state, account), account, row.content);
  decode_content(row.content, row.head.body, row.head.attributes);
  co_return std::move(row.head);
}

async::Task<std::vector<Accepted>> send(Shared state, QueueRef queue, std::vector<Outgoing> messages) {
  std::vector<std::optional<std::int64_t>> delays;
  for (const auto& m : messages) delays.push_back(m.delay);
  auto rows = co_await make_rows(state, queue, std::move(messages));
  std::vector<Accepted> out(rows.size());
  std::vector<bool> written(rows.size());
  bool done = false;
  while (!done) {
    co_await ready(state, queue);
    auto& line = *queue->line;
    const auto now = state->now();
    {
      Numbers numbers(queue->line, rows.size(), now);
      std::vector<Line::Sent> sent;
      co_await state->d.store.commit([&](store::Transaction& t) {
        sent.clear();
        done = is_live(t, line.generation());
        if (!done) return;
        for (std::size_t i = 0; i < rows.size(); ++i) {
          auto& row = rows[i];
          const auto sequence = numbers.first + i;
          out[i] = {row.head.id, sequence};
          written[i] = true;
          row.head.sent = now;
          Position at{0, sequence};
          if (line.fifo()) {
            if (auto before = sent_before(t, *queue, row.head, now)) {
              out[i] = {before->id, before->sequence};
              written[i] = false;
              continue;
            }
            t.put(keys::once(line.generation(), period_of(now), "send",
                             queue->queue.deduplicate_by_group ? row.head.group : std::string(), row.head.deduplication_id),
                  encode(Sent{now, sequence, row.head.id}));
          } else if (const auto delay = delays[i].value_or(queue->queue.delay); delay > 0) {
            at.due = static_cast<std::uint64_t>(now + delay);
          }
          put_message(t, line, at, row);
          sent.push_back({at, line.fifo() ? row.head.group : std::string()});
        }
      });
      numbers.sent = std::move(sent);
    }
    // The queue was purged meanwhile, or deleted.
    if (!done) queue = require_queue(*state, queue->name);
  }
  std::vector<std::string> unused;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!written[i] && !rows[i].blob.empty()) unused.push_back(rows[i].blob);
  if (!unused.empty()) co_await erase_blobs(state, std::move(unused));
  co_return out;
}

}  // namespace lambari::sqs
