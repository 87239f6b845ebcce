// What IAM is asked for each operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
//
// AWS checks a group as "...:log-group:NAME:log-stream:" (its denials show it), so that a policy on "...:log-group:NAME:*"
// matches; only the tagging calls by ARN name the group without a suffix.
#include "services/logs/keys.h"
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"

namespace lambari::logs {

namespace {

std::map<std::string, std::string> requested_tags(std::string_view operation, const void* request) {
  if (operation == "CreateLogGroup") {
    const auto& tags = static_cast<const aws::logs::CreateLogGroupRequest*>(request)->tags;
    return tags ? *tags : std::map<std::string, std::string>{};
  }
  if (operation == "TagResource") return static_cast<const aws::logs::TagResourceRequest*>(request)->tags;
  if (operation == "TagLogGroup") return static_cast<const aws::logs::TagLogGroupRequest*>(request)->tags;
  return {};
}

}  // namespace

async::Task<contracts::AccessRequest> Logs::access(const wire::Call& call, const wire::Operation& operation,
                                                   const void* request) {
  contracts::AccessRequest out;
  out.action = "logs:" + std::string(operation.name);

  auto member = [&](std::string_view name) -> std::optional<std::string> {
    return operation.input && request ? wire::string_member(*operation.input, request, name) : std::nullopt;
  };
  if (auto arn = member("resourceArn")) {
    const auto name = group_of_arn(call, *arn);
    out.resources = {group_arn(name)};
    if (auto group = find_group(*state_->store.read(), name)) {
      for (const auto& [key, value] : group->tags) out.context["aws:ResourceTag/" + key] = {value};
    }
  } else if (auto by_name = member("logGroupName"), by_identifier = member("logGroupIdentifier"); by_name || by_identifier) {
    const auto name = by_name ? group_of_name(call, *by_name) : group_of_identifier(call, *by_identifier);
    out.resources = {stream_arn(name, member("logStreamName").value_or(""))};
    if (auto group = find_group(*state_->store.read(), name)) {
      for (const auto& [key, value] : group->tags) out.context["aws:ResourceTag/" + key] = {value};
    }
  } else {
    out.resources = {stream_arn(group_of_name(call, ""), "")};
  }

  for (const auto& [key, value] : requested_tags(operation.name, request)) {
    out.context["aws:RequestTag/" + key] = {value};
    out.context["aws:TagKeys"].push_back(key);
  }
  if (operation.name == "UntagResource")
    out.context["aws:TagKeys"] = static_cast<const aws::logs::UntagResourceRequest*>(request)->tagKeys;
  if (operation.name == "UntagLogGroup")
    out.context["aws:TagKeys"] = static_cast<const aws::logs::UntagLogGroupRequest*>(request)->tags;
  co_return out;
}

}  // namespace lambari::logs
