// contracts::Authorizer.
#include <fmt/format.h>

#include "services/iam/context.h"
#include "services/iam/service.h"
#include "services/iam/state.h"

namespace lambari::iam {

using contracts::AccessRequest;
using contracts::Decision;
using contracts::Principal;

namespace {

using Who = Principal::Kind;

bool needs_no_permission(std::string_view action) {
  return action.empty() || action == "sts:GetCallerIdentity" || action == "sts:GetSessionToken" ||
         action == "sts:GetAccessKeyInfo";
}

Decision refuse(const Principal& principal, std::string_view action, std::string_view resource, std::string_view because) {
  const std::string_view who = principal.kind == Who::anonymous ? "anonymous" : std::string_view(principal.arn);
  return {false, fmt::format("User: {} is not authorized to perform: {} on resource: {}{}{}", who, action, resource,
                             because.empty() ? "" : " ", because)};
}

// What narrows the session; `narrowed` is false when nothing does.
std::vector<NamedPolicy> session_policies(State& state, const Principal& principal, bool& narrowed) {
  std::vector<NamedPolicy> out;
  narrowed = !principal.session_policy.empty() || !principal.session_policy_arns.empty() || principal.kind == Who::federated_user;
  if (!principal.session_policy.empty()) {
    if (auto policy = compiled(state, lang::PolicyKind::identity, principal.session_policy, "Session Policy"))
      out.push_back(*policy);
  }
  if (!principal.session_policy_arns.empty()) {
    auto reader = state.store.read();
    for (const auto& arn : principal.session_policy_arns) {
      const auto document = managed_document(*reader, arn);
      if (!document) continue;
      if (auto policy = compiled(state, lang::PolicyKind::identity, *document, "Session Policy")) out.push_back(*policy);
    }
  }
  return out;
}

}  // namespace

Decision authorize(State& state, const Principal& principal, const AccessRequest& request) {
  if (needs_no_permission(request.action)) return {true, {}};
  const bool assuming = request.action == "sts:AssumeRole";
  const auto resource_account = [](std::string_view resource) { return account_of(resource); };
  auto is_here = [&](std::string_view resource) {
    const auto account = resource_account(resource);
    return account.empty() || account == principal.account || account == "aws";
  };
  const bool nameless = principal.kind == Who::anonymous || principal.kind == Who::service;

  if (principal.kind == Who::root && principal.session_policy.empty() && request.resource_policy.empty() && !assuming) {
    bool all_here = true;
    for (const auto& resource : request.resources) all_here = all_here && is_here(resource);
    if (all_here) return {true, {}};
  }

  Policies policies;
  policies.identity_applies = !nameless;
  std::shared_ptr<const Grants> grants;
  if (principal.kind == Who::root) {
    policies.identity_allows_all = true;
  } else if (!nameless) {
    const bool borrowed = principal.kind == Who::assumed_role || principal.kind == Who::federated_user;
    const auto& arn = borrowed ? principal.role_arn : principal.arn;
    if (arn.ends_with(":root")) {
      policies.identity_allows_all = true;
    } else {
      grants = find_grants(state, arn);
      // A namesake made after the session began is somebody else.
      if (grants && !borrowed && grants->entity.id != principal.user_id) grants = nullptr;
      if (grants && principal.kind == Who::assumed_role && !principal.user_id.starts_with(grants->entity.id + ":"))
        grants = nullptr;
    }
    if (grants) {
      policies.identity = &grants->identity;
      policies.boundary = grants->boundary ? &*grants->boundary : nullptr;
    }
  }
  bool narrowed = false;
  const auto session = session_policies(state, principal, narrowed);
  if (narrowed) policies.session = &session;

  std::shared_ptr<const NamedPolicy> resource_policy;
  if (!request.resource_policy.empty()) {
    resource_policy = compiled(state, lang::PolicyKind::resource, request.resource_policy, "Resource Policy");
    policies.resource = resource_policy.get();
    // What cannot be read might have said no.
    if (!resource_policy)
      return refuse(principal, request.action, request.resources.empty() ? "*" : request.resources.front(),
                    explain(Cause::resource_denies, request.action));
  }
  policies.resource_must_allow = assuming;

  const auto requester = requester_of(principal);
  for (const auto& resource : request.resources) {
    policies.same_account = is_here(resource);
    const RequestContext context(principal, request.context, {grants ? &grants->entity.tags : nullptr}, state.clock.now(),
                                 resource);
    const auto outcome = decide(policies, {request.action, resource, context, requester});
    if (outcome.allowed()) continue;
    // STS does not tell a trust policy that says no from a role that is not there.
    const bool silent = assuming && outcome.cause == Cause::resource_silent;
    return refuse(principal, request.action, resource, silent ? std::string() : explain(outcome.cause, request.action));
  }
  return {true, {}};
}

async::Task<Decision> Iam::authorize(const Principal& principal, const AccessRequest& request) {
  co_return iam::authorize(*state_, principal, request);
}

}  // namespace lambari::iam
