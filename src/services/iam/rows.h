// Reading and changing the room's rows, and the faults that go with it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/iam/types.h"
#include "services/iam/keys.h"
#include "services/iam/model.h"
#include "services/iam/state.h"
#include "wire/call.h"

namespace lambari::iam {

std::optional<Entity> find_entity(store::Reader& reader, std::string_view account, Kind kind, std::string_view name);
Entity require_entity(store::Reader& reader, std::string_view account, Kind kind, std::string_view name);  // throws NoSuchEntity
void put_entity(store::Transaction& t, const Entity& entity);
// Throws EntityAlreadyExists.
void add_entity(store::Transaction& t, const Entity& entity);

// Changes one entity in one transaction, and forgets what was compiled from it.
async::Task<> change_entity(State& state, std::string account, Kind kind, std::string name,
                            std::function<void(store::Transaction&, Entity&)> change);
// Any transaction of this room that changes what decisions are made of.
async::Task<> commit(State& state, std::function<void(store::Transaction&)> body);

// A customer managed policy by its ARN. Throws NoSuchEntity ("Policy ... was not found.").
ManagedPolicy require_policy(store::Reader& reader, std::string_view account, const std::string& arn);
void put_policy(store::Transaction& t, const ManagedPolicy& policy);
// Throws when the policy is AWS's: nobody here may change it.
void require_customer_policy(const wire::Call& call, std::string_view action, const std::string& arn);
bool policy_exists(store::Reader& reader, std::string_view account, const std::string& arn);

// Ids as AWS makes them: "AROA" and 17 more characters.
std::string new_id(std::string_view prefix);

// Throws MalformedPolicyDocument.
void check_document(const std::string& document, lang::PolicyKind kind);
std::size_t size_without_spaces(std::string_view document);

using Tags = std::vector<std::pair<std::string, std::string>>;
// Adds to `tags`, whose names are compared without regard to case. Throws InvalidInput, LimitExceeded.
void add_tags(Tags& tags, const std::vector<aws::iam::Tag>& added);
void remove_tags(Tags& tags, const std::vector<std::string>& names);
std::vector<aws::iam::Tag> to_tags(const Tags& tags);

// ---- pages ----

std::string marker_of(std::string_view last);
std::string marker_text(const std::optional<std::string>& marker);  // what the previous page ended with; empty at first

// Cuts the page out of `items`, whose order does not change: the marker is a place in it.
template <class T, class Response>
std::vector<T> page_of(std::vector<T> items, const std::optional<std::string>& marker,
                       const std::optional<std::int32_t>& max_items, Response& response) {
  const auto text = marker_text(marker);
  std::size_t begin = 0;
  for (const char c : text)
    begin = begin * 10 + (c >= '0' && c <= '9' && begin < 1'000'000 ? static_cast<std::size_t>(c - '0') : 0);
  begin = std::min(begin, items.size());
  const auto end = std::min(items.size(), begin + static_cast<std::size_t>(max_items.value_or(100)));
  response.IsTruncated = end < items.size();
  if (end < items.size()) response.Marker = marker_of(std::to_string(end));
  return std::vector<T>(std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(begin)),
                        std::make_move_iterator(items.begin() + static_cast<std::ptrdiff_t>(end)));
}

// Visits entities in order of name; stops when `visit` returns false.
void each_entity(store::Reader& reader, std::string_view account, Kind kind, std::string_view after,
                 const std::function<bool(Entity)>& visit);

// A page of entities under a path, each put into the response by `add`.
template <class Request, class Response>
void page_of_entities(store::Reader& reader, std::string_view account, Kind kind, const Request& request, Response& response,
                      const std::function<void(const Entity&)>& add) {
  const auto limit = static_cast<std::size_t>(request.MaxItems.value_or(100));
  const auto prefix = request.PathPrefix.value_or("/");
  std::size_t count = 0;
  std::string last;
  response.IsTruncated = false;
  each_entity(reader, account, kind, marker_text(request.Marker), [&](Entity entity) {
    if (!entity.path.starts_with(prefix)) return true;
    if (count == limit) {
      response.IsTruncated = true;
      response.Marker = marker_of(last);
      return false;
    }
    add(entity);
    last = base::lower(entity.name);
    ++count;
    return true;
  });
}

// ---- shapes ----

aws::iam::Role to_role(const Entity& entity, bool whole);
aws::iam::User to_user(const Entity& entity, bool whole);
aws::iam::Group to_group(const Entity& entity);

// The user a call is about: the named one, else the caller. Empty: the root user.
std::string user_name_of(const wire::Call& call, const std::optional<std::string>& name);

}  // namespace lambari::iam
