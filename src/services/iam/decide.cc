#include "services/iam/decide.h"

#include <fmt/format.h>

namespace lambari::iam {

namespace {

struct Sum {
  bool denied = false, allowed = false;
  Outcome::Match denying{}, allowing{};
  lang::PolicyGrant grant = lang::PolicyGrant::none;
};

void add(Sum& sum, const NamedPolicy& policy, const lang::PolicyQuery& query) {
  const auto verdict = policy.policy.evaluate(query);
  if (verdict.denied() && !sum.denied) {
    sum.denied = true;
    sum.denying = {&policy, verdict.denied_by};
  }
  if (verdict.allowed() && verdict.grant > sum.grant) {
    sum.allowed = true;
    sum.grant = verdict.grant;
    sum.allowing = {&policy, verdict.allowed_by};
  }
}

Sum sum_of(const std::vector<NamedPolicy>* policies, const lang::PolicyQuery& query) {
  Sum out;
  if (!policies) return out;
  for (const auto& policy : *policies) add(out, policy, query);
  return out;
}

Sum sum_of(const NamedPolicy* policy, const lang::PolicyQuery& query) {
  Sum out;
  if (policy) add(out, *policy, query);
  return out;
}

}  // namespace

Outcome decide(const Policies& policies, const lang::PolicyQuery& query) {
  auto identity = sum_of(policies.identity, query);
  identity.allowed = identity.allowed || policies.identity_allows_all;
  const auto resource = sum_of(policies.resource, query);
  const auto boundary = sum_of(policies.boundary, query);
  const auto session = sum_of(policies.session, query);

  Outcome out;
  out.boundary_allows = !policies.boundary || (boundary.allowed && !boundary.denied);
  auto deny = [&](Cause cause, const Sum& sum) {
    out.cause = cause;
    out.matches = {sum.denying};
    return out;
  };
  if (identity.denied) return deny(Cause::identity_denies, identity);
  if (resource.denied) return deny(Cause::resource_denies, resource);
  if (boundary.denied) return deny(Cause::boundary_denies, boundary);
  if (session.denied) return deny(Cause::session_denies, session);

  auto fail = [&](Cause cause) {
    out.cause = cause;
    return out;
  };
  auto allow = [&](const Sum& sum) {
    out.cause = Cause::allowed;
    if (sum.allowing.policy) out.matches.push_back(sum.allowing);
  };
  if (!policies.identity_applies) {
    if (!resource.allowed) return fail(Cause::resource_silent);
    allow(resource);
    return out;
  }
  if ((!policies.same_account || policies.resource_must_allow) && !resource.allowed) return fail(Cause::resource_silent);

  const bool here = policies.same_account;
  // Within an account, a resource policy that names the requester itself needs no other policy's consent; one that names
  // its role stands for the identity policies only; one that names the account leaves the matter to them.
  if (here && resource.grant == lang::PolicyGrant::direct) {
    allow(resource);
    return out;
  }
  const bool by_role = here && resource.grant == lang::PolicyGrant::role;
  if (!identity.allowed && !by_role) return fail(Cause::identity_silent);
  if (policies.boundary && !boundary.allowed) return fail(Cause::boundary_silent);
  if (policies.session && !session.allowed) return fail(Cause::session_silent);
  if (identity.allowed) allow(identity);
  if (resource.allowed) allow(resource);
  return out;
}

std::string explain(Cause cause, std::string_view action) {
  auto silent = [&](std::string_view policy) { return fmt::format("because no {} allows the {} action", policy, action); };
  switch (cause) {
    case Cause::allowed: return {};
    case Cause::identity_denies: return "with an explicit deny in an identity-based policy";
    case Cause::resource_denies: return "with an explicit deny in a resource-based policy";
    case Cause::boundary_denies: return "with an explicit deny in a permissions boundary";
    case Cause::session_denies: return "with an explicit deny in a session policy";
    case Cause::identity_silent: return silent("identity-based policy");
    case Cause::resource_silent: return silent("resource-based policy");
    case Cause::boundary_silent: return silent("permissions boundary");
    case Cause::session_silent: return silent("session policy");
  }
  return {};
}

}  // namespace lambari::iam
