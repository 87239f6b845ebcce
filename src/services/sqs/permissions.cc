// The policy of a queue: AddPermission, RemovePermission, and what IAM is asked for each operation.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
//   https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "services/sqs/attributes.h"
#include "services/sqs/rules.h"
#include "services/sqs/service.h"

namespace lambari::sqs {

using namespace aws::sqs;
namespace json = base::json;

namespace {

constexpr std::size_t kMaxActions = 7;  // per statement

constexpr std::string_view kGrantable[] = {"*",
                                           "SendMessage",
                                           "ReceiveMessage",
                                           "DeleteMessage",
                                           "ChangeMessageVisibility",
                                           "GetQueueUrl",
                                           "GetQueueAttributes",
                                           "PurgeQueue",
                                           "ListDeadLetterSourceQueues"};

// Only the account that owns the queue may do these, whatever the queue's policy says.
constexpr std::string_view kOwnersOnly[] = {"AddPermission",
                                            "CancelMessageMoveTask",
                                            "CreateQueue",
                                            "DeleteQueue",
                                            "ListMessageMoveTasks",
                                            "ListQueues",
                                            "ListQueueTags",
                                            "RemovePermission",
                                            "SetQueueAttributes",
                                            "StartMessageMoveTask",
                                            "TagQueue",
                                            "UntagQueue"};

std::string action_of(std::string_view operation) {
  if (operation.ends_with("Batch")) operation.remove_suffix(5);
  return "sqs:" + std::string(operation);
}

json::object parse_policy(const std::string& text, const std::string& arn) {
  if (!text.empty()) {
    auto value = base::parse_json(text);
    if (value && value->is_object()) {
      auto policy = value->as_object();
      auto& statements = policy["Statement"];
      if (statements.is_object()) statements = json::array{json::value(statements)};
      if (!statements.is_array()) statements = json::array{};
      return policy;
    }
  }
  return {{"Version", "2008-10-17"}, {"Id", arn + "/SQSDefaultPolicy"}, {"Statement", json::array{}}};
}

bool has_label(const json::value& statement, const std::string& label) {
  if (!statement.is_object()) return false;
  const auto* sid = statement.as_object().if_contains("Sid");
  return sid && sid->is_string() && std::string_view(sid->as_string()) == label;
}

template <class T>
json::value one_or_many(const std::vector<T>& items) {
  if (items.size() == 1) return json::value(items[0]);
  return json::array(items.begin(), items.end());
}

}  // namespace

async::Task<> Sqs::AddPermission(const wire::Call& call, AddPermissionRequest r) {
  check_identifier(r.Label, "Label");
  if (r.Label.size() > 80) invalid_value(r.Label, "Label", "Label can be up to 80 characters.");
  if (r.AWSAccountIds.empty()) missing_parameter("AWSAccountId");
  if (r.Actions.empty()) missing_parameter("ActionName");
  if (r.Actions.size() > kMaxActions)
    throw OverLimit(fmt::format("{} Actions were found, maximum allowed is {}.", r.Actions.size(), kMaxActions));
  std::vector<std::string> principals, actions;
  for (const auto& account : r.AWSAccountIds) {
    if (account.size() != 12 || !std::ranges::all_of(account, [](unsigned char c) { return std::isdigit(c); }))
      invalid_value(account, "PrincipalId", "Unable to verify.");
    principals.push_back(fmt::format("arn:aws:iam::{}:root", account));
  }
  for (const auto& action : r.Actions) {
    if (std::ranges::find(kGrantable, action) == std::end(kGrantable))
      invalid_value("SQS:" + action, "ActionName", "Please refer to the appropriate WSDL for a list of valid actions. ");
    actions.push_back("SQS:" + action);
  }
  const auto name = name_of_url(call, r.QueueUrl);
  const auto arn = queue_arn(name);
  co_await change_queue(state_, name, [&](store::Transaction&, Queue& queue) {
    auto policy = parse_policy(queue.policy, arn);
    auto& statements = policy["Statement"].as_array();
    if (std::ranges::any_of(statements, [&](const auto& s) { return has_label(s, r.Label); }))
      invalid_value(r.Label, "Label", "Already exists.");
    statements.push_back(json::object{{"Sid", r.Label},
                                      {"Effect", "Allow"},
                                      {"Principal", json::object{{"AWS", one_or_many(principals)}}},
                                      {"Action", one_or_many(actions)},
                                      {"Resource", arn}});
    apply_attributes(queue, {{"Policy", base::to_json(policy)}}, false);
    queue.modified = call.time.ms;
  });
}

async::Task<> Sqs::RemovePermission(const wire::Call& call, RemovePermissionRequest r) {
  const auto name = name_of_url(call, r.QueueUrl);
  const auto arn = queue_arn(name);
  co_await change_queue(state_, name, [&](store::Transaction&, Queue& queue) {
    auto policy = parse_policy(queue.policy, arn);
    auto& statements = policy["Statement"].as_array();
    json::array rest;
    for (const auto& statement : statements)
      if (!has_label(statement, r.Label)) rest.push_back(statement);
    if (rest.size() == statements.size()) invalid_value(r.Label, "Label", "can't find label.");
    const bool empty = rest.empty();
    statements = std::move(rest);
    queue.policy = empty ? std::string() : base::to_json(policy);
    queue.modified = call.time.ms;
  });
}

async::Task<contracts::AccessRequest> Sqs::access(const wire::Call& call, const wire::Operation& operation, const void* request) {
  contracts::AccessRequest out;
  out.action = action_of(operation.name);
  out.resources = {fmt::format("arn:aws:sqs:{}:{}:*", call.region, call.account)};
  auto member = [&](std::string_view name) -> std::optional<std::string> {
    return operation.input && request ? wire::string_member(*operation.input, request, name) : std::nullopt;
  };
  std::optional<QueueName> name;
  if (auto url = member("QueueUrl")) {
    name = name_of_url(call, *url);
  } else if (auto queue_name = member("QueueName")) {
    name = QueueName{member("QueueOwnerAWSAccountId").value_or(call.account), call.region, *queue_name};
  } else if (auto source = member("SourceArn")) {
    name = parse_queue_arn(*source);
  }
  if (name) {
    out.resources = {queue_arn(*name)};
    const bool owners_only = std::ranges::find(kOwnersOnly, operation.name) != std::end(kOwnersOnly);
    if (auto queue = find_queue(*state_, *name)) {
      if (!owners_only || name->account == call.account) out.resource_policy = queue->queue.policy;
      for (const auto& [key, value] : queue->queue.tags) out.context["aws:ResourceTag/" + key] = {value};
    }
  }
  std::map<std::string, std::string> tags;
  if (operation.name == "CreateQueue") tags = static_cast<const CreateQueueRequest*>(request)->tags.value_or(tags);
  if (operation.name == "TagQueue") tags = static_cast<const TagQueueRequest*>(request)->Tags;
  for (const auto& [key, value] : tags) {
    out.context["aws:RequestTag/" + key] = {value};
    out.context["aws:TagKeys"].push_back(key);
  }
  if (operation.name == "UntagQueue") out.context["aws:TagKeys"] = static_cast<const UntagQueueRequest*>(request)->TagKeys;
  co_return out;
}

}  // namespace lambari::sqs
