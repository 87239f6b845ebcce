#include "services/sns/audience.h"

#include <algorithm>

#include "base/log.h"
#include "lang/filter_policy.h"
#include "services/sns/keys.h"

namespace lambari::sns {
namespace {

constexpr std::size_t kTopics = 2'000;  // kept in memory
constexpr std::size_t kScan = 1'000;

}  // namespace

base::json::object filter_event(const std::map<std::string, contracts::MessageAttribute>& attributes) {
  base::json::object event;
  for (const auto& [name, attribute] : attributes) {
    if (attribute.data_type.starts_with("Binary")) continue;
    if (attribute.data_type == "String.Array" || attribute.data_type.starts_with("Number")) {
      if (auto value = base::parse_json(attribute.value, 8)) event[name] = *std::move(value);
    } else {
      event[name] = attribute.value;
    }
  }
  return event;
}

struct Audiences::Audience {
  std::shared_mutex mutex;
  std::shared_ptr<const Topic> topic;
  // By slot; the automata know subscriptions by it.
  std::vector<std::shared_ptr<const Subscription>> slots;
  std::vector<std::size_t> free;
  std::unordered_map<std::string, std::size_t> by_id;
  lang::EventPatternSet on_attributes, on_body;
  std::map<std::string, std::size_t> unfiltered;  // id -> slot, confirmed
  std::size_t pending = 0;

  void put(Subscription row) {
    remove(row.name.id);
    std::size_t slot = slots.size();
    if (!free.empty()) {
      slot = free.back();
      free.pop_back();
    } else {
      slots.emplace_back();
    }
    by_id[row.name.id] = slot;
    if (row.pending) {
      ++pending;
    } else {
      const bool body = row.get("FilterPolicyScope") == "MessageBody";
      std::optional<lang::EventPattern> filter;
      try {
        if (const auto policy = row.get("FilterPolicy"); !policy.empty())
          filter = lang::parse_filter_policy(policy, body ? lang::FilterScope::body : lang::FilterScope::attributes);
      } catch (const lang::EventPatternError& error) {  // was accepted once
        base::log_error("a filter policy cannot be read", {{"subscription", row.name.arn()}, {"why", error.what()}});
      }
      if (filter)
        (body ? on_body : on_attributes).add(slot, *filter);
      else
        unfiltered.emplace(row.name.id, slot);
    }
    slots[slot] = std::make_shared<const Subscription>(std::move(row));
  }

  void remove(const std::string& id) {
    auto found = by_id.find(id);
    if (found == by_id.end()) return;
    const auto slot = found->second;
    if (slots[slot]->pending) --pending;
    on_attributes.remove(slot);
    on_body.remove(slot);
    unfiltered.erase(id);
    slots[slot] = nullptr;
    free.push_back(slot);
    by_id.erase(found);
  }
};

std::shared_ptr<Audiences::Audience> Audiences::loaded(const TopicName& name) {
  const std::lock_guard lock(mutex_);
  auto found = all_.find(name);
  return found == all_.end() ? nullptr : found->second;
}

std::shared_ptr<Audiences::Audience> Audiences::of(const TopicName& name) {
  std::shared_ptr<Audience> audience;
  std::unique_lock<std::shared_mutex> loading;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = all_[name];
    if (slot) return slot;
    slot = audience = std::make_shared<Audience>();
    loading = std::unique_lock(audience->mutex);  // who finds it in the table waits until it is read
    while (all_.size() > kTopics) {
      auto victim = all_.begin();
      if (victim->second == audience) ++victim;
      all_.erase(victim);
    }
  }
  auto reader = store_.read();
  if (auto bytes = reader->get(keys::topic(name))) {
    audience->topic = std::make_shared<const Topic>(decode_topic(*bytes, name));
    auto range = store::prefix_range(keys::subscriptions(name));
    for (;;) {
      const auto rows = reader->scan(range, kScan);
      for (const auto& row : rows) {
        SubscriptionName subscription;
        if (keys::read_subscription(row.key, subscription)) audience->put(decode_subscription(row.value, subscription));
      }
      if (rows.size() < kScan) break;
      range.begin = keys::after(rows.back().key);
    }
  }
  return audience;
}

std::shared_ptr<const Topic> Audiences::topic(const TopicName& name) {
  auto audience = of(name);
  std::shared_ptr<const Topic> topic;
  {
    const std::shared_lock lock(audience->mutex);
    topic = audience->topic;
  }
  if (!topic) forget(name);  // names that do not exist are not collected
  return topic;
}

Recipients Audiences::recipients(const TopicName& name, const Message& message, const std::string& after, std::size_t limit) {
  auto audience = of(name);
  const std::shared_lock lock(audience->mutex);
  Recipients out;
  for (auto it = audience->unfiltered.upper_bound(after); it != audience->unfiltered.end() && out.size() < limit; ++it)
    out.push_back(audience->slots[it->second]);
  const auto plain = out.size();
  const auto add = [&](std::size_t slot) {
    if (audience->slots[slot]->name.id > after) out.push_back(audience->slots[slot]);
  };
  if (audience->on_attributes.size() > 0)
    for (const auto slot : audience->on_attributes.match(filter_event(message.attributes))) add(slot);
  if (audience->on_body.size() > 0)
    if (auto body = base::parse_json(message.body))
      for (const auto slot : audience->on_body.match(*body)) add(slot);
  if (out.size() > plain) std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->name.id < b->name.id; });
  if (out.size() > limit) out.resize(limit);
  return out;
}

Audiences::Counts Audiences::counts(const TopicName& name) {
  auto audience = of(name);
  const std::shared_lock lock(audience->mutex);
  return {audience->by_id.size() - audience->pending, audience->pending};
}

void Audiences::refresh(const TopicName& name) {
  auto audience = loaded(name);
  if (!audience) return;
  const std::unique_lock lock(audience->mutex);
  auto bytes = store_.read()->get(keys::topic(name));
  audience->topic = bytes ? std::make_shared<const Topic>(decode_topic(*bytes, name)) : nullptr;
}

void Audiences::refresh(const SubscriptionName& name) {
  auto audience = loaded(name.topic);
  if (!audience) return;
  const std::unique_lock lock(audience->mutex);
  if (auto bytes = store_.read()->get(keys::subscription(name)))
    audience->put(decode_subscription(*bytes, name));
  else
    audience->remove(name.id);
}

void Audiences::forget(const TopicName& name) {
  const std::lock_guard lock(mutex_);
  all_.erase(name);
}

void Audiences::clear() {
  const std::lock_guard lock(mutex_);
  all_.clear();
}

}  // namespace lambari::sns
