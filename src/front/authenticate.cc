#include "front/authenticate.h"

#include <optional>

#include "base/bytes.h"
#include "front/refusals.h"
#include "wire/sigv4.h"

namespace lambari::front {
namespace {

contracts::Principal root_of(const std::string& account) {
  contracts::Principal root;
  root.kind = contracts::Principal::Kind::root;
  root.account = account;
  root.arn = "arn:aws:iam::" + account + ":root";
  root.user_id = account;
  return root;
}

contracts::Principal nobody(const std::string& account) {
  contracts::Principal principal;
  principal.account = account;
  return principal;
}

}  // namespace

async::Task<Caller> Authenticator::authenticate(http::Request& request, const wire::Match& match) const {
  return auth_ == Auth::strict ? verified(request, match) : believed(request);
}

// A token belongs to its key: without it a temporary key is unknown, and a foreign one spoils a permanent key. But tutorials set
// AWS_SESSION_TOKEN=test beside the root key.
async::Task<std::optional<contracts::Secret>> Authenticator::find(const wire::SignedAs& signature) const {
  std::optional<contracts::Secret> secret;
  if (!signature.security_token.empty()) {
    secret = co_await credentials_.find(signature.access_key_id, signature.security_token);
    if (secret && base::equal_in_constant_time(secret->session_token, signature.security_token)) co_return secret;
  }
  secret = co_await credentials_.find(signature.access_key_id);
  if (!secret || !secret->session_token.empty()) co_return std::nullopt;
  if (!signature.security_token.empty() && secret->principal.kind != contracts::Principal::Kind::root) co_return std::nullopt;
  co_return secret;
}

async::Task<Caller> Authenticator::verified(http::Request& request, const wire::Match& match) const {
  if (match.operation->auth_type == "none") co_return Caller{nobody(default_account_), {}};
  std::optional<wire::SignedAs> signature;
  try {
    signature = wire::read_signature(request);
  } catch (const wire::Fault& fault) {
    throw spelled_for(match, fault);
  }
  if (!signature) throw not_signed(match);
  auto secret = co_await find(*signature);
  if (!secret) throw unknown_key(match);
  if (secret->expires && *secret->expires <= clock_.now()) throw expired_token(match);
  if (signature->service != match.model->signing_name) throw wrong_scope(match);
  try {
    // Clients sign with the machine's time, whatever `clock advance` did to ours.
    base::Timestamp machine_time{clock_.now().ms - clock_.offset().count()};
    wire::verify_signature(request, *signature, secret->secret_access_key, machine_time);
  } catch (const wire::Fault& fault) {
    throw spelled_for(match, fault);
  }
  co_return Caller{std::move(secret->principal), std::move(signature->region)};
}

async::Task<Caller> Authenticator::believed(http::Request& request) const {
  std::optional<wire::SignedAs> signature;
  try {
    signature = wire::read_signature(request);
  } catch (const wire::Fault&) {  // a signature nobody can read is as good as none here
  }
  if (!signature) co_return Caller{root_of(default_account_), {}};
  auto secret = co_await find(*signature);
  co_return Caller{secret ? std::move(secret->principal) : root_of(default_account_), std::move(signature->region)};
}

}  // namespace lambari::front
