// Subscriptions: from the wish to the end.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/text.h"
#include "services/sns/keys.h"
#include "services/sns/retries.h"
#include "services/sns/state.h"

namespace lambari::sns {

using namespace aws::sns;

namespace {

constexpr std::size_t kPage = 100;
constexpr std::size_t kFifoSubscriptions = 100;

// Begins with the subscription's id, so that a token finds its row.
std::string make_token(const std::string& id) {
  std::string out;
  for (char c : id)
    if (c != '-') out += c;
  return out + base::hex(base::random_bytes(96));
}

std::optional<std::string> id_of_token(const std::string& token) {
  if (token.size() != 32 + 192) return std::nullopt;
  const std::string_view id(token);
  return fmt::format("{}-{}-{}-{}-{}", id.substr(0, 8), id.substr(8, 4), id.substr(12, 4), id.substr(16, 4), id.substr(20, 12));
}

// Whoever owns the queue need not be asked; nor need functions and phones.
bool needs_confirmation(const std::string& protocol, const std::string& endpoint, const std::string& account) {
  if (protocol == "lambda" || protocol == "sms") return false;
  if (protocol != "sqs") return true;
  return base::split(endpoint, ':')[4] != account;
}

aws::sns::Subscription row_of(const Subscription& s) {
  return {s.pending ? "PendingConfirmation" : s.name.arn(), s.owner, s.protocol, s.endpoint, s.name.topic.arn()};
}

// A page of the subscriptions under `prefix`.
std::vector<aws::sns::Subscription> list(store::Store& store, const std::string& prefix, const std::optional<std::string>& token,
                                         std::optional<std::string>& next) {
  auto range = store::prefix_range(prefix);
  if (token && !token->empty()) {
    const auto key = base::unbase64url(*token);
    if (!key || !key->starts_with(prefix)) invalid("NextToken");
    range.begin = keys::after(*key);
  }
  std::vector<aws::sns::Subscription> out;
  const auto rows = store.read()->scan(range, kPage + 1);
  for (const auto& row : rows) {
    if (out.size() == kPage) {
      next = base::base64url(rows[kPage - 1].key);
      break;
    }
    SubscriptionName name;
    if (keys::read_subscription(row.key, name)) out.push_back(row_of(decode_subscription(row.value, name)));
  }
  return out;
}

void check_owner(const wire::Call& call, const Subscription& s) {
  if (call.account != s.owner && call.account != s.name.topic.account)
    throw AuthorizationErrorException("Not authorized: only the owners of the topic and of the subscription may do this");
}

}  // namespace

async::Task<SubscribeResponse> Sns::Subscribe(const wire::Call& call, SubscribeInput request) {
  const auto topic = require_arn(request.TopicArn);
  Subscription wanted;
  wanted.name = {topic, base::uuid()};
  wanted.protocol = request.Protocol;
  wanted.endpoint = request.Endpoint.value_or("");
  wanted.owner = call.account;
  wanted.principal = call.principal.arn;
  wanted.created = state_->d.clock.now();
  check_endpoint(topic, wanted.protocol, wanted.endpoint);
  for (const auto& [name, value] : request.Attributes.value_or(Texts{}))
    if (!value.empty()) wanted.attributes.emplace(name, value);
  check_subscription_attributes(wanted.protocol, wanted.attributes, true);
  wanted.pending = needs_confirmation(wanted.protocol, wanted.endpoint, call.account);
  wanted.authenticated = !wanted.pending;
  wanted.token = make_token(wanted.name.id);
  if (!state_->audiences.topic(topic)) throw NotFoundException("Topic does not exist");
  if (topic.fifo()) {
    const auto counts = state_->audiences.counts(topic);
    if (counts.confirmed + counts.pending >= kFifoSubscriptions)
      throw SubscriptionLimitExceededException("Subscription limit exceeded: a FIFO topic has at most 100 subscriptions");
  }

  std::vector<delivery::Outbox::Added> added;
  auto subscription = co_await state_->d.store.transact([&](store::Transaction& t) {
    added.clear();
    if (!t.get(keys::topic(topic))) throw NotFoundException("Topic does not exist");
    auto row = wanted;
    bool fresh = true;
    if (const auto id = t.get(keys::endpoint(topic, wanted.protocol, wanted.endpoint))) {
      if (auto there = find_subscription(t, {topic, *id})) {
        for (const auto& [name, value] : wanted.attributes)
          if (there->get(name) != value &&
              !(name == "FilterPolicyScope" && there->get(name).empty() && value == "MessageAttributes"))
            invalid("Attributes Reason: Subscription already exists with different attributes");
        if (!there->pending) return *there;
        row = *there;  // asked for once more
        fresh = false;
      }
    }
    put(t, row);
    if (row.pending) {
      added.push_back(state_->outbox.add(t, {lane_of(row, {}), state_->d.clock.now(), confirmation_payload(row.name)}));
      if (fresh) added.push_back(state_->outbox.add(t, {"expiry", {row.created.ms + kConfirmation}, expiry_payload(row.name)}));
    }
    return row;
  });
  state_->audiences.refresh(subscription.name);
  state_->outbox.wake(added);
  const bool show = !subscription.pending || request.ReturnSubscriptionArn.value_or(false);
  co_return SubscribeResponse{show ? subscription.name.arn() : "pending confirmation"};
}

async::Task<ConfirmSubscriptionResponse> Sns::ConfirmSubscription(const wire::Call& call, ConfirmSubscriptionInput request) {
  const auto topic = require_arn(request.TopicArn);
  const auto id = id_of_token(request.Token);
  const bool authenticate = request.AuthenticateOnUnsubscribe && base::iequals(*request.AuthenticateOnUnsubscribe, "true");
  if (!state_->audiences.topic(topic)) throw NotFoundException("Topic does not exist");
  if (!id) invalid("Token");
  const SubscriptionName name{topic, *id};
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto row = find_subscription(t, name);
    if (!row) {
      const auto ended = t.get(keys::ended(name));  // taken back
      if (!ended) invalid("Token");
      row = decode_subscription(*ended, name);
      row->pending = true;
      if (t.get(keys::endpoint(topic, row->protocol, row->endpoint))) invalid("Token");
      t.erase(keys::ended(name));
    }
    if (!row || !base::equal_in_constant_time(row->token, request.Token)) invalid("Token");
    if (!row->pending) return;  // a link may be followed twice
    if (state_->d.clock.now().ms > row->created.ms + kConfirmation) invalid("Token");
    row->pending = false;
    row->authenticated = call.principal.kind != contracts::Principal::Kind::anonymous;
    row->authenticate_unsubscribe = authenticate && row->authenticated;
    put(t, *row);
  });
  state_->audiences.refresh(name);
  co_return ConfirmSubscriptionResponse{name.arn()};
}

async::Task<> Sns::Unsubscribe(const wire::Call& call, UnsubscribeInput request) {
  const auto name = require_subscription_arn(request.SubscriptionArn);
  const bool anonymous = call.principal.kind == contracts::Principal::Kind::anonymous;
  std::vector<delivery::Outbox::Added> added;
  co_await state_->d.store.commit([&](store::Transaction& t) {
    added.clear();
    const auto row = find_subscription(t, name);
    if (!row) return;  // ending what is not there succeeds
    if (!anonymous)
      check_owner(call, *row);
    else if (row->authenticate_unsubscribe)
      throw AuthorizationErrorException("This subscription can only be ended by an authenticated request");
    erase(t, *row);
    // Whoever had the link may not have been meant to use it: the endpoint is told, and can take it back.
    if (!anonymous || row->pending || !row->protocol.starts_with("http")) return;
    auto ended = *row;
    ended.created = state_->d.clock.now();
    t.put(keys::ended(name), encode(ended));
    added.push_back(state_->outbox.add(t, {lane_of(ended, {}), ended.created, farewell_payload(name)}));
    added.push_back(state_->outbox.add(t, {"expiry", {ended.created.ms + kConfirmation}, expiry_payload(name)}));
  });
  state_->audiences.refresh(name);
  state_->outbox.wake(added);
}

async::Task<GetSubscriptionAttributesResponse> Sns::GetSubscriptionAttributes(const wire::Call& call,
                                                                              GetSubscriptionAttributesInput request) {
  const auto reader = state_->d.store.read();
  const auto row = require_subscription(*reader, require_subscription_arn(request.SubscriptionArn));
  check_owner(call, row);
  Texts out = row.attributes;
  out["SubscriptionArn"] = row.name.arn();
  out["TopicArn"] = row.name.topic.arn();
  out["Owner"] = row.owner;
  out["Protocol"] = row.protocol;
  out["Endpoint"] = row.endpoint;
  out["SubscriptionPrincipal"] = row.principal;
  out["PendingConfirmation"] = row.pending ? "true" : "false";
  out["ConfirmationWasAuthenticated"] = row.authenticated ? "true" : "false";
  out.try_emplace("RawMessageDelivery", "false");
  if (out.contains("FilterPolicy")) out.try_emplace("FilterPolicyScope", "MessageAttributes");
  if (row.protocol == "http" || row.protocol == "https") {
    const auto topic = require_topic(*reader, row.name.topic);
    out["EffectiveDeliveryPolicy"] = effective_subscription_policy(topic.get("DeliveryPolicy"), row.get("DeliveryPolicy"));
  }
  co_return GetSubscriptionAttributesResponse{std::move(out)};
}

async::Task<> Sns::SetSubscriptionAttributes(const wire::Call& call, SetSubscriptionAttributesInput request) {
  const auto name = require_subscription_arn(request.SubscriptionArn);
  if (!known_subscription_attribute(request.AttributeName)) invalid("AttributeName");
  const auto value = request.AttributeValue.value_or("");
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto row = require_subscription(t, name);
    check_owner(call, row);
    const bool cleared = value.empty() || (value == "{}" && request.AttributeName != "DeliveryPolicy");
    if (cleared)
      row.attributes.erase(request.AttributeName);
    else
      row.attributes[request.AttributeName] = value;
    check_subscription_attributes(row.protocol, row.attributes, false);
    put(t, row);
  });
  state_->audiences.refresh(name);
}

async::Task<ListSubscriptionsResponse> Sns::ListSubscriptions(const wire::Call& call, ListSubscriptionsInput request) {
  ListSubscriptionsResponse out;
  out.Subscriptions = list(state_->d.store, keys::subscriptions(call.account, call.region), request.NextToken, out.NextToken);
  co_return out;
}

async::Task<ListSubscriptionsByTopicResponse> Sns::ListSubscriptionsByTopic(const wire::Call& call,
                                                                            ListSubscriptionsByTopicInput request) {
  const auto topic = require_arn(request.TopicArn);
  require_topic(*state_->d.store.read(), topic);
  ListSubscriptionsByTopicResponse out;
  out.Subscriptions = list(state_->d.store, keys::subscriptions(topic), request.NextToken, out.NextToken);
  co_return out;
}

}  // namespace lambari::sns
