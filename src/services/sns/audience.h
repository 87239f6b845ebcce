// Topics as publishing needs them: in memory, with the filters of their subscriptions compiled into one automaton.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/event_pattern.h"
#include "services/sns/model.h"
#include "store/store.h"

namespace lambari::sns {

using Recipients = std::vector<std::shared_ptr<const Subscription>>;

// Thread-safe. A topic is read from the store when first asked for; who changes a row calls refresh() or forget() after the
// commit and before it answers. What a call sees is the store as it was at that call or later.
class Audiences {
 public:
  explicit Audiences(store::Store& store) : store_(store) {}

  std::shared_ptr<const Topic> topic(const TopicName& name);  // nullptr: there is none
  // Confirmed subscriptions whose filter lets the message through, by id: at most `limit` of those after the id `after`.
  Recipients recipients(const TopicName& name, const Message& message, const std::string& after, std::size_t limit);
  struct Counts {
    std::size_t confirmed = 0, pending = 0;
  };
  Counts counts(const TopicName& name);

  void refresh(const TopicName& name);
  void refresh(const SubscriptionName& name);
  void forget(const TopicName& name);
  void clear();

 private:
  struct Audience;
  std::shared_ptr<Audience> of(const TopicName& name);
  std::shared_ptr<Audience> loaded(const TopicName& name);

  store::Store& store_;
  std::mutex mutex_;
  std::map<TopicName, std::shared_ptr<Audience>> all_;  // guarded by mutex_
};

// The event that a filter policy on attributes is asked about.
base::json::object filter_event(const std::map<std::string, contracts::MessageAttribute>& attributes);

}  // namespace lambari::sns
