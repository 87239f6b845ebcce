// contracts::Credentials: long-lived keys from rows, sessions from their sealed tokens.
#include <mutex>

#include "base/ids.h"
#include "services/iam/context.h"
#include "services/iam/keys.h"
#include "services/iam/seal.h"
#include "services/iam/service.h"
#include "services/iam/state.h"

namespace lambari::iam {

using contracts::Principal;
using contracts::Secret;
using contracts::TemporaryCredentials;

namespace {

constexpr std::size_t kMaxCached = 10'000;
constexpr std::int64_t kServiceSessionSeconds = 12 * 3600;
constexpr std::string_view kTestAccount = "000000000000";

bool is_account(std::string_view text) { return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos; }

Principal root_of(std::string account, std::string access_key_id) {
  Principal out;
  out.kind = Principal::Kind::root;
  out.arn = "arn:aws:iam::" + account + ":root";
  out.user_id = account;
  out.account = std::move(account);
  out.access_key_id = std::move(access_key_id);
  return out;
}

void remember_session(State& state, const std::string& id, const Secret& secret) {
  std::unique_lock lock(state.mutex);
  if (state.sessions.size() >= kMaxCached) state.sessions.clear();
  state.sessions.insert_or_assign(id, secret);
}

}  // namespace

async::Task<std::string> seal_key(State& state) {
  {
    std::shared_lock lock(state.mutex);
    if (!state.seal_key.empty()) co_return state.seal_key;
  }
  auto fresh = base::random_bytes(kSealKeyBytes);
  auto key = co_await state.store.transact([&](store::Transaction& t) {
    if (auto row = t.get(keys::seal()); row && row->size() == kSealKeyBytes) return *row;
    t.put(keys::seal(), fresh);
    return fresh;
  });
  std::unique_lock lock(state.mutex);
  state.seal_key = key;
  co_return key;
}

void forget_sessions(State& state) {
  std::unique_lock lock(state.mutex);
  state.sessions.clear();
  state.seal_key.clear();
}

Principal role_session(const Entity& role, std::string_view session_name) {
  Principal out;
  out.kind = Principal::Kind::assumed_role;
  out.account = role.account;
  out.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role.account, role.name, session_name);
  out.user_id = fmt::format("{}:{}", role.id, session_name);
  out.role_arn = role.arn();
  return out;
}

async::Task<TemporaryCredentials> make_session(State& state, SessionSpec spec) {
  const auto key = co_await seal_key(state);
  const auto now = state.clock.now();
  Secret secret;
  secret.principal = std::move(spec.principal);
  secret.principal.session_issued = now;
  secret.expires = base::Timestamp{now.ms - now.ms % 1000 + spec.seconds * 1000};
  secret.secret_access_key = base::random_text(40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  const auto id = "ASIA" + base::random_text(16, base::kUpperBase32);
  secret.principal.access_key_id = id;
  secret.session_token = seal_session(key, id, secret);
  remember_session(state, id, secret);

  TemporaryCredentials out;
  out.access_key_id = id;
  out.secret_access_key = secret.secret_access_key;
  out.session_token = secret.session_token;
  out.expires = *secret.expires;
  out.assumed_role_arn = secret.principal.arn;
  out.assumed_role_id = secret.principal.user_id;
  co_return out;
}

async::Task<std::optional<Secret>> find_key(State& state, std::string id) {
  std::uint64_t epoch = 0;
  {
    std::shared_lock lock(state.mutex);
    if (auto found = state.keys.find(id); found != state.keys.end()) co_return found->second;
    if (auto found = state.sessions.find(id); found != state.sessions.end()) co_return found->second;
    epoch = state.epoch;
  }
  Secret secret;
  if (id == "test" || is_account(id)) {
    secret.secret_access_key = "test";
    secret.well_known = true;
    secret.principal = root_of(id == "test" ? std::string(kTestAccount) : id, id);
    co_return secret;
  }
  auto reader = state.store.read();
  const auto row = reader->get(keys::access_key(id));
  if (!row) co_return std::nullopt;
  const auto key = decode_key(*row);
  if (!key.active) co_return std::nullopt;
  secret.secret_access_key = key.secret;
  if (key.user.empty()) {
    secret.principal = root_of(key.account, id);
  } else {
    const auto user_row = reader->get(keys::entity(key.account, Kind::user, key.user));
    if (!user_row) co_return std::nullopt;
    const auto user = decode_entity(*user_row);
    secret.principal.kind = Principal::Kind::user;
    secret.principal.account = key.account;
    secret.principal.arn = user.arn();
    secret.principal.user_id = user.id;
    secret.principal.access_key_id = id;
  }
  std::unique_lock lock(state.mutex);
  if (epoch == state.epoch) {
    if (state.keys.size() >= kMaxCached) state.keys.clear();
    state.keys.insert_or_assign(id, secret);
  }
  co_return secret;
}

async::Task<std::optional<Secret>> find_session(State& state, std::string id, std::string token) {
  {
    std::shared_lock lock(state.mutex);
    if (auto found = state.sessions.find(id); found != state.sessions.end()) {
      if (found->second.session_token == token) co_return found->second;
      co_return std::nullopt;
    }
  }
  const auto key = co_await seal_key(state);
  auto secret = open_session(key, id, token);
  if (secret) remember_session(state, id, *secret);
  co_return secret;
}

async::Task<std::optional<Secret>> Iam::find(const std::string& access_key_id) { return find_key(*state_, access_key_id); }

async::Task<std::optional<Secret>> Iam::find(const std::string& access_key_id, const std::string& session_token) {
  // Tools that always send a token send one with `test`, too; a long-lived key needs none.
  if (session_token.empty() || !access_key_id.starts_with("ASIA")) return find_key(*state_, access_key_id);
  return find_session(*state_, access_key_id, session_token);
}

async::Task<std::optional<TemporaryCredentials>> Iam::assume_for_service(const std::string& role_arn, const std::string& service,
                                                                         const std::string& session_name) {
  const auto grants = find_grants(*state_, role_arn);
  if (!grants || !grants->trust) co_return std::nullopt;
  Principal principal;
  principal.kind = Principal::Kind::service;
  principal.arn = service;
  const RequestContext::Keys keys{{"sts:RoleSessionName", {session_name}}};
  const RequestContext context(principal, keys, {}, state_->clock.now(), role_arn);
  const auto verdict = grants->trust->policy.evaluate({"sts:AssumeRole", role_arn, context, requester_of(principal)});
  if (verdict.denied() || !verdict.allowed()) co_return std::nullopt;
  co_return co_await make_session(*state_, {role_session(grants->entity, session_name), kServiceSessionSeconds});
}

}  // namespace lambari::iam
