// Long-lived access keys of users and of the root user.
#include <fmt/format.h>

#include "base/ids.h"
#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

constexpr std::size_t kMaxKeys = 2;

std::vector<std::string> ids_of(store::Reader& reader, std::string_view account, std::string_view user) {
  std::vector<std::string> out;
  for (const auto& row : reader.scan(store::prefix_range(keys::keys_of(account, user)), 100)) {
    std::string id;
    if (keys::read_key_of(row.key, id)) out.push_back(std::move(id));
  }
  return out;
}

// The name as it was given when the user was made; "root" for the root user.
std::string shown_name(store::Reader& reader, std::string_view account, const std::string& user) {
  return user.empty() ? "root" : require_entity(reader, account, Kind::user, user).name;
}

AccessKeyRow require_key(store::Reader& reader, std::string_view account, const std::string& user, const std::string& id) {
  if (!user.empty()) require_entity(reader, account, Kind::user, user);
  if (auto row = reader.get(keys::access_key(id))) {
    auto key = decode_key(*row);
    if (key.account == account && base::iequals(key.user, user)) return key;
  }
  throw NoSuchEntityException(fmt::format("The Access Key with id {} cannot be found.", id));
}

}  // namespace

async::Task<CreateAccessKeyResponse> IamApi::CreateAccessKey(const wire::Call& call, CreateAccessKeyRequest request) {
  const auto user = user_name_of(call, request.UserName);
  const auto id = "AKIA" + base::random_text(16, base::kUpperBase32);
  AccessKeyRow key{call.account, user, base::random_text(40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
                   true, call.time.ms};
  CreateAccessKeyResponse out;
  co_await commit(state_, [&](store::Transaction& t) {
    out.AccessKey.UserName = shown_name(t, call.account, user);
    if (!user.empty()) key.user = out.AccessKey.UserName;
    if (ids_of(t, call.account, user).size() >= kMaxKeys) {
      throw LimitExceededException(fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kMaxKeys));
    }
    t.put(keys::access_key(id), encode(key));
    t.put(keys::key_of(call.account, user, id), "");
  });
  out.AccessKey.AccessKeyId = id;
  out.AccessKey.Status = "Active";
  out.AccessKey.SecretAccessKey = key.secret;
  out.AccessKey.CreateDate = base::Timestamp{key.created};
  co_return out;
}

async::Task<ListAccessKeysResponse> IamApi::ListAccessKeys(const wire::Call& call, ListAccessKeysRequest request) {
  const auto user = user_name_of(call, request.UserName);
  auto reader = state_.store.read();
  const auto name = shown_name(*reader, call.account, user);
  std::vector<AccessKeyMetadata> items;
  for (const auto& id : ids_of(*reader, call.account, user)) {
    const auto row = reader->get(keys::access_key(id));
    if (!row) continue;
    const auto key = decode_key(*row);
    AccessKeyMetadata item;
    item.UserName = name;
    item.AccessKeyId = id;
    item.Status = key.active ? "Active" : "Inactive";
    item.CreateDate = base::Timestamp{key.created};
    items.push_back(std::move(item));
  }
  ListAccessKeysResponse out;
  out.AccessKeyMetadata = page_of(std::move(items), request.Marker, request.MaxItems, out);
  co_return out;
}

async::Task<> IamApi::UpdateAccessKey(const wire::Call& call, UpdateAccessKeyRequest request) {
  const auto user = user_name_of(call, request.UserName);
  if (request.Status != "Active" && request.Status != "Inactive") {
    throw wire::Fault(
        "ValidationError",
        fmt::format("1 validation error detected: Value '{}' at 'status' failed to satisfy constraint: Member must satisfy "
                    "enum value set: [Active, Inactive]",
                    request.Status),
        400);
  }
  co_await commit(state_, [&](store::Transaction& t) {
    auto key = require_key(t, call.account, user, request.AccessKeyId);
    key.active = request.Status == "Active";
    t.put(keys::access_key(request.AccessKeyId), encode(key));
  });
}

async::Task<> IamApi::DeleteAccessKey(const wire::Call& call, DeleteAccessKeyRequest request) {
  const auto user = user_name_of(call, request.UserName);
  co_await commit(state_, [&](store::Transaction& t) {
    require_key(t, call.account, user, request.AccessKeyId);
    t.erase(keys::access_key(request.AccessKeyId));
    t.erase(keys::key_of(call.account, user, request.AccessKeyId));
  });
}

async::Task<GetAccessKeyLastUsedResponse> IamApi::GetAccessKeyLastUsed(const wire::Call& call,
                                                                       GetAccessKeyLastUsedRequest request) {
  const auto row = state_.store.read()->get(keys::access_key(request.AccessKeyId));
  if (!row || decode_key(*row).account != call.account) {
    throw wire::Fault("AccessDenied",
                      fmt::format("User: {} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key {}",
                                  call.principal.arn, request.AccessKeyId),
                      403);
  }
  GetAccessKeyLastUsedResponse out;
  const auto user = decode_key(*row).user;
  out.UserName = user.empty() ? "root" : user;
  auto& used = out.AccessKeyLastUsed.emplace();  // not tracked: what AWS says of a key that was never used
  used.ServiceName = "N/A";
  used.Region = "N/A";
  co_return out;
}

}  // namespace lambari::iam
