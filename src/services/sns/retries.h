// How often and when a delivery is tried again. Pure.
//   https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace lambari::sns {

struct RetryPhases {
  enum class Function { linear, arithmetic, geometric, exponential };
  std::int64_t min_delay = 20, max_delay = 20;  // seconds
  std::int64_t retries = 3;                     // all of them
  std::int64_t no_delay = 0, min_delay_retries = 0, max_delay_retries = 0;
  Function function = Function::linear;
};

// For SQS and Lambda, whose retries nobody can set: 100,015 times, over 23 days.
RetryPhases managed_retries();

// The delay before retry number `retry` (1 is the first); nothing when there is none any more.
std::optional<std::chrono::milliseconds> retry_delay(const RetryPhases& phases, unsigned retry);

// DeliveryPolicy, of a subscription or the "http" part of a topic's.
struct HttpPolicy {
  RetryPhases retry;
  std::int64_t receives_per_second = 0;  // 0: any number
  std::string content_type = "text/plain; charset=UTF-8";
};

struct PolicyRefused : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Throw PolicyRefused; what() is what follows "Invalid parameter: ".
void check_topic_delivery_policy(std::string_view text);
void check_subscription_delivery_policy(std::string_view text);

// The subscription's over the topic's over the default, as EffectiveDeliveryPolicy shows it. Both may be empty.
HttpPolicy effective_policy(std::string_view of_topic, std::string_view of_subscription);
// {"http": {...}} of a topic; {"healthyRetryPolicy": ...} of a subscription.
std::string effective_topic_policy(std::string_view of_topic);
std::string effective_subscription_policy(std::string_view of_topic, std::string_view of_subscription);

}  // namespace lambari::sns
