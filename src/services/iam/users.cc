// Users.
#include <fmt/format.h>

#include "services/iam/context.h"
#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

std::vector<std::string> key_ids(store::Reader& reader, std::string_view account, std::string_view user) {
  std::vector<std::string> out;
  for (const auto& row : reader.scan(store::prefix_range(keys::keys_of(account, user)), 100)) {
    std::string id;
    if (keys::read_key_of(row.key, id)) out.push_back(std::move(id));
  }
  return out;
}

// Everything that names the user by its name, moved to the new one.
void rename(store::Transaction& t, const Entity& old, Entity& user) {
  t.erase(keys::entity(old.account, Kind::user, old.name));
  for (const auto& arn : old.attached) {
    t.erase(keys::attachment(old.account, arn, "policy", Kind::user, old.name));
    t.put(keys::attachment(old.account, arn, "policy", Kind::user, user.name), "");
  }
  if (!old.boundary.empty()) {
    t.erase(keys::attachment(old.account, old.boundary, "boundary", Kind::user, old.name));
    t.put(keys::attachment(old.account, old.boundary, "boundary", Kind::user, user.name), "");
  }
  for (const auto& group : old.groups) {
    t.erase(keys::member(old.account, group, old.name));
    t.put(keys::member(old.account, group, user.name), "");
  }
  for (const auto& id : key_ids(t, old.account, old.name)) {
    auto key = decode_key(t.get(keys::access_key(id)).value());
    key.user = user.name;
    t.put(keys::access_key(id), encode(key));
    t.erase(keys::key_of(old.account, old.name, id));
    t.put(keys::key_of(old.account, user.name, id), "");
  }
}

}  // namespace

async::Task<CreateUserResponse> IamApi::CreateUser(const wire::Call& call, CreateUserRequest request) {
  Entity user;
  user.kind = Kind::user;
  user.account = call.account;
  user.name = request.UserName;
  user.id = new_id("AIDA");
  user.path = request.Path.value_or("/");
  user.created = call.time.ms;
  user.boundary = request.PermissionsBoundary.value_or("");
  if (request.Tags) add_tags(user.tags, *request.Tags);
  co_await commit(state_, [&](store::Transaction& t) {
    if (!user.boundary.empty() && !policy_exists(t, user.account, user.boundary)) {
      throw NoSuchEntityException(fmt::format("Scope ARN: {} does not exist or is not attachable.", user.boundary));
    }
    add_entity(t, user);
    if (!user.boundary.empty()) t.put(keys::attachment(user.account, user.boundary, "boundary", user.kind, user.name), "");
  });
  CreateUserResponse out;
  out.User = to_user(user, true);
  co_return out;
}

async::Task<GetUserResponse> IamApi::GetUser(const wire::Call& call, GetUserRequest request) {
  const auto name = user_name_of(call, request.UserName);
  GetUserResponse out;
  if (name.empty()) {  // the root user, as AWS shows it
    out.User.Path = "/";
    out.User.UserName = "root";
    out.User.UserId = call.account;
    out.User.Arn = fmt::format("arn:aws:iam::{}:root", call.account);
    co_return out;
  }
  out.User = to_user(require_entity(*state_.store.read(), call.account, Kind::user, name), true);
  co_return out;
}

async::Task<ListUsersResponse> IamApi::ListUsers(const wire::Call& call, ListUsersRequest request) {
  ListUsersResponse out;
  page_of_entities(*state_.store.read(), call.account, Kind::user, request, out,
                   [&](const Entity& user) { out.Users.push_back(to_user(user, false)); });
  co_return out;
}

async::Task<> IamApi::UpdateUser(const wire::Call& call, UpdateUserRequest request) {
  co_await commit(state_, [&](store::Transaction& t) {
    const auto old = require_entity(t, call.account, Kind::user, request.UserName);
    auto user = old;
    if (request.NewPath) user.path = *request.NewPath;
    if (request.NewUserName && *request.NewUserName != old.name) {
      user.name = *request.NewUserName;
      if (!base::iequals(user.name, old.name) && find_entity(t, user.account, Kind::user, user.name)) {
        throw EntityAlreadyExistsException(fmt::format("User with name {} already exists.", user.name));
      }
      rename(t, old, user);
    }
    put_entity(t, user);
  });
}

async::Task<> IamApi::DeleteUser(const wire::Call& call, DeleteUserRequest request) {
  co_await commit(state_, [&](store::Transaction& t) {
    const auto user = require_entity(t, call.account, Kind::user, request.UserName);
    if (!key_ids(t, user.account, user.name).empty())
      throw DeleteConflictException("Cannot delete entity, must delete access keys first.");
    if (!user.attached.empty()) throw DeleteConflictException("Cannot delete entity, must detach all policies first.");
    if (!user.inline_policies.empty()) throw DeleteConflictException("Cannot delete entity, must delete policies first.");
    if (!user.groups.empty()) throw DeleteConflictException("Cannot delete entity, must remove users from group first.");
    if (!user.boundary.empty()) t.erase(keys::attachment(user.account, user.boundary, "boundary", user.kind, user.name));
    t.erase(keys::entity(user.account, user.kind, user.name));
  });
}

}  // namespace lambari::iam
