// Topics: create, delete, attributes, list.
#include <fmt/format.h>

#include "base/bytes.h"
#include "services/sns/keys.h"
#include "services/sns/retries.h"
#include "services/sns/state.h"

namespace lambari::sns {

using namespace aws::sns;

namespace {

constexpr std::size_t kPage = 100;

Texts tags_of(const std::optional<std::vector<Tag>>& tags) {
  Texts out;
  if (tags)
    for (const auto& tag : *tags)
      if (!out.emplace(tag.Key, tag.Value).second) invalid("Duplicated keys are not allowed.");
  return out;
}

}  // namespace

async::Task<CreateTopicResponse> Sns::CreateTopic(const wire::Call& call, CreateTopicInput request) {
  Topic topic{{call.account, call.region, request.Name}, {}, tags_of(request.Tags)};
  const auto asked = request.Attributes.value_or(Texts{});
  check_topic_name(request.Name, asked);
  if (request.DataProtectionPolicy) invalid("DataProtectionPolicy is not supported by lambari yet.");
  check_tags(topic.tags);
  for (const auto& [name, value] : asked) {
    if (name == "FifoTopic") continue;
    if (auto kept = check_topic_attribute(topic.name, name, value)) topic.attributes.emplace(name, *kept);
  }
  co_await state_->d.store.commit([&](store::Transaction& t) {
    if (const auto bytes = t.get(keys::topic(topic.name))) {
      const auto there = decode_topic(*bytes, topic.name);
      for (const auto& [name, value] : topic.attributes)
        if (there.get(name) != value) invalid("Attributes Reason: Topic already exists with different attributes");
      if (request.Tags && there.tags != topic.tags) invalid("Tags Reason: Topic already exists with different tags");
      return;
    }
    put(t, topic);
  });
  state_->audiences.refresh(topic.name);
  co_return CreateTopicResponse{topic.name.arn()};
}

async::Task<> Sns::DeleteTopic(const wire::Call& call, DeleteTopicInput request) {
  const auto name = require_arn(request.TopicArn);
  co_await state_->d.store.commit([&](store::Transaction& t) {
    if (!t.get(keys::topic(name))) return;  // deleting what is not there succeeds
    t.erase(keys::topic(name));
    t.erase(keys::deleted(name));
    t.erase(keys::sequence(name));
    for (const auto& prefix :
         {keys::subscriptions(name), keys::endpoints(name), keys::all_ended(name), keys::dedups(name), keys::dedups_due(name)})
      t.erase(store::prefix_range(prefix));
  });
  state_->audiences.forget(name);
}

async::Task<GetTopicAttributesResponse> Sns::GetTopicAttributes(const wire::Call& call, GetTopicAttributesInput request) {
  const auto name = require_arn(request.TopicArn);
  const auto reader = state_->d.store.read();
  const auto topic = require_topic(*reader, name);
  const auto counts = state_->audiences.counts(name);
  Texts out = topic.attributes;
  out["TopicArn"] = name.arn();
  out["Owner"] = name.account;
  out["SubscriptionsConfirmed"] = std::to_string(counts.confirmed);
  out["SubscriptionsPending"] = std::to_string(counts.pending);
  out["SubscriptionsDeleted"] = reader->get(keys::deleted(name)).value_or("0");
  out.try_emplace("DisplayName", "");
  out.try_emplace("Policy", default_policy(name));
  out["EffectiveDeliveryPolicy"] = effective_topic_policy(topic.get("DeliveryPolicy"));
  if (name.fifo()) {
    out["FifoTopic"] = "true";
    out.try_emplace("ContentBasedDeduplication", "false");
    out.try_emplace("FifoThroughputScope", "Topic");
  }
  co_return GetTopicAttributesResponse{std::move(out)};
}

async::Task<> Sns::SetTopicAttributes(const wire::Call& call, SetTopicAttributesInput request) {
  const auto name = require_arn(request.TopicArn);
  const auto kept = check_topic_attribute(name, request.AttributeName, request.AttributeValue.value_or(""));
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto topic = require_topic(t, name);
    if (kept)
      topic.attributes[request.AttributeName] = *kept;
    else
      topic.attributes.erase(request.AttributeName);
    put(t, topic);
  });
  state_->audiences.refresh(name);
}

async::Task<ListTopicsResponse> Sns::ListTopics(const wire::Call& call, ListTopicsInput request) {
  auto range = store::prefix_range(keys::topics(call.account, call.region));
  if (request.NextToken && !request.NextToken->empty()) {
    const auto key = base::unbase64url(*request.NextToken);
    if (!key || !key->starts_with(range.begin)) invalid("NextToken");
    range.begin = keys::after(*key);
  }
  ListTopicsResponse out;
  out.Topics.emplace();
  const auto rows = state_->d.store.read()->scan(range, kPage + 1);
  for (const auto& row : rows) {
    if (out.Topics->size() == kPage) {
      out.NextToken = base::base64url(rows[kPage - 1].key);
      break;
    }
    TopicName name;
    if (keys::read_topic(row.key, name)) out.Topics->push_back({name.arn()});
  }
  co_return out;
}

}  // namespace lambari::sns
