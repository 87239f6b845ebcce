// AddPermission and RemovePermission: statements of the topic's policy, by label.
// https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html
#include <fmt/format.h>

#include <algorithm>

#include "services/sns/state.h"
#include "store/json_row.h"

namespace lambari::sns {

using namespace aws::sns;

namespace {

namespace json = base::json;

json::object policy_of(const Topic& topic) {
  const auto text = topic.get("Policy");
  return base::parse_json(text.empty() ? default_policy(topic.name) : text)->get_object();
}

// One statement may stand without a list around it.
json::array& statements(json::object& policy) {
  auto& all = policy["Statement"];
  if (!all.is_array()) all = all.is_null() ? json::array{} : json::array{all};
  return all.get_array();
}

bool labelled(const json::value& statement, const std::string& label) {
  return statement.is_object() && store::json_row::text(statement.get_object(), "Sid") == label;
}

void check(const AddPermissionInput& request) {
  static constexpr std::string_view kActions[] = {"AddPermission",
                                                  "DeleteTopic",
                                                  "GetDataProtectionPolicy",
                                                  "GetTopicAttributes",
                                                  "ListSubscriptionsByTopic",
                                                  "ListTagsForResource",
                                                  "Publish",
                                                  "PutDataProtectionPolicy",
                                                  "RemovePermission",
                                                  "SetTopicAttributes",
                                                  "Subscribe"};
  if (request.Label.empty() || request.Label.size() > 80) invalid("Label");
  if (request.AWSAccountId.empty()) invalid("AWSAccountId");
  if (request.ActionName.empty()) invalid("ActionName");
  for (const auto& action : request.ActionName)
    if (std::find(std::begin(kActions), std::end(kActions), action) == std::end(kActions))
      invalid("Policy statement action out of service scope!");
  for (const auto& account : request.AWSAccountId)
    if (account.size() != 12 || !std::all_of(account.begin(), account.end(), [](unsigned char c) { return std::isdigit(c); }))
      invalid("AWSAccountId");
}

}  // namespace

async::Task<> Sns::AddPermission(const wire::Call& call, AddPermissionInput request) {
  const auto name = require_arn(request.TopicArn);
  check(request);
  json::array principals, actions;
  for (const auto& account : request.AWSAccountId)
    principals.push_back(json::value(fmt::format("arn:aws:iam::{}:root", account)));
  for (const auto& action : request.ActionName) actions.push_back(json::value("SNS:" + action));
  const json::object statement{{"Sid", request.Label},
                               {"Effect", "Allow"},
                               {"Principal", json::object{{"AWS", principals}}},
                               {"Action", actions},
                               {"Resource", name.arn()}};
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto topic = require_topic(t, name);
    auto policy = policy_of(topic);
    auto& all = statements(policy);
    if (std::any_of(all.begin(), all.end(), [&](const auto& s) { return labelled(s, request.Label); }))
      invalid("Statement already exists");
    all.push_back(statement);
    topic.attributes["Policy"] = base::to_json(policy);
    put(t, topic);
  });
  state_->audiences.refresh(name);
}

async::Task<> Sns::RemovePermission(const wire::Call& call, RemovePermissionInput request) {
  const auto name = require_arn(request.TopicArn);
  co_await state_->d.store.commit([&](store::Transaction& t) {
    auto topic = require_topic(t, name);
    auto policy = policy_of(topic);
    auto& all = statements(policy);
    auto kept = std::remove_if(all.begin(), all.end(), [&](const auto& s) { return labelled(s, request.Label); });
    if (kept == all.end()) return;  // as on AWS, no error
    all.erase(kept, all.end());
    if (all.empty())
      topic.attributes.erase("Policy");
    else
      topic.attributes["Policy"] = base::to_json(policy);
    put(t, topic);
  });
  state_->audiences.refresh(name);
}

}  // namespace lambari::sns
