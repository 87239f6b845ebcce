// Groups and who is in them. The user's row names its groups; the member index answers the other way round.
#include <fmt/format.h>

#include <algorithm>

#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {
constexpr std::size_t kMaxGroupsPerUser = 10;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& other) { return base::iequals(other, name); });
}
}  // namespace

async::Task<CreateGroupResponse> IamApi::CreateGroup(const wire::Call& call, CreateGroupRequest request) {
  Entity group;
  group.kind = Kind::group;
  group.account = call.account;
  group.name = request.GroupName;
  group.id = new_id("AGPA");
  group.path = request.Path.value_or("/");
  group.created = call.time.ms;
  co_await commit(state_, [&](store::Transaction& t) { add_entity(t, group); });
  co_return CreateGroupResponse{to_group(group)};
}

async::Task<GetGroupResponse> IamApi::GetGroup(const wire::Call& call, GetGroupRequest request) {
  auto reader = state_.store.read();
  GetGroupResponse out;
  out.Group = to_group(require_entity(*reader, call.account, Kind::group, request.GroupName));
  const auto limit = static_cast<std::size_t>(request.MaxItems.value_or(100));
  auto range = store::prefix_range(keys::members(call.account, request.GroupName));
  if (const auto last = marker_text(request.Marker); !last.empty()) {
    range.begin = keys::after(keys::member(call.account, request.GroupName, last));
  }
  auto rows = reader->scan(range, limit + 1);
  out.IsTruncated = rows.size() > limit;
  for (std::size_t i = 0; i < rows.size() && i < limit; ++i) {
    std::string name;
    if (!keys::read_member(rows[i].key, name)) continue;
    if (auto user = find_entity(*reader, call.account, Kind::user, name)) out.Users.push_back(to_user(*user, false));
    if (i + 1 == limit && rows.size() > limit) out.Marker = marker_of(name);
  }
  co_return out;
}

async::Task<ListGroupsResponse> IamApi::ListGroups(const wire::Call& call, ListGroupsRequest request) {
  ListGroupsResponse out;
  page_of_entities(*state_.store.read(), call.account, Kind::group, request, out,
                   [&](const Entity& group) { out.Groups.push_back(to_group(group)); });
  co_return out;
}

async::Task<> IamApi::DeleteGroup(const wire::Call& call, DeleteGroupRequest request) {
  co_await commit(state_, [&](store::Transaction& t) {
    const auto group = require_entity(t, call.account, Kind::group, request.GroupName);
    if (!t.scan(store::prefix_range(keys::members(group.account, group.name)), 1).empty()) {
      throw DeleteConflictException("Cannot delete entity, must remove users from group first.");
    }
    if (!group.attached.empty()) throw DeleteConflictException("Cannot delete entity, must detach all policies first.");
    if (!group.inline_policies.empty()) throw DeleteConflictException("Cannot delete entity, must delete policies first.");
    t.erase(keys::entity(group.account, group.kind, group.name));
  });
}

async::Task<> IamApi::AddUserToGroup(const wire::Call& call, AddUserToGroupRequest request) {
  co_await commit(state_, [&](store::Transaction& t) {
    const auto group = require_entity(t, call.account, Kind::group, request.GroupName);
    auto user = require_entity(t, call.account, Kind::user, request.UserName);
    if (contains(user.groups, group.name)) return;
    if (user.groups.size() >= kMaxGroupsPerUser)
      throw LimitExceededException(fmt::format("Cannot exceed quota for GroupsPerUser: {}", kMaxGroupsPerUser));
    user.groups.push_back(group.name);
    put_entity(t, user);
    t.put(keys::member(call.account, group.name, user.name), "");
  });
}

async::Task<> IamApi::RemoveUserFromGroup(const wire::Call& call, RemoveUserFromGroupRequest request) {
  co_await commit(state_, [&](store::Transaction& t) {
    const auto group = require_entity(t, call.account, Kind::group, request.GroupName);
    auto user = require_entity(t, call.account, Kind::user, request.UserName);
    std::erase_if(user.groups, [&](const std::string& name) { return base::iequals(name, group.name); });
    put_entity(t, user);
    t.erase(keys::member(call.account, group.name, user.name));
  });
}

async::Task<ListGroupsForUserResponse> IamApi::ListGroupsForUser(const wire::Call& call, ListGroupsForUserRequest request) {
  auto reader = state_.store.read();
  const auto user = require_entity(*reader, call.account, Kind::user, request.UserName);
  std::vector<Group> groups;
  for (const auto& name : user.groups) {
    if (auto group = find_entity(*reader, call.account, Kind::group, name)) groups.push_back(to_group(*group));
  }
  ListGroupsForUserResponse out;
  out.Groups = page_of(std::move(groups), request.Marker, request.MaxItems, out);
  co_return out;
}

}  // namespace lambari::iam
