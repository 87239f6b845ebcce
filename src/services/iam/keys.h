// The only place that spells the keys of this room. IAM is global: nothing here is scoped by region. Names are unique
// without regard to case, so keys hold them in lower case.
//
//   iam/entity    account kind name           -> Entity           (kind: role, user, group)
//   iam/policy    account name                -> ManagedPolicy
//   iam/attached  account policy-arn use kind name -> ""          (use: policy, boundary)
//   iam/member    account group user          -> ""
//   iam/key       access-key-id               -> AccessKeyRow
//   iam/key-of    account user access-key-id  -> ""               (user: empty for root)
//   iam/alias     account                     -> alias
//   iam/alias-of  alias                       -> account
//   iam/seal                                  -> the key that seals session tokens
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"
#include "services/iam/model.h"
#include "store/key.h"

namespace lambari::iam::keys {

inline constexpr std::string_view kTables[] = {"iam/entity", "iam/policy", "iam/attached", "iam/member",
                                               "iam/key",    "iam/key-of", "iam/alias",    "iam/alias-of"};

inline std::string entities(std::string_view account, Kind kind) {
  return store::Key("iam/entity").text(account).text(word(kind)).str();
}
inline std::string entity(std::string_view account, Kind kind, std::string_view name) {
  return store::Key("iam/entity").text(account).text(word(kind)).text(base::lower(name)).str();
}
inline std::string policies(std::string_view account) { return store::Key("iam/policy").text(account).str(); }
inline std::string policy(std::string_view account, std::string_view name) {
  return store::Key("iam/policy").text(account).text(base::lower(name)).str();
}
inline std::string attachments(std::string_view account, std::string_view arn) {
  return store::Key("iam/attached").text(account).text(arn).str();
}
inline std::string attachments(std::string_view account) { return store::Key("iam/attached").text(account).str(); }
inline std::string attachment(std::string_view account, std::string_view arn, std::string_view use, Kind kind,
                              std::string_view name) {
  return store::Key("iam/attached").text(account).text(arn).text(use).text(word(kind)).text(base::lower(name)).str();
}
bool read_attachment(std::string_view key, std::string& arn, std::string& use, std::string& kind, std::string& name);

inline std::string members(std::string_view account, std::string_view group) {
  return store::Key("iam/member").text(account).text(base::lower(group)).str();
}
inline std::string member(std::string_view account, std::string_view group, std::string_view user) {
  return store::Key("iam/member").text(account).text(base::lower(group)).text(base::lower(user)).str();
}
bool read_member(std::string_view key, std::string& user);

inline std::string access_key(std::string_view id) { return store::Key("iam/key").text(id).str(); }
inline std::string keys_of(std::string_view account, std::string_view user) {
  return store::Key("iam/key-of").text(account).text(base::lower(user)).str();
}
inline std::string key_of(std::string_view account, std::string_view user, std::string_view id) {
  return store::Key("iam/key-of").text(account).text(base::lower(user)).text(id).str();
}
bool read_key_of(std::string_view key, std::string& id);

inline std::string alias(std::string_view account) { return store::Key("iam/alias").text(account).str(); }
inline std::string alias_of(std::string_view alias) { return store::Key("iam/alias-of").text(alias).str(); }
inline std::string seal() { return store::Key("iam/seal").str(); }

inline std::string after(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace lambari::iam::keys
