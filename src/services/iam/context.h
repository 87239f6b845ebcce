// The condition keys of one request: the global ones, and those that the room which asks put beside them.
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "contracts/identity.h"
#include "lang/policy.h"

namespace lambari::iam {

// What the policy engine must know of the requester beside contracts::Principal.
struct RequesterTags {
  const std::vector<std::pair<std::string, std::string>>* entity = nullptr;  // of the role or user
};

class RequestContext final : public lang::PolicyContext {
 public:
  using Keys = std::map<std::string, std::vector<std::string>>;
  RequestContext(const contracts::Principal& principal, const Keys& keys, RequesterTags tags, base::Timestamp now,
                 std::string_view resource)
      : principal_(principal), keys_(keys), tags_(tags), now_(now), resource_(resource) {}

  bool find(std::string_view key, std::vector<std::string_view>& values) const override;

 private:
  bool give(std::vector<std::string_view>& values, std::string value) const;

  const contracts::Principal& principal_;
  const Keys& keys_;
  RequesterTags tags_;
  base::Timestamp now_;
  std::string_view resource_;
  mutable std::deque<std::string> made_;  // owns the values that were put together
};

// The last part of a user's or session's ARN.
std::string_view last_part(std::string_view arn);
// The account of an ARN; empty when it has none.
std::string_view account_of(std::string_view arn);

lang::PolicyRequester requester_of(const contracts::Principal& principal);

}  // namespace lambari::iam
