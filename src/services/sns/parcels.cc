// The lanes and payloads of the outbox. A payload names a subscription and carries its message, or names the message's row where
// several deliveries share a long one; deliver.cc reads it.
#include "services/sns/state.h"

namespace lambari::sns {
namespace {

namespace json = base::json;

json::object addressed(std::string_view kind, const SubscriptionName& to) {
  return {{"kind", kind},
          {"account", to.topic.account},
          {"region", to.topic.region},
          {"topic", to.topic.name},
          {"subscription", to.id}};
}

}  // namespace

// The first letter says how the lane is worked on: 'f' in order, 'q' by many at once, 's' by few.
std::string lane_of(const Subscription& s, const Message& message) {
  const auto& topic = s.name.topic;
  const bool ordered = topic.fifo();
  std::string lane = ordered ? "f/" : s.protocol == "sqs" ? "q/" : "s/";
  for (const auto* part : {&topic.account, &topic.region, &topic.name, &s.name.id}) lane += *part + "/";
  return ordered ? lane + message.group : lane;
}

std::string notification_payload(const SubscriptionName& to, const Message& message) {
  auto object = addressed("notify", to);
  object["message"] = to_object(message);
  return base::to_json(object);
}

std::string shared_payload(const SubscriptionName& to, const std::string& message_id) {
  auto object = addressed("notify", to);
  object["row"] = message_id;
  return base::to_json(object);
}

std::string fan_payload(const TopicName& topic, const std::string& message_id) {
  auto object = addressed("fan", {topic, ""});
  object["row"] = message_id;
  return base::to_json(object);
}

std::string confirmation_payload(const SubscriptionName& to) { return base::to_json(addressed("confirm", to)); }
std::string expiry_payload(const SubscriptionName& to) { return base::to_json(addressed("expire", to)); }

std::string farewell_payload(const SubscriptionName& to) { return base::to_json(addressed("farewell", to)); }

}  // namespace lambari::sns
