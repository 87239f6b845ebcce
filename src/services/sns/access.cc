// What IAM is asked for each operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
#include "base/text.h"
#include "services/sns/state.h"

namespace lambari::sns {

async::Task<contracts::AccessRequest> Sns::access(const wire::Call& call, const wire::Operation& operation, const void* request) {
  contracts::AccessRequest out;
  const auto name = operation.name;
  out.action = "SNS:" + std::string(name == "PublishBatch" ? "Publish" : name);
  out.resources = {"*"};
  if (!operation.input || !request) co_return out;
  auto member = [&](std::string_view member) { return wire::string_member(*operation.input, request, member); };
  auto tags_in = [&](const std::vector<aws::sns::Tag>& tags) {
    for (const auto& tag : tags) {
      out.context["aws:RequestTag/" + tag.Key] = {tag.Value};
      out.context["aws:TagKeys"].push_back(tag.Key);
    }
  };

  // Whoever has the token may confirm; the room checks it.
  if (name == "ConfirmSubscription") {
    out.action.clear();
    co_return out;
  }
  std::optional<TopicName> topic;
  if (name == "CreateTopic") {
    const auto& create = *static_cast<const aws::sns::CreateTopicInput*>(request);
    out.resources = {TopicName{call.account, call.region, create.Name}.arn()};
    if (create.Tags) tags_in(*create.Tags);
    co_return out;
  }
  if (name == "ListTopics" || name == "ListSubscriptions") {
    out.resources = {call.arn("sns", "*")};
    co_return out;
  }
  if (const auto subscription = member("SubscriptionArn")) {
    if (const auto parsed = parse_subscription_arn(*subscription)) {
      // The subscriber of another account's topic may end it; the room checks whose it is.
      if (parsed->topic.account != call.account) {
        out.resources = {"*"};
        co_return out;
      }
      topic = parsed->topic;
    }
  } else if (const auto arn = member("TopicArn"); arn || member("TargetArn") || member("ResourceArn")) {
    const auto text = arn ? *arn : member("TargetArn").value_or(member("ResourceArn").value_or(""));
    topic = parse_topic_arn(text);
    if (!topic && !text.empty()) out.resources = {text};
  }
  if (!topic) co_return out;
  out.resources = {topic->arn()};
  if (const auto row = state_->audiences.topic(*topic)) {
    out.resource_policy = row->get("Policy");
    for (const auto& [key, value] : row->tags) out.context["aws:ResourceTag/" + key] = {value};
  }
  if (name == "Subscribe") {
    const auto& subscribe = *static_cast<const aws::sns::SubscribeInput*>(request);
    out.context["sns:Protocol"] = {subscribe.Protocol};
    if (subscribe.Endpoint) out.context["sns:Endpoint"] = {*subscribe.Endpoint};
  } else if (name == "TagResource") {
    tags_in(static_cast<const aws::sns::TagResourceRequest*>(request)->Tags);
  } else if (name == "UntagResource") {
    out.context["aws:TagKeys"] = static_cast<const aws::sns::UntagResourceRequest*>(request)->TagKeys;
  }
  co_return out;
}

}  // namespace lambari::sns
