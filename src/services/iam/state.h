// What the parts of the room share: the store, and what was compiled from it.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "contracts/authorizer.h"
#include "contracts/credentials.h"
#include "services/iam/decide.h"
#include "services/iam/model.h"
#include "store/store.h"

namespace lambari::iam {

// A role or user as the decision needs it.
struct Grants {
  Entity entity;
  std::vector<NamedPolicy> identity;  // its own, and its groups'
  std::optional<NamedPolicy> boundary;
  std::optional<NamedPolicy> trust;  // roles
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class T>
using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

struct State {
  State(base::Clock& clock, store::Store& store) : clock(clock), store(store) {}

  base::Clock& clock;
  store::Store& store;

  std::shared_mutex mutex;
  std::uint64_t epoch = 0;  // counts IAM writes of this process: what was read before one is not cached after it
  ByText<std::shared_ptr<const Grants>> grants;          // by ARN of the role or user; null: no such entity
  ByText<std::shared_ptr<const NamedPolicy>> documents;  // session, resource and AWS managed policies, by kind and text
  ByText<contracts::Secret> keys;                        // active long-lived keys, by id
  ByText<contracts::Secret> sessions;                    // those made or met here, by id
  std::string seal_key;
};

// principals.cc
// Forgets what was compiled. To be called after each commit that changed an entity, a policy or a key.
void invalidate(State& state);
// Null when there is no such role or user. Reads the store only when it has not been met since the last write.
std::shared_ptr<const Grants> find_grants(State& state, std::string_view arn);
std::shared_ptr<const Grants> load_grants(State& state, store::Reader& reader, const Entity& entity);
// The document's compiled form, remembered by its text. Null when it is malformed.
std::shared_ptr<const NamedPolicy> compiled(State& state, lang::PolicyKind kind, std::string_view document,
                                            std::string_view type);
// The default version of a managed policy, of AWS or of a customer.
std::optional<std::string> managed_document(store::Reader& reader, std::string_view arn);

// authorize.cc
contracts::Decision authorize(State& state, const contracts::Principal& principal, const contracts::AccessRequest& request);

// credentials.cc
struct SessionSpec {
  contracts::Principal principal;  // without access_key_id
  std::int64_t seconds = 3600;
};
async::Task<std::string> seal_key(State& state);
async::Task<contracts::TemporaryCredentials> make_session(State& state, SessionSpec spec);
contracts::Principal role_session(const Entity& role, std::string_view session_name);
async::Task<std::optional<contracts::Secret>> find_key(State& state, std::string access_key_id);
async::Task<std::optional<contracts::Secret>> find_session(State& state, std::string access_key_id, std::string token);
void forget_sessions(State& state);

}  // namespace lambari::iam
