#include "services/iam/rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/ids.h"
#include "services/iam/context.h"
#include "services/iam/managed.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {
constexpr std::size_t kMaxTags = 50;
constexpr std::size_t kScanned = 256;
}  // namespace

std::optional<Entity> find_entity(store::Reader& reader, std::string_view account, Kind kind, std::string_view name) {
  return reader.get(keys::entity(account, kind, name)).transform(decode_entity);
}

Entity require_entity(store::Reader& reader, std::string_view account, Kind kind, std::string_view name) {
  auto entity = find_entity(reader, account, kind, name);
  if (!entity) throw NoSuchEntityException(fmt::format("The {} with name {} cannot be found.", word(kind), name));
  return std::move(*entity);
}

void put_entity(store::Transaction& t, const Entity& entity) {
  t.put(keys::entity(entity.account, entity.kind, entity.name), encode(entity));
}

void add_entity(store::Transaction& t, const Entity& entity) {
  if (find_entity(t, entity.account, entity.kind, entity.name)) {
    throw EntityAlreadyExistsException(fmt::format("{} with name {} already exists.", capitalized(entity.kind), entity.name));
  }
  put_entity(t, entity);
}

async::Task<> commit(State& state, std::function<void(store::Transaction&)> body) {
  co_await state.store.commit(std::move(body));
  invalidate(state);
}

async::Task<> change_entity(State& state, std::string account, Kind kind, std::string name,
                            std::function<void(store::Transaction&, Entity&)> change) {
  co_await commit(state, [&](store::Transaction& t) {
    auto entity = require_entity(t, account, kind, name);
    change(t, entity);
    put_entity(t, entity);
  });
}

ManagedPolicy require_policy(store::Reader& reader, std::string_view account, const std::string& arn) {
  const auto parsed = parse_iam_arn(arn);
  if (parsed && parsed->kind == "policy" && parsed->account == account) {
    if (auto row = reader.get(keys::policy(account, parsed->name))) {
      auto policy = decode_policy(*row);
      if (policy.arn() == arn) return policy;
    }
  }
  throw NoSuchEntityException(fmt::format("Policy {} was not found.", arn));
}

void put_policy(store::Transaction& t, const ManagedPolicy& policy) {
  t.put(keys::policy(policy.account, policy.name), encode(policy));
}

void require_customer_policy(const wire::Call& call, std::string_view action, const std::string& arn) {
  if (!arn.starts_with("arn:aws:iam::aws:policy/")) return;
  throw wire::Fault(
      "AccessDenied",
      fmt::format("User: {} is not authorized to perform: iam:{} on resource: policy {}", call.principal.arn, action, arn), 403);
}

bool policy_exists(store::Reader& reader, std::string_view account, const std::string& arn) {
  if (find_aws_policy(arn)) return true;
  try {
    require_policy(reader, account, arn);
    return true;
  } catch (const NoSuchEntityException&) {
    return false;
  }
}

std::string new_id(std::string_view prefix) { return std::string(prefix) + base::random_text(17, base::kUpperBase32); }

void check_document(const std::string& document, lang::PolicyKind kind) {
  try {
    lang::Policy::parse(document, kind);
  } catch (const lang::PolicyError& error) {
    throw MalformedPolicyDocumentException(error.what());
  }
}

std::size_t size_without_spaces(std::string_view document) {
  return static_cast<std::size_t>(
      std::ranges::count_if(document, [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

void add_tags(Tags& tags, const std::vector<Tag>& added) {
  std::vector<std::string> seen;
  for (const auto& tag : added) {
    const auto name = base::lower(tag.Key);
    if (name.starts_with("aws:")) throw InvalidInputException("aws: prefixed tag key names are not allowed for external use.");
    if (std::ranges::find(seen, name) != seen.end()) {
      throw InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    seen.push_back(name);
    const auto old = std::ranges::find_if(tags, [&](const auto& pair) { return base::iequals(pair.first, tag.Key); });
    if (old == tags.end()) {
      tags.emplace_back(tag.Key, tag.Value);
    } else {
      *old = {tag.Key, tag.Value};
    }
  }
  if (tags.size() > kMaxTags) throw LimitExceededException("The number of tags has reached the maximum limit.");
}

void remove_tags(Tags& tags, const std::vector<std::string>& names) {
  std::erase_if(tags, [&](const auto& pair) {
    return std::ranges::any_of(names, [&](const std::string& name) { return base::iequals(name, pair.first); });
  });
}

std::vector<Tag> to_tags(const Tags& tags) {
  std::vector<Tag> out;
  for (const auto& [key, value] : tags) out.push_back({key, value});
  return out;
}

std::string marker_of(std::string_view last) { return base::base64url(last); }

std::string marker_text(const std::optional<std::string>& marker) {
  if (!marker) return {};
  auto text = base::unbase64url(*marker);
  if (!text) throw wire::Fault("ValidationError", "Invalid Marker.", 400);
  return std::move(*text);
}

void each_entity(store::Reader& reader, std::string_view account, Kind kind, std::string_view after,
                 const std::function<bool(Entity)>& visit) {
  auto range = store::prefix_range(keys::entities(account, kind));
  if (!after.empty()) range.begin = keys::after(keys::entity(account, kind, after));
  while (true) {
    auto rows = reader.scan(range, kScanned);
    for (const auto& row : rows) {
      if (!visit(decode_entity(row.value))) return;
    }
    if (rows.size() < kScanned) return;
    range.begin = keys::after(rows.back().key);
  }
}

namespace {
std::optional<AttachedPermissionsBoundary> to_boundary(const Entity& entity) {
  if (entity.boundary.empty()) return std::nullopt;
  AttachedPermissionsBoundary out;
  out.PermissionsBoundaryType = "Policy";
  out.PermissionsBoundaryArn = entity.boundary;
  return out;
}
}  // namespace

Role to_role(const Entity& entity, bool whole) {
  Role out;
  out.Path = entity.path;
  out.RoleName = entity.name;
  out.RoleId = entity.id;
  out.Arn = entity.arn();
  out.CreateDate = base::Timestamp{entity.created};
  out.AssumeRolePolicyDocument = base::percent_encode(entity.trust);
  if (!entity.description.empty()) out.Description = entity.description;
  out.MaxSessionDuration = entity.max_session;
  if (!whole) return out;
  out.PermissionsBoundary = to_boundary(entity);
  if (!entity.tags.empty()) out.Tags = to_tags(entity.tags);
  return out;
}

User to_user(const Entity& entity, bool whole) {
  User out;
  out.Path = entity.path;
  out.UserName = entity.name;
  out.UserId = entity.id;
  out.Arn = entity.arn();
  out.CreateDate = base::Timestamp{entity.created};
  if (!whole) return out;
  out.PermissionsBoundary = to_boundary(entity);
  if (!entity.tags.empty()) out.Tags = to_tags(entity.tags);
  return out;
}

Group to_group(const Entity& entity) {
  Group out;
  out.Path = entity.path;
  out.GroupName = entity.name;
  out.GroupId = entity.id;
  out.Arn = entity.arn();
  out.CreateDate = base::Timestamp{entity.created};
  return out;
}

std::string user_name_of(const wire::Call& call, const std::optional<std::string>& name) {
  if (name) return *name;
  using Who = contracts::Principal::Kind;
  if (call.principal.kind == Who::root) return {};
  if (call.principal.kind == Who::user) return std::string(last_part(call.principal.arn));
  throw wire::Fault("ValidationError", "Must specify userName when calling with non-User credentials", 400);
}

}  // namespace lambari::iam
