// Policies inside a role, user or group.
#include <fmt/format.h>

#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

// Characters without spaces, of all inline policies together.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
std::size_t max_size(Kind kind) { return kind == Kind::role ? 10'240 : kind == Kind::user ? 2'048 : 5'120; }

async::Task<> put(State& state, std::string account, Kind kind, std::string name, std::string policy, std::string document) {
  check_document(document, lang::PolicyKind::identity);
  co_await change_entity(state, account, kind, name, [&](store::Transaction&, Entity& entity) {
    entity.inline_policies[policy] = document;
    std::size_t size = 0;
    for (const auto& [_, text] : entity.inline_policies) size += size_without_spaces(text);
    if (size > max_size(kind)) {
      throw LimitExceededException(
          fmt::format("Maximum policy size of {} bytes exceeded for {} {}", max_size(kind), word(kind), name));
    }
  });
}

[[noreturn]] void no_policy(Kind kind, const std::string& policy) {
  throw NoSuchEntityException(fmt::format("The {} policy with name {} cannot be found.", word(kind), policy));
}

std::string get(State& state, const std::string& account, Kind kind, const std::string& name, const std::string& policy) {
  const auto entity = require_entity(*state.store.read(), account, kind, name);
  const auto found = entity.inline_policies.find(policy);
  if (found == entity.inline_policies.end()) no_policy(kind, policy);
  return base::percent_encode(found->second);
}

async::Task<> remove(State& state, std::string account, Kind kind, std::string name, std::string policy) {
  co_await change_entity(state, account, kind, name, [&](store::Transaction&, Entity& entity) {
    if (!entity.inline_policies.erase(policy)) no_policy(kind, policy);
  });
}

template <class Response, class Request>
Response list(State& state, const std::string& account, Kind kind, const std::string& name, const Request& request) {
  const auto entity = require_entity(*state.store.read(), account, kind, name);
  std::vector<std::string> names;
  for (const auto& [policy, _] : entity.inline_policies) names.push_back(policy);
  Response out;
  out.PolicyNames = page_of(std::move(names), request.Marker, request.MaxItems, out);
  return out;
}

}  // namespace

async::Task<> IamApi::PutRolePolicy(const wire::Call& call, PutRolePolicyRequest r) {
  co_await put(state_, call.account, Kind::role, r.RoleName, r.PolicyName, r.PolicyDocument);
}
async::Task<> IamApi::PutUserPolicy(const wire::Call& call, PutUserPolicyRequest r) {
  co_await put(state_, call.account, Kind::user, r.UserName, r.PolicyName, r.PolicyDocument);
}
async::Task<> IamApi::PutGroupPolicy(const wire::Call& call, PutGroupPolicyRequest r) {
  co_await put(state_, call.account, Kind::group, r.GroupName, r.PolicyName, r.PolicyDocument);
}

async::Task<GetRolePolicyResponse> IamApi::GetRolePolicy(const wire::Call& call, GetRolePolicyRequest r) {
  co_return GetRolePolicyResponse{r.RoleName, r.PolicyName, get(state_, call.account, Kind::role, r.RoleName, r.PolicyName)};
}
async::Task<GetUserPolicyResponse> IamApi::GetUserPolicy(const wire::Call& call, GetUserPolicyRequest r) {
  co_return GetUserPolicyResponse{r.UserName, r.PolicyName, get(state_, call.account, Kind::user, r.UserName, r.PolicyName)};
}
async::Task<GetGroupPolicyResponse> IamApi::GetGroupPolicy(const wire::Call& call, GetGroupPolicyRequest r) {
  co_return GetGroupPolicyResponse{r.GroupName, r.PolicyName, get(state_, call.account, Kind::group, r.GroupName, r.PolicyName)};
}

async::Task<ListRolePoliciesResponse> IamApi::ListRolePolicies(const wire::Call& call, ListRolePoliciesRequest r) {
  co_return list<ListRolePoliciesResponse>(state_, call.account, Kind::role, r.RoleName, r);
}
async::Task<ListUserPoliciesResponse> IamApi::ListUserPolicies(const wire::Call& call, ListUserPoliciesRequest r) {
  co_return list<ListUserPoliciesResponse>(state_, call.account, Kind::user, r.UserName, r);
}
async::Task<ListGroupPoliciesResponse> IamApi::ListGroupPolicies(const wire::Call& call, ListGroupPoliciesRequest r) {
  co_return list<ListGroupPoliciesResponse>(state_, call.account, Kind::group, r.GroupName, r);
}

async::Task<> IamApi::DeleteRolePolicy(const wire::Call& call, DeleteRolePolicyRequest r) {
  co_await remove(state_, call.account, Kind::role, r.RoleName, r.PolicyName);
}
async::Task<> IamApi::DeleteUserPolicy(const wire::Call& call, DeleteUserPolicyRequest r) {
  co_await remove(state_, call.account, Kind::user, r.UserName, r.PolicyName);
}
async::Task<> IamApi::DeleteGroupPolicy(const wire::Call& call, DeleteGroupPolicyRequest r) {
  co_await remove(state_, call.account, Kind::group, r.GroupName, r.PolicyName);
}

}  // namespace lambari::iam
