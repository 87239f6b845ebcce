// Who makes a call, as IAM sees it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace lambari::contracts {

struct Principal {
  enum class Kind { root, user, assumed_role, service, anonymous };
  Kind kind = Kind::anonymous;
  std::string account;        // 12 digits
  std::string arn;            // as GetCallerIdentity gives it; for a service its name ("apigateway.amazonaws.com")
  std::string user_id;        // "AIDA...", "AROA...:session", or the account of root
  std::string access_key_id;
  std::string role_arn;       // of an assumed role
  std::string session_policy; // JSON, when the session was narrowed
};

// What is asked, in IAM's terms.
struct AccessRequest {
  std::string action;                  // "lambda:InvokeFunction"
  std::vector<std::string> resources;  // ARNs; all must be allowed. {"*"} where the action has no resource
  std::map<std::string, std::vector<std::string>> context;  // condition keys beside the global ones
  std::string resource_policy;         // JSON of the resource's own policy, where it has one
};

}  // namespace lambari::contracts
