#include "services/sns/feedback.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/retry.h"

namespace lambari::sns {
namespace {

namespace json = base::json;

std::string_view prefix_of(const std::string& protocol) {
  if (protocol == "http" || protocol == "https") return "HTTP";
  if (protocol == "sqs") return "SQS";
  if (protocol == "lambda") return "Lambda";
  return {};
}

// Whether the role may write there: nothing, else why not.
async::Task<std::string> obstacle(std::shared_ptr<State> state, std::string role, TopicName topic, std::string group,
                                  std::string stream) {
  const auto assumed = co_await state->d.credentials.assume_for_service(role, "sns.amazonaws.com", "sns");
  const auto secret = assumed ? co_await state->d.credentials.find(assumed->access_key_id, assumed->session_token) : std::nullopt;
  if (!secret) co_return "it cannot be assumed by SNS";
  contracts::AccessRequest request;
  request.action = "logs:PutLogEvents";
  request.resources = {fmt::format("arn:aws:logs:{}:{}:log-group:{}:log-stream:{}", topic.region, topic.account, group, stream)};
  const auto decision = co_await state->d.authorizer.authorize(secret->principal, request);
  co_return decision.allowed ? std::string() : decision.reason;
}

}  // namespace

async::Task<> give_feedback(std::shared_ptr<State> state, Topic topic, Subscription s, Message m, Attempt attempt,
                            unsigned attempts, base::Timestamp began) {
  const auto prefix = prefix_of(s.protocol);
  if (prefix.empty()) co_return;
  const bool delivered = attempt.kind == contracts::Delivery::Kind::delivered;
  const auto role = topic.get(fmt::format("{}{}FeedbackRoleArn", prefix, delivered ? "Success" : "Failure"));
  if (role.empty()) co_return;
  if (delivered) {
    const auto rate = base::parse_int(topic.get(fmt::format("{}SuccessFeedbackSampleRate", prefix))).value_or(100);
    if (delivery::draw() * 100 >= static_cast<double>(rate)) co_return;
  }
  const auto& name = topic.name;
  const auto group = fmt::format("sns/{}/{}/{}{}", name.region, name.account, name.name, delivered ? "" : "/Failure");
  const auto stream = base::uuid();
  if (const auto why = co_await obstacle(state, role, name, group, stream); !why.empty()) {
    base::log_warn("the role of delivery status logging may not write", {{"role", role}, {"topic", name.arn()}, {"why", why}});
    co_return;
  }
  const auto now = state->d.clock.now();
  const json::object entry{{"notification", json::object{{"messageMD5Sum", base::hex(base::md5(m.body_for(s.protocol)))},
                                                         {"messageId", m.id},
                                                         {"topicArn", m.topic},
                                                         {"timestamp", base::iso8601(m.time, true)}}},
                           {"delivery", json::object{{"deliveryId", base::uuid()},
                                                     {"destination", attempt.destination},
                                                     {"providerResponse", attempt.response},
                                                     {"dwellTimeMs", now.ms - m.time.ms},
                                                     {"attempts", attempts},
                                                     {"statusCode", attempt.status}}},
                           {"status", delivered ? "SUCCESS" : "FAILURE"}};
  state->d.logs.write(name.account, name.region, group, stream, {{now, base::to_json(entry)}});
}

}  // namespace lambari::sns
