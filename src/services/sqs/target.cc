// Queues as other rooms see them: a place where parcels are left, and a source of events.
//   https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "services/sqs/rules.h"
#include "services/sqs/service.h"

namespace lambari::sqs {

namespace json = base::json;
using contracts::Delivery;

namespace {

constexpr std::size_t kReceivedAtOnce = 100;
constexpr std::size_t kMostReceived = 10'000;

std::string account_of(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  return parts.size() > 4 ? std::string(parts[4]) : std::string();
}

async::Task<contracts::Decision> may(Shared state, contracts::Principal who, std::string action, QueueRef queue,
                                     std::string source_arn = {}) {
  contracts::AccessRequest request{std::move(action), {queue->arn}, {}, queue->queue.policy};
  if (!source_arn.empty()) {
    request.context["aws:SourceArn"] = {source_arn};
    if (auto account = account_of(source_arn); !account.empty()) request.context["aws:SourceAccount"] = {account};
  }
  co_return co_await state->d.authorizer.authorize(who, request);
}

async::Task<QueueRef> as_caller(Shared state, contracts::Principal caller, std::string action, std::string arn) {
  const auto name = parse_queue_arn(arn);
  if (!name) throw aws::sqs::QueueDoesNotExist("The specified queue does not exist.");
  auto queue = require_queue(*state, *name);
  const auto decision = co_await may(state, std::move(caller), std::move(action), queue);
  if (!decision.allowed) throw wire::Fault("AccessDenied", decision.reason, 403);
  co_return queue;
}

json::object attributes_of(const Attributes& attributes) {
  json::object out;
  for (const auto& [name, attribute] : attributes) {
    json::object value;
    if (base::cut(attribute.data_type, '.').first == "Binary") {
      value["binaryValue"] = base::base64(attribute.value);
    } else {
      value["stringValue"] = attribute.value;
    }
    value["stringListValues"] = json::array{};
    value["binaryListValues"] = json::array{};
    value["dataType"] = attribute.data_type;
    out[name] = std::move(value);
  }
  return out;
}

contracts::SourceMessage source_message(const Loaded& queue, Received r) {
  json::object shown;
  for (auto& [name, value] : system_attributes(r)) shown[name] = value;
  json::object record{{"messageId", r.message.id},
                      {"receiptHandle", r.handle},
                      {"body", r.message.body},
                      {"attributes", std::move(shown)},
                      {"messageAttributes", attributes_of(r.message.attributes)}};
  if (!r.message.attributes.empty()) record["md5OfMessageAttributes"] = attributes_md5(r.message.attributes);
  record["md5OfBody"] = md5_hex(r.message.body);
  record["eventSource"] = "aws:sqs";
  record["eventSourceARN"] = queue.arn;
  record["awsRegion"] = queue.name.region;
  return {r.message.id, r.handle, queue.queue.fifo ? r.message.group : std::string(), base::to_json(record),
          r.message.trace_header};
}

Delivery refused(std::string code, std::string message, int status) {
  return {Delivery::Kind::refused, std::move(code), std::move(message), status};
}

}  // namespace

async::Task<Delivery> Sqs::deliver(contracts::Parcel parcel) {
  try {
    const auto name = parse_queue_arn(parcel.target);
    auto queue = name ? find_queue(*state_, *name) : nullptr;
    if (!queue) co_return refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", 400);
    const auto decision = co_await may(state_, parcel.sender, "sqs:SendMessage", queue, parcel.source_arn);
    if (!decision.allowed) co_return refused("AccessDenied", decision.reason, 403);

    std::vector<Outgoing> messages(1);
    auto& message = messages.front();
    message.body = std::move(parcel.body);
    message.attributes = std::move(parcel.attributes);
    message.group = std::move(parcel.group_id);
    message.trace_header = std::move(parcel.trace_header);
    message.sender = parcel.sender.user_id.empty() ? parcel.sender.arn : parcel.sender.user_id;
    // A second attempt at the same parcel is the same message; a standard queue may get it twice.
    if (queue->queue.fifo) message.deduplication_id = parcel.deduplication_id.empty() ? parcel.id : parcel.deduplication_id;
    check_outgoing(queue->queue, message, std::nullopt);
    state_->d.meter.count("sqs", "Request", queue->arn, 1 + message_bytes(message.body, message.attributes) / (64 << 10));
    co_await send(state_, queue, std::move(messages));
    co_return Delivery{};
  } catch (const wire::Fault& fault) {
    co_return refused(fault.query_code().empty() ? fault.code() : std::string(fault.query_code()), fault.message(),
                      fault.status());
  } catch (const std::exception& error) {
    base::log_warn("a message does not reach its queue now", {{"queue", parcel.target}, {"error", error.what()}});
    co_return Delivery{Delivery::Kind::try_again, "ServiceUnavailable",
                       "The request has failed due to a temporary failure of the server.", 503};
  }
}

async::Task<std::optional<contracts::SourceQueue>> Sqs::describe(const std::string& queue_arn) {
  const auto name = parse_queue_arn(queue_arn);
  const auto queue = name ? find_queue(*state_, *name) : nullptr;
  if (!queue) co_return std::nullopt;
  co_return contracts::SourceQueue{queue->queue.fifo, std::chrono::seconds(queue->queue.visibility / kSecond)};
}

async::Task<std::vector<contracts::SourceMessage>> Sqs::receive(contracts::Principal caller, std::string queue_arn,
                                                                std::size_t count, std::chrono::milliseconds wait) {
  const auto queue = co_await as_caller(state_, std::move(caller), "sqs:ReceiveMessage", std::move(queue_arn));
  count = std::min(count, kMostReceived);
  std::vector<contracts::SourceMessage> out;
  while (out.size() < count) {
    Ask ask;
    ask.count = std::min(count - out.size(), kReceivedAtOnce);
    if (out.empty()) ask.wait = wait.count();
    auto some = co_await sqs::receive(state_, queue, std::move(ask));
    state_->d.meter.count("sqs", "Request", queue->arn, std::max<std::size_t>(1, (some.size() + kMaxBatch - 1) / kMaxBatch));
    if (some.empty()) break;
    for (auto& received : some) out.push_back(source_message(*queue, std::move(received)));
  }
  co_return out;
}

async::Task<> Sqs::remove(contracts::Principal caller, std::string queue_arn, std::vector<std::string> handles) {
  const auto queue = co_await as_caller(state_, std::move(caller), "sqs:DeleteMessage", std::move(queue_arn));
  state_->d.meter.count("sqs", "Request", queue->arn, (handles.size() + kMaxBatch - 1) / kMaxBatch);
  co_await sqs::remove(state_, queue, std::move(handles));
}

async::Task<> Sqs::hold(contracts::Principal caller, std::string queue_arn, std::vector<std::string> handles,
                        std::chrono::seconds timeout) {
  const auto queue = co_await as_caller(state_, std::move(caller), "sqs:ChangeMessageVisibility", std::move(queue_arn));
  state_->d.meter.count("sqs", "Request", queue->arn, (handles.size() + kMaxBatch - 1) / kMaxBatch);
  std::vector<Hold> holds;
  for (auto& handle : handles) holds.push_back({std::move(handle), timeout.count()});
  co_await sqs::hold(state_, queue, std::move(holds));
}

}  // namespace lambari::sqs
