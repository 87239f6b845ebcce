#include <fmt/format.h>

#include "base/text.h"
#include "services/sns/keys.h"
#include "services/sns/state.h"

namespace lambari::sns {

using aws::sns::NotFoundException;

TopicName require_arn(const std::string& arn) {
  auto name = parse_topic_arn(arn);
  if (!name) invalid("TopicArn");
  return *std::move(name);
}

Topic require_topic(store::Reader& reader, const TopicName& name) {
  const auto bytes = reader.get(keys::topic(name));
  if (!bytes) throw NotFoundException("Topic does not exist");
  return decode_topic(*bytes, name);
}

SubscriptionName require_subscription_arn(const std::string& arn) {
  auto name = parse_subscription_arn(arn);
  if (!name) invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1");
  return *std::move(name);
}

std::optional<Subscription> find_subscription(store::Reader& reader, const SubscriptionName& name) {
  const auto bytes = reader.get(keys::subscription(name));
  if (!bytes) return std::nullopt;
  return decode_subscription(*bytes, name);
}

Subscription require_subscription(store::Reader& reader, const SubscriptionName& name) {
  auto found = find_subscription(reader, name);
  if (!found) throw NotFoundException("Subscription does not exist");
  return *std::move(found);
}

void put(store::Transaction& t, const Topic& topic) { t.put(keys::topic(topic.name), encode(topic)); }

void put(store::Transaction& t, const Subscription& s) {
  t.put(keys::subscription(s.name), encode(s));
  t.put(keys::endpoint(s.name.topic, s.protocol, s.endpoint), s.name.id);
}

void erase(store::Transaction& t, const Subscription& s) {
  t.erase(keys::subscription(s.name));
  t.erase(keys::endpoint(s.name.topic, s.protocol, s.endpoint));
  const auto deleted = t.get(keys::deleted(s.name.topic));
  t.put(keys::deleted(s.name.topic), std::to_string((deleted ? base::parse_int(*deleted).value_or(0) : 0) + 1));
}

std::string public_url(const State& state) { return state.d.public_url; }

std::string unsubscribe_url(const State& state, const SubscriptionName& name) {
  return fmt::format("{}/?Action=Unsubscribe&SubscriptionArn={}", state.d.public_url, name.arn());
}

}  // namespace lambari::sns
