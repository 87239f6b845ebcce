// What SNS accepts, in AWS's words. Pure: each throws the fault that the API answers.
//   https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html API_Subscribe.html API_Publish.html
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/sns/types.h"
#include "services/sns/model.h"

namespace lambari::sns {

inline constexpr std::size_t kMaxMessage = 256 * 1024;  // of a message with its attributes, and of a batch
inline constexpr std::size_t kMaxBatch = 10;
inline constexpr std::size_t kMaxTags = 50;
inline constexpr std::int64_t kDeduplication = 5 * 60 * 1000;          // ms
inline constexpr std::int64_t kConfirmation = 2 * 24 * 3600 * 1000LL;  // ms that a subscription may wait to be confirmed

[[noreturn]] void invalid(std::string_view what);  // InvalidParameter, "Invalid parameter: " before it

// ---- topics ----
void check_topic_name(const std::string& name, const Texts& attributes);
// `value` as it is to be kept; nothing: the attribute goes back to its default.
std::optional<std::string> check_topic_attribute(const TopicName& topic, const std::string& name, const std::string& value);
std::string default_policy(const TopicName& topic);
void check_tags(const Texts& tags);

// ---- subscriptions ----
void check_endpoint(const TopicName& topic, const std::string& protocol, const std::string& endpoint);
// All attributes of a subscription together, after a change.
void check_subscription_attributes(const std::string& protocol, const Texts& attributes, bool subscribing);
bool known_subscription_attribute(const std::string& name);
// Phone numbers as E.164 has them.
bool is_phone_number(std::string_view text);

// ---- messages ----
// What Publish and an entry of PublishBatch have in common.
struct Published {
  std::string message;
  std::optional<std::string> subject, structure, deduplication_id, group;
  std::optional<std::map<std::string, aws::sns::MessageAttributeValue>> attributes;
};
std::size_t size_of(const Published& published);
// `topic` is nullptr for a phone number. Without id, sequence and time.
Message message_from(const Published& published, const Topic* topic);

}  // namespace lambari::sns
