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
  if (!co_await state->d.credentials.assume_for_service(role, "sns.amazonaws.com", "sns")) {
    base::log_warn("the role of delivery status logging cannot be assumed", {{"role", role}, {"topic", topic.name.arn()}});
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
  const auto& name = topic.name;
  state->d.logs.write(name.account, name.region,
                      fmt::format("sns/{}/{}/{}{}", name.region, name.account, name.name, delivered ? "" : "/Failure"),
                      base::uuid(), {{now, base::to_json(entry)}});
}

}  // namespace lambari::sns
