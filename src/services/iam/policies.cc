// Managed policies and their versions: the customers' in rows, AWS's built in.
#include <fmt/format.h>

#include <algorithm>

#include "services/iam/iam_api.h"
#include "services/iam/managed.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

constexpr std::size_t kMaxSize = 6144;  // characters without spaces
constexpr std::size_t kMaxVersions = 5;
constexpr std::int64_t kAwsPolicyCreated = 1'423'173'600'000;  // 2015-02-05, when most of AWS's own were made

void check_size(const std::string& document) {
  if (size_without_spaces(document) > kMaxSize)
    throw LimitExceededException(fmt::format("Cannot exceed quota for PolicySize: {}", kMaxSize));
}

// Users of a policy in one account: how many it is attached to, and how many it bounds.
std::pair<std::int32_t, std::int32_t> usage(store::Reader& reader, const std::string& account, const std::string& arn) {
  std::int32_t attached = 0, bounded = 0;
  for (const auto& row : reader.scan(store::prefix_range(keys::attachments(account, arn)), 20'000)) {
    std::string a, use, kind, name;
    if (keys::read_attachment(row.key, a, use, kind, name)) ++(use == "policy" ? attached : bounded);
  }
  return {attached, bounded};
}

Policy to_policy(store::Reader& reader, const ManagedPolicy& policy, bool whole) {
  Policy out;
  out.PolicyName = policy.name;
  out.PolicyId = policy.id;
  out.Arn = policy.arn();
  out.Path = policy.path;
  out.DefaultVersionId = fmt::format("v{}", policy.default_version);
  const auto [attached, bounded] = usage(reader, policy.account, policy.arn());
  out.AttachmentCount = attached;
  out.PermissionsBoundaryUsageCount = bounded;
  out.IsAttachable = true;
  out.CreateDate = base::Timestamp{policy.created};
  out.UpdateDate = base::Timestamp{policy.updated};
  if (!whole) return out;
  if (!policy.description.empty()) out.Description = policy.description;
  if (!policy.tags.empty()) out.Tags = to_tags(policy.tags);
  return out;
}

// The same name always gets the same id, as if AWS had given it once.
std::string aws_policy_id(const AwsPolicy& policy) {
  std::string out = "ANPA";
  std::uint64_t state = 0xcbf29ce484222325;
  for (const char c : policy.name) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  for (int i = 0; i < 17; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    out.push_back("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[state >> 59]);
  }
  return out;
}

Policy to_policy(store::Reader& reader, const std::string& account, const AwsPolicy& policy, bool whole) {
  Policy out;
  out.PolicyName = std::string(policy.name);
  out.PolicyId = aws_policy_id(policy);
  out.Arn = aws_policy_arn(policy);
  out.Path = std::string(policy.path);
  out.DefaultVersionId = fmt::format("v{}", policy.version);
  const auto [attached, bounded] = usage(reader, account, *out.Arn);
  out.AttachmentCount = attached;
  out.PermissionsBoundaryUsageCount = bounded;
  out.IsAttachable = true;
  out.CreateDate = base::Timestamp{kAwsPolicyCreated};
  out.UpdateDate = base::Timestamp{kAwsPolicyCreated};
  if (whole && !policy.description.empty()) out.Description = std::string(policy.description);
  return out;
}

PolicyVersion to_version(const ManagedPolicy& policy, const PolicyVersionRow& row, bool whole) {
  PolicyVersion out;
  if (whole) out.Document = base::percent_encode(row.document);
  out.VersionId = fmt::format("v{}", row.number);
  out.IsDefaultVersion = row.number == policy.default_version;
  out.CreateDate = base::Timestamp{row.created};
  return out;
}

PolicyVersion aws_version(const AwsPolicy& policy, bool whole) {
  PolicyVersion out;
  if (whole) out.Document = base::percent_encode(policy.document);
  out.VersionId = fmt::format("v{}", policy.version);
  out.IsDefaultVersion = true;
  out.CreateDate = base::Timestamp{kAwsPolicyCreated};
  return out;
}

int version_number(const std::string& id) {
  const auto number = id.starts_with('v') ? base::parse_int(std::string_view(id).substr(1)) : std::nullopt;
  return number && *number > 0 && *number < 1'000'000 ? static_cast<int>(*number) : 0;
}

[[noreturn]] void no_version(const std::string& arn, const std::string& version) {
  throw NoSuchEntityException(fmt::format("Policy {} version {} does not exist or is not attachable.", arn, version));
}

}  // namespace

async::Task<CreatePolicyResponse> IamApi::CreatePolicy(const wire::Call& call, CreatePolicyRequest request) {
  check_document(request.PolicyDocument, lang::PolicyKind::identity);
  check_size(request.PolicyDocument);
  ManagedPolicy policy;
  policy.account = call.account;
  policy.name = request.PolicyName;
  policy.id = new_id("ANPA");
  policy.path = request.Path.value_or("/");
  policy.description = request.Description.value_or("");
  policy.created = policy.updated = call.time.ms;
  policy.versions = {{1, request.PolicyDocument, call.time.ms}};
  if (request.Tags) add_tags(policy.tags, *request.Tags);
  CreatePolicyResponse out;
  co_await commit(state_, [&](store::Transaction& t) {
    if (t.get(keys::policy(policy.account, policy.name))) {
      throw EntityAlreadyExistsException(
          fmt::format("A policy called {} already exists. Duplicate names are not allowed.", policy.name));
    }
    put_policy(t, policy);
    out.Policy = to_policy(t, policy, false);
  });
  if (!policy.tags.empty()) out.Policy->Tags = to_tags(policy.tags);
  co_return out;
}

async::Task<GetPolicyResponse> IamApi::GetPolicy(const wire::Call& call, GetPolicyRequest request) {
  auto reader = state_.store.read();
  GetPolicyResponse out;
  if (const auto* policy = find_aws_policy(request.PolicyArn)) {
    out.Policy = to_policy(*reader, call.account, *policy, true);
  } else {
    out.Policy = to_policy(*reader, require_policy(*reader, call.account, request.PolicyArn), true);
  }
  co_return out;
}

async::Task<ListPoliciesResponse> IamApi::ListPolicies(const wire::Call& call, ListPoliciesRequest request) {
  auto reader = state_.store.read();
  const auto scope = request.Scope.value_or("All");
  const auto prefix = request.PathPrefix.value_or("/");
  const bool attached_only = request.OnlyAttached.value_or(false);
  const auto use = request.PolicyUsageFilter.value_or("");
  std::vector<Policy> policies;
  auto add = [&](Policy policy) {
    if (!policy.Path->starts_with(prefix)) return;
    const auto attached = policy.AttachmentCount.value_or(0), bounded = policy.PermissionsBoundaryUsageCount.value_or(0);
    if (attached_only && attached + bounded == 0) return;
    if (use == "PermissionsPolicy" && attached_only && attached == 0) return;
    if (use == "PermissionsBoundary" && bounded == 0) return;
    policies.push_back(std::move(policy));
  };
  if (scope != "AWS") {
    auto range = store::prefix_range(keys::policies(call.account));
    while (true) {
      auto rows = reader->scan(range, 256);
      for (const auto& row : rows) add(to_policy(*reader, decode_policy(row.value), false));
      if (rows.size() < 256) break;
      range.begin = keys::after(rows.back().key);
    }
  }
  if (scope != "Local") {
    for (const auto& policy : aws_policies()) add(to_policy(*reader, call.account, policy, false));
  }
  ListPoliciesResponse out;
  out.Policies = page_of(std::move(policies), request.Marker, request.MaxItems, out);
  co_return out;
}

async::Task<> IamApi::DeletePolicy(const wire::Call& call, DeletePolicyRequest request) {
  require_customer_policy(call, "DeletePolicy", request.PolicyArn);
  co_await commit(state_, [&](store::Transaction& t) {
    const auto policy = require_policy(t, call.account, request.PolicyArn);
    if (!t.scan(store::prefix_range(keys::attachments(call.account, request.PolicyArn)), 1).empty()) {
      throw DeleteConflictException("Cannot delete a policy attached to entities.");
    }
    if (policy.versions.size() > 1) {
      throw DeleteConflictException(
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default "
          "version is "
          "deleted with the policy.");
    }
    t.erase(keys::policy(policy.account, policy.name));
  });
}

async::Task<CreatePolicyVersionResponse> IamApi::CreatePolicyVersion(const wire::Call& call, CreatePolicyVersionRequest request) {
  require_customer_policy(call, "CreatePolicyVersion", request.PolicyArn);
  check_document(request.PolicyDocument, lang::PolicyKind::identity);
  check_size(request.PolicyDocument);
  CreatePolicyVersionResponse out;
  co_await commit(state_, [&](store::Transaction& t) {
    auto policy = require_policy(t, call.account, request.PolicyArn);
    if (policy.versions.size() >= kMaxVersions) {
      throw LimitExceededException(
          "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.");
    }
    policy.versions.push_back({policy.next_version++, request.PolicyDocument, call.time.ms});
    policy.updated = call.time.ms;
    if (request.SetAsDefault.value_or(false)) policy.default_version = policy.versions.back().number;
    put_policy(t, policy);
    out.PolicyVersion = to_version(policy, policy.versions.back(), false);
  });
  co_return out;
}

async::Task<GetPolicyVersionResponse> IamApi::GetPolicyVersion(const wire::Call& call, GetPolicyVersionRequest request) {
  GetPolicyVersionResponse out;
  if (const auto* policy = find_aws_policy(request.PolicyArn)) {
    if (version_number(request.VersionId) != policy->version) no_version(request.PolicyArn, request.VersionId);
    out.PolicyVersion = aws_version(*policy, true);
    co_return out;
  }
  const auto policy = require_policy(*state_.store.read(), call.account, request.PolicyArn);
  const auto* version = policy.version(version_number(request.VersionId));
  if (!version) no_version(request.PolicyArn, request.VersionId);
  out.PolicyVersion = to_version(policy, *version, true);
  co_return out;
}

async::Task<ListPolicyVersionsResponse> IamApi::ListPolicyVersions(const wire::Call& call, ListPolicyVersionsRequest request) {
  std::vector<PolicyVersion> versions;
  if (const auto* policy = find_aws_policy(request.PolicyArn)) {
    versions.push_back(aws_version(*policy, false));
  } else {
    const auto found = require_policy(*state_.store.read(), call.account, request.PolicyArn);
    for (const auto& version : found.versions) versions.push_back(to_version(found, version, false));
    std::ranges::reverse(versions);  // the newest first
  }
  ListPolicyVersionsResponse out;
  out.Versions = page_of(std::move(versions), request.Marker, request.MaxItems, out);
  co_return out;
}

async::Task<> IamApi::DeletePolicyVersion(const wire::Call& call, DeletePolicyVersionRequest request) {
  require_customer_policy(call, "DeletePolicyVersion", request.PolicyArn);
  co_await commit(state_, [&](store::Transaction& t) {
    auto policy = require_policy(t, call.account, request.PolicyArn);
    const auto number = version_number(request.VersionId);
    if (!policy.version(number)) no_version(request.PolicyArn, request.VersionId);
    if (number == policy.default_version) throw DeleteConflictException("Cannot delete the default version of a policy.");
    std::erase_if(policy.versions, [&](const PolicyVersionRow& row) { return row.number == number; });
    put_policy(t, policy);
  });
}

async::Task<> IamApi::SetDefaultPolicyVersion(const wire::Call& call, SetDefaultPolicyVersionRequest request) {
  require_customer_policy(call, "SetDefaultPolicyVersion", request.PolicyArn);
  co_await commit(state_, [&](store::Transaction& t) {
    auto policy = require_policy(t, call.account, request.PolicyArn);
    const auto number = version_number(request.VersionId);
    if (!policy.version(number)) no_version(request.PolicyArn, request.VersionId);
    policy.default_version = number;
    policy.updated = call.time.ms;
    put_policy(t, policy);
  });
}

async::Task<ListEntitiesForPolicyResponse> IamApi::ListEntitiesForPolicy(const wire::Call& call,
                                                                         ListEntitiesForPolicyRequest request) {
  auto reader = state_.store.read();
  if (!policy_exists(*reader, call.account, request.PolicyArn))
    throw NoSuchEntityException(fmt::format("Policy {} was not found.", request.PolicyArn));
  const auto filter = request.EntityFilter.value_or("");
  const auto use_filter = request.PolicyUsageFilter.value_or("");
  const auto prefix = request.PathPrefix.value_or("/");
  std::vector<Entity> entities;
  for (const auto& row : reader->scan(store::prefix_range(keys::attachments(call.account, request.PolicyArn)), 20'000)) {
    std::string arn, use, kind_text, name;
    if (!keys::read_attachment(row.key, arn, use, kind_text, name)) continue;
    if ((use_filter == "PermissionsPolicy" && use != "policy") || (use_filter == "PermissionsBoundary" && use != "boundary"))
      continue;
    const auto kind = kind_text == "role" ? Kind::role : kind_text == "user" ? Kind::user : Kind::group;
    if (!filter.empty() && filter != capitalized(kind)) continue;
    auto entity = find_entity(*reader, call.account, kind, name);
    if (!entity || !entity->path.starts_with(prefix)) continue;
    if (std::ranges::any_of(entities, [&](const Entity& other) { return other.id == entity->id; })) continue;
    entities.push_back(std::move(*entity));
  }
  ListEntitiesForPolicyResponse out;
  auto& groups = out.PolicyGroups.emplace();
  auto& users = out.PolicyUsers.emplace();
  auto& roles = out.PolicyRoles.emplace();
  for (const auto& entity : page_of(std::move(entities), request.Marker, request.MaxItems, out)) {
    if (entity.kind == Kind::role) roles.push_back({entity.name, entity.id});
    if (entity.kind == Kind::user) users.push_back({entity.name, entity.id});
    if (entity.kind == Kind::group) groups.push_back({entity.name, entity.id});
  }
  co_return out;
}

}  // namespace lambari::iam
