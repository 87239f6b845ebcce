// The decision, from policies that are already at hand. Pure.
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/policy.h"

namespace lambari::iam {

struct NamedPolicy {
  std::string source;  // the policy's name or ARN
  std::string type;    // as SimulatePrincipalPolicy names it: "IAM Policy", "Resource Policy"...
  lang::Policy policy;
};

// Everything that may allow or limit one request.
struct Policies {
  const std::vector<NamedPolicy>* identity = nullptr;
  bool identity_allows_all = false;  // root, and what root federates
  const NamedPolicy* boundary = nullptr;
  const std::vector<NamedPolicy>* session = nullptr;  // not null when the session was narrowed
  const NamedPolicy* resource = nullptr;
  bool same_account = true;          // of the requester and the resource
  bool identity_applies = true;      // false for services and anonymous requesters
  bool resource_must_allow = false;  // trust policies: identity policies alone never suffice
};

enum class Cause {
  allowed,
  identity_denies,
  resource_denies,
  boundary_denies,
  session_denies,
  identity_silent,
  resource_silent,
  boundary_silent,
  session_silent,
};

struct Outcome {
  Cause cause = Cause::identity_silent;
  struct Match {
    const NamedPolicy* policy;
    int statement;
  };
  std::vector<Match> matches;  // the statements that decided
  bool boundary_allows = true;
  bool allowed() const { return cause == Cause::allowed; }
  bool denied() const { return cause >= Cause::identity_denies && cause <= Cause::session_denies; }
};

Outcome decide(const Policies& policies, const lang::PolicyQuery& query);

// "because no identity-based policy allows the s3:GetObject action"
std::string explain(Cause cause, std::string_view action);

}  // namespace lambari::iam
