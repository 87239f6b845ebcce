// Tags of log groups, by the newer calls (ARN) and the older ones (name).
#include "base/text.h"
#include "services/logs/keys.h"
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"
#include "services/logs/tag_rules.h"

namespace lambari::logs {

using namespace aws::logs;

void check_tags(const std::map<std::string, std::string>& tags) {
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > 128 * 4 || value.size() > 256 * 4)
      throw InvalidParameterException("Invalid tag key or value.");
    if (base::lower(key).starts_with("aws:")) {
      throw InvalidParameterException("User-defined tag keys can't start with 'aws:'.");
    }
  }
}

namespace {

async::Task<> add_tags(State& state, GroupName name, std::map<std::string, std::string> tags, std::string resource) {
  check_tags(tags);
  co_await state.store.commit([&](store::Transaction& t) {
    auto group = require_group(t, name);
    for (const auto& [key, value] : tags) group.tags[key] = value;
    if (group.tags.size() > kMaxTags) {
      TooManyTagsException fault("The maximum number of tags allowed per resource is 50.");
      fault.fields.resourceName = resource;
      throw fault;
    }
    t.put(keys::group(name), encode(group));
  });
}

async::Task<> remove_tags(State& state, GroupName name, std::vector<std::string> tags) {
  co_await state.store.commit([&](store::Transaction& t) {
    auto group = require_group(t, name);
    for (const auto& key : tags) group.tags.erase(key);
    t.put(keys::group(name), encode(group));
  });
}

}  // namespace

async::Task<> Logs::TagResource(const wire::Call& call, TagResourceRequest request) {
  co_await add_tags(*state_, group_of_arn(call, request.resourceArn), std::move(request.tags), request.resourceArn);
}

async::Task<> Logs::UntagResource(const wire::Call& call, UntagResourceRequest request) {
  co_await remove_tags(*state_, group_of_arn(call, request.resourceArn), std::move(request.tagKeys));
}

async::Task<ListTagsForResourceResponse> Logs::ListTagsForResource(const wire::Call& call, ListTagsForResourceRequest request) {
  ListTagsForResourceResponse out;
  out.tags = require_group(*state_->store.read(), group_of_arn(call, request.resourceArn)).tags;
  co_return out;
}

async::Task<> Logs::TagLogGroup(const wire::Call& call, TagLogGroupRequest request) {
  co_await add_tags(*state_, group_of_name(call, request.logGroupName), std::move(request.tags), request.logGroupName);
}

async::Task<> Logs::UntagLogGroup(const wire::Call& call, UntagLogGroupRequest request) {
  co_await remove_tags(*state_, group_of_name(call, request.logGroupName), std::move(request.tags));
}

async::Task<ListTagsLogGroupResponse> Logs::ListTagsLogGroup(const wire::Call& call, ListTagsLogGroupRequest request) {
  ListTagsLogGroupResponse out;
  out.tags = require_group(*state_->store.read(), group_of_name(call, request.logGroupName)).tags;
  co_return out;
}

}  // namespace lambari::logs
