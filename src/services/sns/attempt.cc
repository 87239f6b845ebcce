#include "services/sns/attempt.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/text.h"

namespace lambari::sns {
namespace {

using contracts::Delivery;
using Shared = std::shared_ptr<State>;

constexpr std::chrono::milliseconds kTimeout{15'000};  // AWS waits that long for an endpoint
constexpr std::string_view kMailSender = "no-reply@sns.amazonaws.com";

// "https://user:secret@host:1/path?x" in parts.
struct Url {
  std::string server, target, user;
};

Url parse(const std::string& endpoint) {
  const auto begin = endpoint.find("://") + 3;
  auto end = endpoint.find_first_of("/?#", begin);
  if (end == endpoint.npos) end = endpoint.size();
  auto authority = endpoint.substr(begin, end - begin);
  Url url;
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    url.user = base::percent_decode(authority.substr(0, at));
    authority.erase(0, at + 1);
  }
  url.server = endpoint.substr(0, begin) + authority;
  url.target = endpoint.substr(end, endpoint.find('#') == endpoint.npos ? endpoint.npos : endpoint.find('#') - end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

async::Task<Attempt> send(Shared state, std::string endpoint, http::Request request) {
  Attempt attempt;
  attempt.destination = endpoint;
  const auto url = parse(endpoint);
  request.method = "POST";
  request.target = url.target;
  request.headers.set("User-Agent", "Amazon Simple Notification Service Agent");
  if (!url.user.empty()) request.headers.set("Authorization", "Basic " + base::base64(url.user));
  try {
    const auto response = co_await state->d.client.send(url.server, std::move(request), kTimeout);
    attempt.status = response.status;
    attempt.response = response.body.substr(0, 1'024);
    // What the endpoint says of the request will not change; what it says of itself may.
    if (response.status / 100 != 2)
      attempt.kind = response.status >= 500 || response.status == 429 ? Delivery::Kind::try_again : Delivery::Kind::refused;
  } catch (const http::ClientError& error) {
    attempt.kind = Delivery::Kind::try_again;
    attempt.status = 0;
    attempt.response = error.what();
  }
  co_return attempt;
}

std::string subscribe_url(const State& state, const Subscription& s) {
  return fmt::format("{}/?Action=ConfirmSubscription&TopicArn={}&Token={}", state.d.public_url, s.name.topic.arn(), s.token);
}

async::Task<Seal> sealed(Shared state, TopicName topic, std::string unsubscribe, std::string text) {
  Seal seal;
  seal.unsubscribe_url = std::move(unsubscribe);
  if (const auto row = state->audiences.topic(topic); row && row->get("SignatureVersion") == "2") seal.version = "2";
  co_await state->signer.ready();
  seal.signature = state->signer.sign(seal.version, text);
  seal.certificate_url = state->d.public_url + state->signer.path();
  co_return seal;
}

}  // namespace

Attempt attempt_of(const Delivery& delivery, const std::string& destination) {
  return {delivery.kind, delivery.status, delivery.code.empty() ? delivery.message : delivery.code + ": " + delivery.message,
          destination};
}

contracts::Principal service_principal() {
  contracts::Principal p;
  p.kind = contracts::Principal::Kind::service;
  p.arn = "sns.amazonaws.com";
  return p;
}

bool is_mail(const std::string& protocol) { return protocol == "email" || protocol == "email-json" || protocol == "sms"; }

async::Task<Seal> seal_of(Shared state, Subscription s, Message m) {
  if (s.name.topic.fifo()) {  // not signed
    Seal seal;
    seal.unsubscribe_url = unsubscribe_url(*state, s.name);
    co_return seal;
  }
  co_return co_await sealed(state, s.name.topic, unsubscribe_url(*state, s.name), notification_to_sign(m, s.protocol));
}

async::Task<Attempt> post(Shared state, Subscription s, Message m, std::string content_type) {
  http::Request request;
  request.headers.set("Content-Type", content_type);
  request.headers.set("x-amz-sns-message-type", "Notification");
  request.headers.set("x-amz-sns-message-id", m.id);
  request.headers.set("x-amz-sns-topic-arn", m.topic);
  request.headers.set("x-amz-sns-subscription-arn", s.name.arn());
  if (s.raw()) {
    request.headers.set("x-amz-sns-rawdelivery", "true");
    request.body = m.body_for(s.protocol);
  } else {
    request.body = notification_json(m, s.protocol, co_await seal_of(state, s, m));
  }
  co_return co_await send(state, s.endpoint, std::move(request));
}

async::Task<Attempt> invoke(Shared state, Subscription s, Message m) {
  contracts::Parcel parcel;
  parcel.target = s.endpoint;
  parcel.sender = service_principal();
  parcel.source_arn = m.topic;
  parcel.id = m.id + "/" + s.name.id;
  parcel.trace_header = m.trace_header;
  parcel.body = lambda_event(m, s.name.arn(), co_await seal_of(state, s, m));
  co_return attempt_of(co_await state->d.targets.deliver(parcel), s.endpoint);
}

async::Task<Mail> mail_of(Shared state, Subscription s, Message m, std::string display_name) {
  Mail mail{s.protocol, s.endpoint, std::string(kMailSender), "", "", m.topic, m.id, state->d.clock.now()};
  if (s.protocol == "sms") {
    mail.from = display_name;
    mail.body = (display_name.empty() ? "" : display_name + "> ") + m.body_for("sms");
    co_return mail;
  }
  if (!display_name.empty()) mail.from = fmt::format("{} <{}>", display_name, kMailSender);
  mail.subject = m.subject.value_or("AWS Notification Message");
  const auto seal = co_await seal_of(state, s, m);
  mail.body = s.protocol == "email" ? email_text(m, seal) : notification_json(m, s.protocol, seal);
  co_return mail;
}

async::Task<std::string> confirmation_text(Shared state, Subscription s, std::string message_id, bool farewell) {
  const Confirmation c{message_id,           s.name.topic.arn(),          s.token, subscribe_url(*state, s),
                       state->d.clock.now(), farewell ? s.name.arn() : ""};
  const auto seal = co_await sealed(state, s.name.topic, "", confirmation_to_sign(c));
  co_return confirmation_json(c, seal);
}

async::Task<Attempt> post_confirmation(Shared state, Subscription s, bool farewell) {
  const auto id = base::uuid();
  http::Request request;
  request.headers.set("Content-Type", "text/plain; charset=UTF-8");
  request.headers.set("x-amz-sns-message-type", farewell ? "UnsubscribeConfirmation" : "SubscriptionConfirmation");
  request.headers.set("x-amz-sns-message-id", id);
  request.headers.set("x-amz-sns-topic-arn", s.name.topic.arn());
  request.body = co_await confirmation_text(state, s, id, farewell);
  if (farewell) request.headers.set("x-amz-sns-subscription-arn", s.name.arn());
  co_return co_await send(state, s.endpoint, std::move(request));
}

Mail confirmation_mail(const State& state, const Subscription& s) {
  return {
      s.protocol,
      s.endpoint,
      fmt::format("AWS Notifications <{}>", kMailSender),
      "AWS Notification - Subscription Confirmation",
      fmt::format("You have chosen to subscribe to the topic:\n{}\n\nTo confirm this subscription, click or visit the link below "
                  "(If this was in error no action is necessary):\n{}\n",
                  s.name.topic.arn(), subscribe_url(state, s)),
      s.name.topic.arn(),
      s.name.id,
      state.d.clock.now()};
}

void count_attempt(State& state, const Subscription& s) {
  std::string_view usage = "DeliveryAttempts-SQS";
  if (s.protocol == "http" || s.protocol == "https")
    usage = "DeliveryAttempts-HTTP";
  else if (s.protocol == "lambda")
    usage = "DeliveryAttempts-LAMBDA";
  else if (s.protocol == "sms")
    usage = "DeliveryAttempts-SMS";
  else if (is_mail(s.protocol))
    usage = "DeliveryAttempts-SMTP";
  state.d.meter.count("sns", usage, s.name.topic.arn(), 1);
}

}  // namespace lambari::sns
