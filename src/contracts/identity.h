// Who makes a call, as IAM sees it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace lambari::contracts {

struct Principal {
  enum class Kind { root, user, assumed_role, service, anonymous, federated_user };
  Kind kind = Kind::anonymous;
  std::string account;  // 12 digits
  std::string arn;      // as GetCallerIdentity gives it; for a service its name ("apigateway.amazonaws.com")
  std::string user_id;  // "AIDA...", "AROA...:session", or the account of root
  std::string access_key_id;
  std::string role_arn;        // of an assumed role; of a federated user the ARN of the user (or root) who made the session
  std::string session_policy;  // JSON, when the session was narrowed
  std::vector<std::string> session_policy_arns;     // managed policies that narrow the session, too
  std::map<std::string, std::string> session_tags;  // aws:PrincipalTag of the session, beside the role's own tags
  std::string source_identity;                      // aws:SourceIdentity
  base::Timestamp session_issued;                   // aws:TokenIssueTime; 0 for long-lived keys
};

// What is asked, in IAM's terms.
struct AccessRequest {
  std::string action;                                       // "lambda:InvokeFunction"
  std::vector<std::string> resources;                       // ARNs; all must be allowed. {"*"} where the action has no resource
  std::map<std::string, std::vector<std::string>> context;  // condition keys beside the global ones
  std::string resource_policy;                              // JSON of the resource's own policy, where it has one
};

}  // namespace lambari::contracts
