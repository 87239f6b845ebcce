#include "services/iam/context.h"

#include "base/text.h"

namespace lambari::iam {

using Who = contracts::Principal::Kind;

std::string_view last_part(std::string_view arn) { return arn.substr(arn.rfind('/') + 1); }

std::string_view account_of(std::string_view arn) {
  for (int i = 0; i < 4; ++i) {
    const auto colon = arn.find(':');
    if (colon == arn.npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

lang::PolicyRequester requester_of(const contracts::Principal& principal) {
  lang::PolicyRequester out;
  if (principal.kind == Who::anonymous) return out;
  if (principal.kind == Who::service) {
    out.service = principal.arn;
    return out;
  }
  out.account = principal.account;
  out.arn = principal.arn;
  out.user_id = principal.user_id;
  out.root = principal.kind == Who::root;
  if (principal.kind == Who::assumed_role) out.role_arn = principal.role_arn;
  return out;
}

bool RequestContext::give(std::vector<std::string_view>& values, std::string value) const {
  values.push_back(made_.emplace_back(std::move(value)));
  return true;
}

bool RequestContext::find(std::string_view key, std::vector<std::string_view>& values) const {
  for (const auto& [name, list] : keys_) {
    if (!base::iequals(name, key)) continue;
    values.insert(values.end(), list.begin(), list.end());
    return true;
  }
  if (key.size() < 4 || !base::iequals(key.substr(0, 4), "aws:")) return false;
  const auto name = base::lower(key.substr(4));
  const bool somebody = principal_.kind != Who::anonymous && principal_.kind != Who::service;

  if (name.starts_with("principaltag/")) {
    const auto tag = key.substr(4 + 13);
    for (const auto& [tag_name, value] : principal_.session_tags) {
      if (base::iequals(tag_name, tag)) {
        values.push_back(value);
        return true;
      }
    }
    if (tags_.entity) {
      for (const auto& [tag_name, value] : *tags_.entity) {
        if (base::iequals(tag_name, tag)) {
          values.push_back(value);
          return true;
        }
      }
    }
    return false;
  }
  if (name == "currenttime") return give(values, base::iso8601(now_));
  if (name == "epochtime") return give(values, std::to_string(now_.ms / 1000));
  if (name == "principalisawsservice") return give(values, principal_.kind == Who::service ? "true" : "false");
  if (name == "principalservicename" && principal_.kind == Who::service) return give(values, principal_.arn);
  if (name == "viaawsservice") return give(values, "false");
  if (name == "principaltype") {
    switch (principal_.kind) {
      case Who::root: return give(values, "Account");
      case Who::user: return give(values, "User");
      case Who::assumed_role: return give(values, "AssumedRole");
      case Who::federated_user: return give(values, "FederatedUser");
      case Who::anonymous: return give(values, "Anonymous");
      case Who::service: return false;
    }
  }
  if (name == "resourceaccount") {
    const auto account = account_of(resource_);
    if (account.empty()) return false;
    return give(values, std::string(account));
  }
  if (!somebody) return false;
  if (name == "principalarn") return give(values, principal_.kind == Who::assumed_role ? principal_.role_arn : principal_.arn);
  if (name == "principalaccount") return give(values, principal_.account);
  if (name == "userid") return give(values, principal_.user_id);
  if (name == "username" && principal_.kind == Who::user) return give(values, std::string(last_part(principal_.arn)));
  if (name == "sourceidentity" && !principal_.source_identity.empty()) return give(values, principal_.source_identity);
  if (principal_.session_issued.ms) {
    if (name == "tokenissuetime") return give(values, base::iso8601(principal_.session_issued));
    if (name == "multifactorauthpresent") return give(values, "false");
  }
  return false;
}

}  // namespace lambari::iam
