// Tags of roles, users and policies.
#include "services/iam/iam_api.h"
#include "services/iam/managed.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

async::Task<> tag_entity(State& state, std::string account, Kind kind, std::string name, std::vector<Tag> tags) {
  co_await change_entity(state, account, kind, name, [&](store::Transaction&, Entity& entity) { add_tags(entity.tags, tags); });
}

async::Task<> untag_entity(State& state, std::string account, Kind kind, std::string name, std::vector<std::string> names) {
  co_await change_entity(state, account, kind, name,
                         [&](store::Transaction&, Entity& entity) { remove_tags(entity.tags, names); });
}

}  // namespace

async::Task<> IamApi::TagRole(const wire::Call& call, TagRoleRequest r) {
  co_await tag_entity(state_, call.account, Kind::role, r.RoleName, r.Tags);
}
async::Task<> IamApi::TagUser(const wire::Call& call, TagUserRequest r) {
  co_await tag_entity(state_, call.account, Kind::user, r.UserName, r.Tags);
}
async::Task<> IamApi::UntagRole(const wire::Call& call, UntagRoleRequest r) {
  co_await untag_entity(state_, call.account, Kind::role, r.RoleName, r.TagKeys);
}
async::Task<> IamApi::UntagUser(const wire::Call& call, UntagUserRequest r) {
  co_await untag_entity(state_, call.account, Kind::user, r.UserName, r.TagKeys);
}

async::Task<ListRoleTagsResponse> IamApi::ListRoleTags(const wire::Call& call, ListRoleTagsRequest r) {
  ListRoleTagsResponse out;
  out.Tags = page_of(to_tags(require_entity(*state_.store.read(), call.account, Kind::role, r.RoleName).tags), r.Marker,
                     r.MaxItems, out);
  co_return out;
}

async::Task<ListUserTagsResponse> IamApi::ListUserTags(const wire::Call& call, ListUserTagsRequest r) {
  ListUserTagsResponse out;
  out.Tags = page_of(to_tags(require_entity(*state_.store.read(), call.account, Kind::user, r.UserName).tags), r.Marker,
                     r.MaxItems, out);
  co_return out;
}

async::Task<> IamApi::TagPolicy(const wire::Call& call, TagPolicyRequest r) {
  require_customer_policy(call, "TagPolicy", r.PolicyArn);
  co_await state_.store.commit([&](store::Transaction& t) {
    auto policy = require_policy(t, call.account, r.PolicyArn);
    add_tags(policy.tags, r.Tags);
    put_policy(t, policy);
  });
}

async::Task<> IamApi::UntagPolicy(const wire::Call& call, UntagPolicyRequest r) {
  require_customer_policy(call, "UntagPolicy", r.PolicyArn);
  co_await state_.store.commit([&](store::Transaction& t) {
    auto policy = require_policy(t, call.account, r.PolicyArn);
    remove_tags(policy.tags, r.TagKeys);
    put_policy(t, policy);
  });
}

async::Task<ListPolicyTagsResponse> IamApi::ListPolicyTags(const wire::Call& call, ListPolicyTagsRequest r) {
  ListPolicyTagsResponse out;
  Tags tags;
  if (!find_aws_policy(r.PolicyArn)) tags = require_policy(*state_.store.read(), call.account, r.PolicyArn).tags;
  out.Tags = page_of(to_tags(tags), r.Marker, r.MaxItems, out);
  co_return out;
}

}  // namespace lambari::iam
