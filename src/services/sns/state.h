// What the parts of the room share.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "delivery/outbox.h"
#include "services/sns/audience.h"
#include "services/sns/rules.h"
#include "services/sns/service.h"
#include "services/sns/signer.h"

namespace lambari::sns {

struct State {
  explicit State(Dependencies dependencies);

  Dependencies d;
  Audiences audiences;
  Signer signer;
  delivery::Outbox outbox;

  std::weak_ptr<State> owner;  // this, for the attempts of the outbox

  // When the next request to an HTTP endpoint with a maximum rate may go, by subscription.
  std::mutex pace_mutex;
  std::unordered_map<std::string, std::int64_t> pace;  // guarded by pace_mutex
};

// ---- rows.cc ----
TopicName require_arn(const std::string& arn);                      // "Invalid parameter: TopicArn"
Topic require_topic(store::Reader& reader, const TopicName& name);  // NotFound
SubscriptionName require_subscription_arn(const std::string& arn);
Subscription require_subscription(store::Reader& reader, const SubscriptionName& name);
std::optional<Subscription> find_subscription(store::Reader& reader, const SubscriptionName& name);
void put(store::Transaction& t, const Topic& topic);
void put(store::Transaction& t, const Subscription& subscription);
void erase(store::Transaction& t, const Subscription& subscription);  // with its index, and counted
std::string public_url(const State& state);
std::string unsubscribe_url(const State& state, const SubscriptionName& name);

// ---- parcels.cc: what the outbox's items say ----
std::string lane_of(const Subscription& subscription, const Message& message);
std::string notification_payload(const SubscriptionName& to, const Message& message);
std::string shared_payload(const SubscriptionName& to, const std::string& message_id);
std::string fan_payload(const TopicName& topic, const std::string& message_id);
std::string confirmation_payload(const SubscriptionName& to);
std::string expiry_payload(const SubscriptionName& to);
std::string farewell_payload(const SubscriptionName& to);

// ---- publish.cc ----
struct Receipt {
  std::string message_id, sequence;
};
// Commits the messages with one outbox row for each delivery. Throws NotFound.
async::Task<std::vector<Receipt>> publish(std::shared_ptr<State> state, TopicName topic, std::vector<Message> messages);

// ---- deliver.cc ----
async::Task<delivery::Verdict> deliver(std::shared_ptr<State> state, delivery::Work work);

}  // namespace lambari::sns
