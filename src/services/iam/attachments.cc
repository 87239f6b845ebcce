// Managed policies on roles, users and groups; permissions boundaries.
#include <fmt/format.h>

#include <algorithm>

#include "services/iam/iam_api.h"
#include "services/iam/managed.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

constexpr std::size_t kMaxAttached = 10;

async::Task<> attach(State& state, std::string account, Kind kind, std::string name, std::string arn) {
  co_await change_entity(state, account, kind, name, [&](store::Transaction& t, Entity& entity) {
    if (!policy_exists(t, account, arn))
      throw NoSuchEntityException(fmt::format("Policy {} does not exist or is not attachable.", arn));
    if (std::ranges::find(entity.attached, arn) != entity.attached.end()) return;
    if (entity.attached.size() >= kMaxAttached) {
      throw LimitExceededException(fmt::format("Cannot exceed quota for PoliciesPer{}: {}", capitalized(kind), kMaxAttached));
    }
    entity.attached.push_back(arn);
    t.put(keys::attachment(account, arn, "policy", kind, entity.name), "");
  });
}

async::Task<> detach(State& state, std::string account, Kind kind, std::string name, std::string arn) {
  co_await change_entity(state, account, kind, name, [&](store::Transaction& t, Entity& entity) {
    if (!std::erase(entity.attached, arn)) throw NoSuchEntityException(fmt::format("Policy {} was not found.", arn));
    t.erase(keys::attachment(account, arn, "policy", kind, entity.name));
  });
}

template <class Response, class Request>
Response list(State& state, const std::string& account, Kind kind, const std::string& name, const Request& request) {
  const auto entity = require_entity(*state.store.read(), account, kind, name);
  const auto prefix = request.PathPrefix.value_or("/");
  std::vector<AttachedPolicy> policies;
  for (const auto& arn : entity.attached) {
    const auto parsed = parse_iam_arn(arn);
    if (!parsed || !parsed->path.starts_with(prefix)) continue;
    AttachedPolicy policy;
    policy.PolicyName = parsed->name;
    policy.PolicyArn = arn;
    policies.push_back(std::move(policy));
  }
  Response out;
  out.AttachedPolicies = page_of(std::move(policies), request.Marker, request.MaxItems, out);
  return out;
}

async::Task<> set_boundary(State& state, std::string account, Kind kind, std::string name, std::string arn) {
  co_await change_entity(state, account, kind, name, [&](store::Transaction& t, Entity& entity) {
    if (!arn.empty() && !policy_exists(t, account, arn)) {
      throw NoSuchEntityException(fmt::format("Scope ARN: {} does not exist or is not attachable.", arn));
    }
    if (arn.empty() && entity.boundary.empty()) {
      throw NoSuchEntityException(
          fmt::format("The {} with name {} does not have a permissions boundary.", word(kind), entity.name));
    }
    if (!entity.boundary.empty()) t.erase(keys::attachment(account, entity.boundary, "boundary", kind, entity.name));
    entity.boundary = arn;
    if (!arn.empty()) t.put(keys::attachment(account, arn, "boundary", kind, entity.name), "");
  });
}

}  // namespace

async::Task<> IamApi::AttachRolePolicy(const wire::Call& call, AttachRolePolicyRequest r) {
  co_await attach(state_, call.account, Kind::role, r.RoleName, r.PolicyArn);
}
async::Task<> IamApi::AttachUserPolicy(const wire::Call& call, AttachUserPolicyRequest r) {
  co_await attach(state_, call.account, Kind::user, r.UserName, r.PolicyArn);
}
async::Task<> IamApi::AttachGroupPolicy(const wire::Call& call, AttachGroupPolicyRequest r) {
  co_await attach(state_, call.account, Kind::group, r.GroupName, r.PolicyArn);
}

async::Task<> IamApi::DetachRolePolicy(const wire::Call& call, DetachRolePolicyRequest r) {
  co_await detach(state_, call.account, Kind::role, r.RoleName, r.PolicyArn);
}
async::Task<> IamApi::DetachUserPolicy(const wire::Call& call, DetachUserPolicyRequest r) {
  co_await detach(state_, call.account, Kind::user, r.UserName, r.PolicyArn);
}
async::Task<> IamApi::DetachGroupPolicy(const wire::Call& call, DetachGroupPolicyRequest r) {
  co_await detach(state_, call.account, Kind::group, r.GroupName, r.PolicyArn);
}

async::Task<ListAttachedRolePoliciesResponse> IamApi::ListAttachedRolePolicies(const wire::Call& call,
                                                                               ListAttachedRolePoliciesRequest r) {
  co_return list<ListAttachedRolePoliciesResponse>(state_, call.account, Kind::role, r.RoleName, r);
}
async::Task<ListAttachedUserPoliciesResponse> IamApi::ListAttachedUserPolicies(const wire::Call& call,
                                                                               ListAttachedUserPoliciesRequest r) {
  co_return list<ListAttachedUserPoliciesResponse>(state_, call.account, Kind::user, r.UserName, r);
}
async::Task<ListAttachedGroupPoliciesResponse> IamApi::ListAttachedGroupPolicies(const wire::Call& call,
                                                                                 ListAttachedGroupPoliciesRequest r) {
  co_return list<ListAttachedGroupPoliciesResponse>(state_, call.account, Kind::group, r.GroupName, r);
}

async::Task<> IamApi::PutRolePermissionsBoundary(const wire::Call& call, PutRolePermissionsBoundaryRequest r) {
  co_await set_boundary(state_, call.account, Kind::role, r.RoleName, r.PermissionsBoundary);
}
async::Task<> IamApi::DeleteRolePermissionsBoundary(const wire::Call& call, DeleteRolePermissionsBoundaryRequest r) {
  co_await set_boundary(state_, call.account, Kind::role, r.RoleName, {});
}
async::Task<> IamApi::PutUserPermissionsBoundary(const wire::Call& call, PutUserPermissionsBoundaryRequest r) {
  co_await set_boundary(state_, call.account, Kind::user, r.UserName, r.PermissionsBoundary);
}
async::Task<> IamApi::DeleteUserPermissionsBoundary(const wire::Call& call, DeleteUserPermissionsBoundaryRequest r) {
  co_await set_boundary(state_, call.account, Kind::user, r.UserName, {});
}

}  // namespace lambari::iam
