#include "services/iam/model.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/json.h"
#include "base/text.h"
#include "store/json_row.h"

namespace lambari::iam {

namespace json = base::json;
namespace json_row = store::json_row;
using json_row::number;
using json_row::text;

namespace {

using Tags = std::vector<std::pair<std::string, std::string>>;

json::array list(const std::vector<std::string>& values) { return json::array(values.begin(), values.end()); }

std::vector<std::string> list(const json::object& row, std::string_view name) {
  std::vector<std::string> out;
  if (const auto* values = row.if_contains(name)) {
    for (const auto& value : values->as_array()) out.emplace_back(value.as_string());
  }
  return out;
}

json::array pairs(const Tags& tags) {
  json::array out;
  for (const auto& [key, value] : tags) out.push_back(json::array{json::string(key), json::string(value)});
  return out;
}

Tags pairs(const json::object& row, std::string_view name) {
  Tags out;
  if (const auto* values = row.if_contains(name)) {
    for (const auto& pair : values->as_array())
      out.emplace_back(pair.as_array().at(0).as_string(), pair.as_array().at(1).as_string());
  }
  return out;
}

}  // namespace

std::string_view word(Kind kind) { return kind == Kind::role ? "role" : kind == Kind::user ? "user" : "group"; }
std::string_view capitalized(Kind kind) { return kind == Kind::role ? "Role" : kind == Kind::user ? "User" : "Group"; }

std::string iam_arn(std::string_view account, std::string_view kind, std::string_view path, std::string_view name) {
  return fmt::format("arn:aws:iam::{}:{}{}{}", account, kind, path, name);
}

std::string Entity::arn() const { return iam_arn(account, word(kind), path, name); }
std::string ManagedPolicy::arn() const { return iam_arn(account, "policy", path, name); }

const PolicyVersionRow* ManagedPolicy::version(int number) const {
  for (const auto& version : versions) {
    if (version.number == number) return &version;
  }
  return nullptr;
}

std::optional<IamArn> parse_iam_arn(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "iam" || !parts[3].empty()) return std::nullopt;
  const auto first = parts[5].find('/'), last = parts[5].rfind('/');
  if (first == parts[5].npos || last + 1 == parts[5].size()) return std::nullopt;
  IamArn out;
  out.account = std::string(parts[4]);
  out.kind = std::string(parts[5].substr(0, first));
  out.path = std::string(parts[5].substr(first, last - first + 1));
  out.name = std::string(parts[5].substr(last + 1));
  return out;
}

std::string encode(const Entity& entity) {
  json::object row{{"kind", word(entity.kind)}, {"account", entity.account}, {"name", entity.name},
                   {"id", entity.id},           {"path", entity.path},       {"created", entity.created}};
  if (!entity.inline_policies.empty()) {
    json::object policies;
    for (const auto& [name, document] : entity.inline_policies) policies[name] = document;
    row["inline"] = std::move(policies);
  }
  if (!entity.attached.empty()) row["attached"] = list(entity.attached);
  if (!entity.boundary.empty()) row["boundary"] = entity.boundary;
  if (!entity.tags.empty()) row["tags"] = pairs(entity.tags);
  if (entity.kind == Kind::role) {
    row["trust"] = entity.trust;
    row["description"] = entity.description;
    row["max_session"] = entity.max_session;
  }
  if (!entity.groups.empty()) row["groups"] = list(entity.groups);
  return base::to_json(row);
}

Entity decode_entity(std::string_view bytes) {
  const auto row = json_row::parse(bytes);
  Entity out;
  const auto kind = text(row, "kind");
  out.kind = kind == "role" ? Kind::role : kind == "user" ? Kind::user : Kind::group;
  out.account = text(row, "account");
  out.name = text(row, "name");
  out.id = text(row, "id");
  out.path = text(row, "path");
  out.created = number(row, "created");
  if (const auto* policies = row.if_contains("inline")) {
    for (const auto& [name, document] : policies->as_object())
      out.inline_policies[std::string(name)] = std::string(document.as_string());
  }
  out.attached = list(row, "attached");
  out.boundary = text(row, "boundary");
  out.tags = pairs(row, "tags");
  out.trust = text(row, "trust");
  out.description = text(row, "description");
  if (out.kind == Kind::role) out.max_session = static_cast<std::int32_t>(number(row, "max_session"));
  out.groups = list(row, "groups");
  return out;
}

std::string encode(const ManagedPolicy& policy) {
  json::array versions;
  for (const auto& version : policy.versions) {
    versions.push_back(json::object{{"number", version.number}, {"document", version.document}, {"created", version.created}});
  }
  json::object row{{"account", policy.account},
                   {"name", policy.name},
                   {"id", policy.id},
                   {"path", policy.path},
                   {"created", policy.created},
                   {"updated", policy.updated},
                   {"default", policy.default_version},
                   {"next", policy.next_version},
                   {"versions", std::move(versions)}};
  if (!policy.description.empty()) row["description"] = policy.description;
  if (!policy.tags.empty()) row["tags"] = pairs(policy.tags);
  return base::to_json(row);
}

ManagedPolicy decode_policy(std::string_view bytes) {
  const auto row = json_row::parse(bytes);
  ManagedPolicy out;
  out.account = text(row, "account");
  out.name = text(row, "name");
  out.id = text(row, "id");
  out.path = text(row, "path");
  out.description = text(row, "description");
  out.created = number(row, "created");
  out.updated = number(row, "updated");
  out.default_version = static_cast<int>(number(row, "default"));
  out.next_version = static_cast<int>(number(row, "next"));
  for (const auto& value : row.at("versions").as_array()) {
    const auto& version = value.as_object();
    out.versions.push_back({static_cast<int>(number(version, "number")), text(version, "document"), number(version, "created")});
  }
  out.tags = pairs(row, "tags");
  return out;
}

std::string encode(const AccessKeyRow& key) {
  return base::to_json(json::object{
      {"account", key.account}, {"user", key.user}, {"secret", key.secret}, {"active", key.active}, {"created", key.created}});
}

AccessKeyRow decode_key(std::string_view bytes) {
  const auto row = json_row::parse(bytes);
  AccessKeyRow out;
  out.account = text(row, "account");
  out.user = text(row, "user");
  out.secret = text(row, "secret");
  out.active = row.at("active").as_bool();
  out.created = number(row, "created");
  return out;
}

}  // namespace lambari::iam
