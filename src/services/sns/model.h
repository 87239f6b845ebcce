// What the room keeps, as plain values, and their bytes in the store (JSON).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "contracts/target.h"

namespace lambari::sns {

using Texts = std::map<std::string, std::string>;

struct TopicName {
  std::string account, region, name;
  auto operator<=>(const TopicName&) const = default;
  std::string arn() const { return "arn:aws:sns:" + region + ":" + account + ":" + name; }
  bool fifo() const { return name.ends_with(".fifo"); }
};

// Nothing when `arn` is not of a topic.
std::optional<TopicName> parse_topic_arn(std::string_view arn);

struct Topic {
  TopicName name;    // from the key
  Texts attributes;  // as set: Policy, DisplayName, DeliveryPolicy...
  Texts tags;
  std::string get(const std::string& attribute) const {
    auto found = attributes.find(attribute);
    return found == attributes.end() ? std::string() : found->second;
  }
};

struct SubscriptionName {
  TopicName topic;
  std::string id;
  auto operator<=>(const SubscriptionName&) const = default;
  std::string arn() const { return topic.arn() + ":" + id; }
};

std::optional<SubscriptionName> parse_subscription_arn(std::string_view arn);

struct Subscription {
  SubscriptionName name;  // from the key
  std::string protocol, endpoint;
  std::string owner;      // account
  std::string principal;  // ARN of who subscribed
  std::string token;      // of the confirmation that is awaited, or was given
  bool pending = false;
  bool authenticated = false;             // confirmed by a signed call
  bool authenticate_unsubscribe = false;  // only a signed call ends it
  base::Timestamp created;
  Texts attributes;  // RawMessageDelivery, FilterPolicy, FilterPolicyScope, DeliveryPolicy, RedrivePolicy
  std::string get(const std::string& attribute) const {
    auto found = attributes.find(attribute);
    return found == attributes.end() ? std::string() : found->second;
  }
  bool raw() const { return get("RawMessageDelivery") == "true"; }
};

struct Message {
  std::string id;
  std::string topic;  // ARN
  std::string body;   // of the protocols that have none of their own
  Texts bodies;       // by protocol (MessageStructure=json)
  std::optional<std::string> subject;
  std::map<std::string, contracts::MessageAttribute> attributes;
  std::string group, deduplication_id, sequence;  // FIFO
  std::string trace_header;
  base::Timestamp time;

  const std::string& body_for(const std::string& protocol) const {
    auto found = bodies.find(protocol);
    return found == bodies.end() ? body : found->second;
  }
};

std::string encode(const Topic& topic);
std::string encode(const Subscription& subscription);
Topic decode_topic(std::string_view bytes, TopicName name);
Subscription decode_subscription(std::string_view bytes, SubscriptionName name);
base::json::object to_object(const Message& message);
Message message_of(const base::json::object& object);

// Reading documents of our own making: what is missing is empty.
Texts texts_of(const base::json::object& object, std::string_view name);
base::json::object to_object(const Texts& texts);
base::json::object attributes_object(const std::map<std::string, contracts::MessageAttribute>& attributes);
std::map<std::string, contracts::MessageAttribute> attributes_of(const base::json::object& object);

}  // namespace lambari::sns
