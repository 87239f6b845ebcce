// What the room keeps: plain values, and their text in a row.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lambari::iam {

enum class Kind { role, user, group };

std::string_view word(Kind kind);         // "role"
std::string_view capitalized(Kind kind);  // "Role"

// A role, user or group: what policies attach to.
struct Entity {
  Kind kind = Kind::role;
  std::string account, name, id, path = "/";
  std::int64_t created = 0;                            // ms
  std::map<std::string, std::string> inline_policies;  // name -> document, as written
  std::vector<std::string> attached;                   // ARNs of managed policies, in order of attachment
  std::string boundary;                                // ARN; roles and users
  std::vector<std::pair<std::string, std::string>> tags;
  // roles
  std::string trust, description;
  std::int32_t max_session = 3600;  // seconds
  // users
  std::vector<std::string> groups;

  std::string arn() const;
};

struct PolicyVersionRow {
  int number = 1;
  std::string document;
  std::int64_t created = 0;
};

// A customer managed policy.
struct ManagedPolicy {
  std::string account, name, id, path = "/", description;
  std::int64_t created = 0, updated = 0;
  int default_version = 1, next_version = 2;
  std::vector<PolicyVersionRow> versions;  // ascending
  std::vector<std::pair<std::string, std::string>> tags;

  std::string arn() const;
  const PolicyVersionRow* version(int number) const;
};

struct AccessKeyRow {
  std::string account, user;  // empty: the root user
  std::string secret;
  bool active = true;
  std::int64_t created = 0;
};

std::string encode(const Entity& entity);
std::string encode(const ManagedPolicy& policy);
std::string encode(const AccessKeyRow& key);
// A row that cannot be read is a broken invariant: they throw std::runtime_error.
Entity decode_entity(std::string_view row);
ManagedPolicy decode_policy(std::string_view row);
AccessKeyRow decode_key(std::string_view row);

// "arn:aws:iam::<account>:<kind><path><name>"
std::string iam_arn(std::string_view account, std::string_view kind, std::string_view path, std::string_view name);

// The parts of an IAM ARN: "arn:aws:iam::123456789012:role/service-role/x".
struct IamArn {
  std::string account;  // 12 digits or "aws"
  std::string kind;     // "role"
  std::string path = "/";
  std::string name;
};
std::optional<IamArn> parse_iam_arn(std::string_view arn);

}  // namespace lambari::iam
