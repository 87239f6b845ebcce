// Publishing. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html, API_PublishBatch.html, and for FIFO topics
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/ids.h"
#include "base/text.h"
#include "services/sns/fan.h"
#include "services/sns/keys.h"
#include "services/sns/mail.h"
#include "services/sns/state.h"

namespace lambari::sns {

using namespace aws::sns;

namespace {

constexpr std::size_t kForgottenAtOnce = 4;  // expired deduplication ids that a publish clears away

std::string next_sequence(store::Transaction& t, const TopicName& topic) {
  const auto last = t.get(keys::sequence(topic));
  const auto number = (last ? base::parse_int(*last).value_or(0) : 0) + 1;
  t.put(keys::sequence(topic), std::to_string(number));
  return fmt::format("1{:019}", number * 1'000);  // twenty digits, as AWS has it
}

struct Seen {
  std::int64_t until = 0;
  Receipt receipt;
};

std::optional<Seen> seen(store::Transaction& t, const TopicName& topic, const std::string& scope, const std::string& id) {
  const auto bytes = t.get(keys::dedup(topic, scope, id));
  if (!bytes) return std::nullopt;
  const auto parts = base::split(*bytes, ' ');
  if (parts.size() != 3) return std::nullopt;
  return Seen{base::parse_int(parts[0]).value_or(0), {std::string(parts[1]), std::string(parts[2])}};
}

void forget_expired(store::Transaction& t, const TopicName& topic, std::int64_t now) {
  for (const auto& row : t.scan({keys::dedups_due(topic), keys::dedups_due(topic, now + 1)}, kForgottenAtOnce)) {
    std::string scope, id;
    t.erase(row.key);
    if (!keys::read_dedup_due(row.key, scope, id)) continue;
    if (const auto there = seen(t, topic, scope, id); there && there->until <= now) t.erase(keys::dedup(topic, scope, id));
  }
}

// True when it is new; else `receipt` is the earlier one's.
bool admit(store::Transaction& t, const Topic& topic, Message& message, std::int64_t now, Receipt& receipt) {
  const std::string scope = topic.get("FifoThroughputScope") == "MessageGroup" ? message.group : "";
  if (const auto earlier = seen(t, topic.name, scope, message.deduplication_id); earlier && earlier->until > now) {
    receipt = earlier->receipt;
    return false;
  }
  message.sequence = next_sequence(t, topic.name);
  receipt.sequence = message.sequence;
  const auto until = now + kDeduplication;
  t.put(keys::dedup(topic.name, scope, message.deduplication_id), fmt::format("{} {} {}", until, message.id, message.sequence));
  t.put(keys::dedup_due(topic.name, until, scope, message.deduplication_id), "");
  return true;
}

void count_request(State& state, const std::string& topic, std::size_t bytes) {
  state.d.meter.count("sns", "Requests-Tier1", topic, (bytes + 65'535) / 65'536);
}

Published published_of(PublishInput& r) {
  return {std::move(r.Message),          std::move(r.Subject),
          std::move(r.MessageStructure), std::move(r.MessageDeduplicationId),
          std::move(r.MessageGroupId),   std::move(r.MessageAttributes)};
}

Published published_of(PublishBatchRequestEntry& r) {
  return {std::move(r.Message),          std::move(r.Subject),
          std::move(r.MessageStructure), std::move(r.MessageDeduplicationId),
          std::move(r.MessageGroupId),   std::move(r.MessageAttributes)};
}

// To a phone: into the local outbox.
async::Task<PublishResponse> publish_sms(std::shared_ptr<State> state, Published published, std::string number) {
  if (!is_phone_number(number)) invalid("PhoneNumber Reason: " + number + " is not valid to publish to");
  auto message = message_from(published, nullptr);
  message.id = base::uuid();
  std::string sender;
  if (const auto id = message.attributes.find("AWS.SNS.SMS.SenderID"); id != message.attributes.end()) sender = id->second.value;
  const Mail mail{"sms", number, sender, "", message.body_for("sms"), "", message.id, state->d.clock.now()};
  co_await state->d.store.commit([&](store::Transaction& t) { put_mail(t, mail); });
  state->d.meter.count("sns", "DeliveryAttempts-SMS", "", 1);
  co_return PublishResponse{message.id, std::nullopt};
}

void check_batch(const PublishBatchInput& request) {
  const auto& entries = request.PublishBatchRequestEntries;
  if (entries.empty()) throw EmptyBatchRequestException("The batch request doesn't contain any entries.");
  if (entries.size() > kMaxBatch)
    throw TooManyEntriesInBatchRequestException("The batch request contains more entries than permissible.");
  std::set<std::string> ids;
  for (const auto& entry : entries) {
    const bool good =
        !entry.Id.empty() && entry.Id.size() <= 80 &&
        std::all_of(entry.Id.begin(), entry.Id.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
    if (!good)
      throw InvalidBatchEntryIdException("The Id of a batch entry in a batch request doesn't abide by the specification.");
    if (!ids.insert(entry.Id).second)
      throw BatchEntryIdsNotDistinctException("Two or more batch entries in the request have the same Id.");
  }
}

}  // namespace

async::Task<std::vector<Receipt>> publish(std::shared_ptr<State> state, TopicName name, std::vector<Message> messages) {
  const auto now = state->d.clock.now();
  std::vector<Recipients> recipients;
  for (auto& message : messages) {
    message.id = base::uuid();
    message.topic = name.arn();
    message.time = now;
    recipients.push_back(state->audiences.recipients(name, message, {}, kDirect + 1));
  }
  std::vector<delivery::Outbox::Added> added;
  auto receipts = co_await state->d.store.transact([&](store::Transaction& t) {
    added.clear();
    std::vector<Receipt> out;
    const auto topic = require_topic(t, name);
    if (name.fifo()) forget_expired(t, name, now.ms);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      auto& receipt = out.emplace_back(Receipt{messages[i].id, {}});
      if (name.fifo() && !admit(t, topic, messages[i], now.ms, receipt)) continue;
      owe(*state, t, messages[i], recipients[i], added);
    }
    return out;
  });
  state->outbox.wake(added);
  co_return receipts;
}

async::Task<PublishResponse> Sns::Publish(const wire::Call& call, PublishInput request) {
  const int targets = (request.TopicArn ? 1 : 0) + (request.TargetArn ? 1 : 0) + (request.PhoneNumber ? 1 : 0);
  if (targets == 0) invalid("TopicArn or TargetArn Reason: no value for required parameter");
  if (targets > 1) invalid("TopicArn, TargetArn and PhoneNumber are mutually exclusive");
  if (request.PhoneNumber) {
    const auto number = *request.PhoneNumber;
    co_return co_await publish_sms(state_, published_of(request), number);
  }
  const auto arn = request.TopicArn ? *request.TopicArn : *request.TargetArn;
  if (arn.find(":endpoint/") != arn.npos) invalid("TargetArn Reason: No endpoint found for the target arn specified");
  const auto name = require_arn(arn);
  const auto topic = state_->audiences.topic(name);
  if (!topic) throw NotFoundException("Topic does not exist");
  const auto published = published_of(request);
  std::vector<Message> messages{message_from(published, topic.get())};
  messages[0].trace_header = call.trace_header;
  count_request(*state_, arn, size_of(published));
  const auto receipts = co_await publish(state_, name, std::move(messages));
  PublishResponse out{receipts[0].message_id, std::nullopt};
  if (!receipts[0].sequence.empty()) out.SequenceNumber = receipts[0].sequence;
  co_return out;
}

async::Task<PublishBatchResponse> Sns::PublishBatch(const wire::Call& call, PublishBatchInput request) {
  const auto name = require_arn(request.TopicArn);
  check_batch(request);
  const auto topic = state_->audiences.topic(name);
  if (!topic) throw NotFoundException("Topic does not exist");

  PublishBatchResponse out;
  out.Successful.emplace();
  out.Failed.emplace();
  std::vector<Message> messages;
  std::vector<std::string> ids;
  std::size_t bytes = 0;
  std::vector<Published> all;
  for (auto& entry : request.PublishBatchRequestEntries) {
    ids.push_back(entry.Id);
    all.push_back(published_of(entry));
    bytes += size_of(all.back());
  }
  if (bytes > kMaxMessage)
    throw BatchRequestTooLongException("The length of all the batch messages put together is more than the limit.");
  std::vector<std::string> accepted;
  for (std::size_t i = 0; i < all.size(); ++i) {
    try {
      messages.push_back(message_from(all[i], topic.get()));
      messages.back().trace_header = call.trace_header;
      accepted.push_back(ids[i]);
    } catch (const wire::Fault& fault) {
      out.Failed->push_back({ids[i], fault.code(), fault.message(), fault.senders()});
    }
  }
  if (messages.empty()) co_return out;
  count_request(*state_, request.TopicArn, bytes);
  const auto receipts = co_await publish(state_, name, std::move(messages));
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    PublishBatchResultEntry entry{accepted[i], receipts[i].message_id, std::nullopt};
    if (!receipts[i].sequence.empty()) entry.SequenceNumber = receipts[i].sequence;
    out.Successful->push_back(std::move(entry));
  }
  co_return out;
}

}  // namespace lambari::sns
