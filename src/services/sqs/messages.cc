// Sending, receiving, deleting and hiding messages, alone and in batches of ten.
#include <fmt/format.h>

#include <set>
#include <span>

#include "base/text.h"
#include "services/sqs/rules.h"
#include "services/sqs/service.h"

namespace lambari::sqs {

using namespace aws::sqs;

namespace {

constexpr std::size_t kBilledBytes = 64 << 10;  // each piece of a payload is one request

void count(State& state, const Loaded& queue, std::size_t bytes) {
  state.d.meter.count("sqs", "Request", queue.arn, std::max<std::size_t>(1, (bytes + kBilledBytes - 1) / kBilledBytes));
}

void admit(const State& state, const Loaded& queue, Quota::Action action, std::span<const std::string> groups = {}) {
  if (queue.quota) queue.quota->admit(queue.queue, action, groups, state.d.clock.now());
}

std::string sender_id(const wire::Call& call) { return call.principal.user_id.empty() ? call.account : call.principal.user_id; }

std::string_view batch_code(const wire::Fault& fault) {
  return fault.query_code().empty() ? std::string_view(fault.code()) : fault.query_code();
}

BatchResultErrorEntry failure(const std::string& id, const wire::Fault& fault) {
  BatchResultErrorEntry entry;
  entry.Id = id;
  entry.SenderFault = fault.senders();
  entry.Code = batch_code(fault);
  entry.Message = fault.message();
  return entry;
}

template <class Entries>
std::vector<std::string> ids_of(const Entries& entries) {
  std::vector<std::string> ids;
  for (const auto& entry : entries) ids.push_back(entry.Id);
  return ids;
}

// What became of each entry of a batch.
template <class Result, class Entries>
Result result_of(const Entries& entries, const Settled& settled) {
  Result out;
  for (std::size_t i = 0; i < settled.size(); ++i) {
    if (settled[i]) {
      out.Failed.push_back(failure(entries[i].Id, *settled[i]));
    } else {
      out.Successful.push_back({entries[i].Id});
    }
  }
  return out;
}

// SendMessageRequest or an entry of a batch.
template <class Request>
Outgoing outgoing_of(Request& r, std::string sender) {
  Outgoing out;
  out.attributes = check_attributes(r.MessageAttributes);
  out.trace_header = check_system_attributes(r.MessageSystemAttributes);
  out.body = std::move(r.MessageBody);
  // Given but empty is not the same as not given.
  if (r.MessageGroupId) {
    check_identifier(*r.MessageGroupId, "MessageGroupId");
    out.group = *r.MessageGroupId;
  }
  if (r.MessageDeduplicationId) {
    check_identifier(*r.MessageDeduplicationId, "MessageDeduplicationId");
    out.deduplication_id = *r.MessageDeduplicationId;
  }
  out.sender = std::move(sender);
  return out;
}

// A message that names no trace belongs to that of the call.
//   https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
void trace(Outgoing& message, const wire::Call& call) {
  if (message.trace_header.empty()) message.trace_header = call.trace_header;
}

std::optional<std::int64_t> delay_of(const std::optional<std::int32_t>& seconds) {
  if (!seconds) return std::nullopt;
  return *seconds;
}

// The digests that a result gives of a message as the request has it.
struct Digests {
  std::string body;
  std::optional<std::string> attributes, system_attributes;
  explicit Digests(const Outgoing& m) : body(md5_hex(m.body)) {
    if (!m.attributes.empty()) attributes = attributes_md5(m.attributes);
    if (!m.trace_header.empty()) system_attributes = trace_md5(m.trace_header);
  }
};

constexpr std::string_view kSystemAttributes[] = {"All",
                                                  "SenderId",
                                                  "SentTimestamp",
                                                  "ApproximateReceiveCount",
                                                  "ApproximateFirstReceiveTimestamp",
                                                  "SequenceNumber",
                                                  "MessageDeduplicationId",
                                                  "MessageGroupId",
                                                  "AWSTraceHeader",
                                                  "DeadLetterQueueSourceArn"};

std::set<std::string> asked_attributes(const ReceiveMessageRequest& r) {
  std::set<std::string> out;
  for (const auto* list : {&r.AttributeNames, &r.MessageSystemAttributeNames}) {
    if (!*list) continue;
    for (const auto& name : **list) {
      // Old clients ask for queue attributes here as well; AWS lets them.
      if (std::ranges::find(kSystemAttributes, name) == std::end(kSystemAttributes) && list == &r.MessageSystemAttributeNames)
        throw InvalidAttributeName(fmt::format("Unknown Attribute {}.", name));
      out.insert(name);
    }
  }
  return out;
}

aws::sqs::Message message_of(Received& r, const std::set<std::string>& asked, const std::vector<std::string>& user_asked) {
  aws::sqs::Message out;
  out.MessageId = r.message.id;
  out.ReceiptHandle = std::move(r.handle);
  out.MD5OfBody = md5_hex(r.message.body);
  out.Body = std::move(r.message.body);
  if (!asked.empty()) {
    std::map<std::string, std::string> shown;
    for (auto& [name, value] : system_attributes(r))
      if (asked.contains("All") || asked.contains(name)) shown.emplace(name, std::move(value));
    if (!shown.empty()) out.Attributes = std::move(shown);
  }
  const auto chosen = chosen_attributes(r.message.attributes, user_asked);
  if (!chosen.empty()) {
    out.MD5OfMessageAttributes = attributes_md5(chosen);
    auto& shown = out.MessageAttributes.emplace();
    for (const auto& [name, attribute] : chosen) {
      auto& value = shown[name];
      value.DataType = attribute.data_type;
      if (base::cut(attribute.data_type, '.').first == "Binary") {
        value.BinaryValue = attribute.value;
      } else {
        value.StringValue = attribute.value;
      }
    }
  }
  return out;
}

}  // namespace

std::map<std::string, std::string> system_attributes(const Received& r) {
  const auto& m = r.message;
  std::map<std::string, std::string> out{
      {"SenderId", m.sender},
      {"SentTimestamp", std::to_string(m.sent)},
      {"ApproximateReceiveCount", std::to_string(m.receives_before + r.receipt.receives)},
      {"ApproximateFirstReceiveTimestamp", std::to_string(r.receipt.first)},
  };
  if (!m.group.empty()) out["MessageGroupId"] = m.group;
  if (!m.deduplication_id.empty()) out["MessageDeduplicationId"] = m.deduplication_id;
  if (r.fifo) out["SequenceNumber"] = sequence_text(r.sequence);
  if (!m.trace_header.empty()) out["AWSTraceHeader"] = m.trace_header;
  if (!m.dead_letter_source.empty()) out["DeadLetterQueueSourceArn"] = m.dead_letter_source;
  return out;
}

async::Task<SendMessageResult> Sqs::SendMessage(const wire::Call& call, SendMessageRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  auto message = outgoing_of(r, sender_id(call));
  check_outgoing(queue->queue, message, delay_of(r.DelaySeconds));
  admit(*state_, *queue, Quota::Action::send, {&message.group, 1});
  const Digests digests(message);
  trace(message, call);
  count(*state_, *queue, message_bytes(message.body, message.attributes));
  std::vector<Outgoing> messages;
  messages.push_back(std::move(message));
  const auto sent = co_await send(state_, queue, std::move(messages));
  SendMessageResult out;
  out.MessageId = sent[0].id;
  out.MD5OfMessageBody = digests.body;
  out.MD5OfMessageAttributes = digests.attributes;
  out.MD5OfMessageSystemAttributes = digests.system_attributes;
  if (queue->queue.fifo) out.SequenceNumber = sequence_text(sent[0].sequence);
  co_return out;
}

async::Task<SendMessageBatchResult> Sqs::SendMessageBatch(const wire::Call& call, SendMessageBatchRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  check_batch_ids(ids_of(r.Entries));
  std::size_t bytes = 0;
  SendMessageBatchResult out;
  std::vector<Outgoing> messages;
  std::vector<SendMessageBatchResultEntry> entries;
  std::vector<BatchResultErrorEntry> failed;
  for (auto& entry : r.Entries) {
    bytes += entry.MessageBody.size();
    if (!entry.MessageAttributes) continue;
    for (const auto& [name, value] : *entry.MessageAttributes)
      bytes +=
          name.size() + value.DataType.size() + value.StringValue.value_or("").size() + value.BinaryValue.value_or("").size();
  }
  if (bytes > kMaxMessageBytes)
    throw BatchRequestTooLong(
        fmt::format("Batch requests cannot be longer than {} bytes. You have sent {} bytes.", kMaxMessageBytes, bytes));
  for (auto& entry : r.Entries) {
    if (queue->queue.fifo && !entry.MessageGroupId) invalid_parameter("The request must contain the parameter MessageGroupId.");
    if (queue->queue.fifo && !entry.MessageDeduplicationId && !queue->queue.content_deduplication)
      invalid_parameter(
          "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
    try {
      auto message = outgoing_of(entry, sender_id(call));
      check_outgoing(queue->queue, message, delay_of(entry.DelaySeconds));
      const Digests digests(message);
      auto& done = entries.emplace_back();
      done.Id = entry.Id;
      done.MD5OfMessageBody = digests.body;
      done.MD5OfMessageAttributes = digests.attributes;
      done.MD5OfMessageSystemAttributes = digests.system_attributes;
      trace(message, call);
      messages.push_back(std::move(message));
    } catch (const wire::Fault& fault) {
      failed.push_back(failure(entry.Id, fault));
    }
  }
  std::vector<std::string> groups;
  for (const auto& message : messages) groups.push_back(message.group);
  admit(*state_, *queue, Quota::Action::send, groups);
  count(*state_, *queue, bytes);
  if (!messages.empty()) {
    const auto sent = co_await send(state_, queue, std::move(messages));
    for (std::size_t i = 0; i < sent.size(); ++i) {
      entries[i].MessageId = sent[i].id;
      if (queue->queue.fifo) entries[i].SequenceNumber = sequence_text(sent[i].sequence);
    }
  }
  out.Successful = std::move(entries);
  out.Failed = std::move(failed);
  co_return out;
}

async::Task<ReceiveMessageResult> Sqs::ReceiveMessage(const wire::Call& call, ReceiveMessageRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  Ask ask;
  const auto number = r.MaxNumberOfMessages.value_or(1);
  if (number < 1 || number > static_cast<std::int32_t>(kMaxBatch))
    invalid_value(std::to_string(number), "MaxNumberOfMessages", "Must be between 1 and 10, if provided.");
  ask.count = static_cast<std::size_t>(number);
  ask.wait = r.WaitTimeSeconds ? seconds_between(*r.WaitTimeSeconds, 0, 20, "WaitTimeSeconds") : queue->queue.wait;
  if (r.VisibilityTimeout) ask.visibility = visibility_ms(*r.VisibilityTimeout);
  if (r.ReceiveRequestAttemptId) {
    if (!queue->queue.fifo)
      invalid_value(*r.ReceiveRequestAttemptId, "ReceiveRequestAttemptId",
                    "The request includes a parameter that is not valid for this queue type.");
    check_identifier(*r.ReceiveRequestAttemptId, "ReceiveRequestAttemptId");
    ask.attempt = *r.ReceiveRequestAttemptId;
  }
  const auto asked = asked_attributes(r);
  const auto user_asked = r.MessageAttributeNames.value_or(std::vector<std::string>{});
  admit(*state_, *queue, Quota::Action::receive);

  auto messages = co_await sqs::receive(state_, queue, std::move(ask));
  ReceiveMessageResult out;
  std::size_t bytes = 0;
  for (auto& message : messages) {
    bytes += message_bytes(message.message.body, message.message.attributes);
    if (!out.Messages) out.Messages.emplace();
    out.Messages->push_back(message_of(message, asked, user_asked));
  }
  count(*state_, *queue, bytes);
  co_return out;
}

async::Task<> Sqs::DeleteMessage(const wire::Call& call, DeleteMessageRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  admit(*state_, *queue, Quota::Action::remove);
  count(*state_, *queue, 0);
  const std::vector<std::string> handles{r.ReceiptHandle};  // GCC 12 takes no braced list in a co_await
  const auto settled = co_await sqs::remove(state_, queue, handles);
  if (settled[0]) throw *settled[0];
}

async::Task<DeleteMessageBatchResult> Sqs::DeleteMessageBatch(const wire::Call& call, DeleteMessageBatchRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  check_batch_ids(ids_of(r.Entries));
  admit(*state_, *queue, Quota::Action::remove);
  count(*state_, *queue, 0);
  std::vector<std::string> handles;
  for (const auto& entry : r.Entries) handles.push_back(entry.ReceiptHandle);
  const auto settled = co_await sqs::remove(state_, queue, std::move(handles));
  co_return result_of<DeleteMessageBatchResult>(r.Entries, settled);
}

async::Task<> Sqs::ChangeMessageVisibility(const wire::Call& call, ChangeMessageVisibilityRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  admit(*state_, *queue, Quota::Action::hold);
  count(*state_, *queue, 0);
  const std::vector<Hold> holds{{r.ReceiptHandle, r.VisibilityTimeout}};
  const auto settled = co_await sqs::hold(state_, queue, holds);
  if (settled[0]) throw *settled[0];
}

async::Task<ChangeMessageVisibilityBatchResult> Sqs::ChangeMessageVisibilityBatch(const wire::Call& call,
                                                                                  ChangeMessageVisibilityBatchRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  check_batch_ids(ids_of(r.Entries));
  admit(*state_, *queue, Quota::Action::hold);
  count(*state_, *queue, 0);
  std::vector<Hold> holds;
  for (const auto& entry : r.Entries) holds.push_back({entry.ReceiptHandle, entry.VisibilityTimeout.value_or(0)});
  const auto settled = co_await sqs::hold(state_, queue, std::move(holds));
  co_return result_of<ChangeMessageVisibilityBatchResult>(r.Entries, settled);
}

}  // namespace lambari::sqs
