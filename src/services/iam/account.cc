// The account as a whole: its alias, and what it has against its quotas.
#include <fmt/format.h>

#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

std::int32_t count(store::Reader& reader, store::Range range) {
  std::int32_t out = 0;
  while (true) {
    auto rows = reader.scan(range, 1000);
    out += static_cast<std::int32_t>(rows.size());
    if (rows.size() < 1000) return out;
    range.begin = keys::after(rows.back().key);
  }
}

}  // namespace

async::Task<GetAccountSummaryResponse> IamApi::GetAccountSummary(const wire::Call& call) {
  auto reader = state_.store.read();
  auto entities = [&](Kind kind) { return count(*reader, store::prefix_range(keys::entities(call.account, kind))); };
  const auto policies = count(*reader, store::prefix_range(keys::policies(call.account)));
  std::int32_t versions = 0;
  auto range = store::prefix_range(keys::policies(call.account));
  while (true) {
    auto rows = reader->scan(range, 256);
    for (const auto& row : rows) versions += static_cast<std::int32_t>(decode_policy(row.value).versions.size());
    if (rows.size() < 256) break;
    range.begin = keys::after(rows.back().key);
  }
  GetAccountSummaryResponse out;
  out.SummaryMap = std::map<std::string, std::int32_t>{
      {"Users", entities(Kind::user)},
      {"UsersQuota", 5000},
      {"Groups", entities(Kind::group)},
      {"GroupsQuota", 300},
      {"Roles", entities(Kind::role)},
      {"RolesQuota", 1000},
      {"Policies", policies},
      {"PoliciesQuota", 1500},
      {"PolicySizeQuota", 6144},
      {"PolicyVersionsInUse", versions},
      {"PolicyVersionsInUseQuota", 10000},
      {"VersionsPerPolicyQuota", 5},
      {"AccessKeysPerUserQuota", 2},
      {"GroupsPerUserQuota", 10},
      {"AttachedPoliciesPerRoleQuota", 10},
      {"AttachedPoliciesPerUserQuota", 10},
      {"AttachedPoliciesPerGroupQuota", 10},
      {"AssumeRolePolicySizeQuota", 2048},
      {"UserPolicySizeQuota", 2048},
      {"GroupPolicySizeQuota", 5120},
      {"InstanceProfiles", 0},
      {"InstanceProfilesQuota", 1000},
      {"ServerCertificates", 0},
      {"ServerCertificatesQuota", 20},
      {"SigningCertificatesPerUserQuota", 2},
      {"MFADevices", 0},
      {"MFADevicesInUse", 0},
      {"AccountMFAEnabled", 0},
      {"AccountPasswordPresent", 1},
      {"AccountAccessKeysPresent", reader->scan(store::prefix_range(keys::keys_of(call.account, "")), 1).empty() ? 0 : 1},
      {"AccountSigningCertificatesPresent", 0},
      {"Providers", 0},
      {"GlobalEndpointTokenVersion", 1},
  };
  co_return out;
}

async::Task<ListAccountAliasesResponse> IamApi::ListAccountAliases(const wire::Call& call, ListAccountAliasesRequest request) {
  ListAccountAliasesResponse out;
  out.IsTruncated = false;
  if (auto row = state_.store.read()->get(keys::alias(call.account))) out.AccountAliases.push_back(*row);
  co_return out;
}

async::Task<> IamApi::CreateAccountAlias(const wire::Call& call, CreateAccountAliasRequest request) {
  co_await state_.store.commit([&](store::Transaction& t) {
    const auto owner = t.get(keys::alias_of(request.AccountAlias));
    if (owner && *owner != call.account) {
      throw EntityAlreadyExistsException(fmt::format("The account alias {} already exists.", request.AccountAlias));
    }
    if (auto old = t.get(keys::alias(call.account))) t.erase(keys::alias_of(*old));  // an account has one
    t.put(keys::alias(call.account), request.AccountAlias);
    t.put(keys::alias_of(request.AccountAlias), call.account);
  });
}

async::Task<> IamApi::DeleteAccountAlias(const wire::Call& call, DeleteAccountAliasRequest request) {
  co_await state_.store.commit([&](store::Transaction& t) {
    const auto old = t.get(keys::alias(call.account));
    if (!old || *old != request.AccountAlias) {
      throw NoSuchEntityException(fmt::format("The account alias {} cannot be found.", request.AccountAlias));
    }
    t.erase(keys::alias(call.account));
    t.erase(keys::alias_of(request.AccountAlias));
  });
}

}  // namespace lambari::iam
