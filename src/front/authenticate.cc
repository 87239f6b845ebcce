#include "front/authenticate.h"

#include <optional>

#include "front/refusals.h"
#include "wire/signer.h"
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

async::Task<Caller> Authenticator::verified(http::Request& request, const wire::Match& match) const {
  if (match.operation->auth_type == "none") co_return Caller{nobody(default_account_), {}};
  std::optional<wire::SignedAs> signature;
  try {
    signature = wire::read_signature(request);
  } catch (const wire::Fault& fault) {
    throw spelled_for(match, fault);
  }
  if (!signature) throw not_signed(match);
  auto secret = co_await wire::find_secret(credentials_, *signature);
  if (!secret) throw unknown_key(match);
  if (!wire::may_use(*secret, request)) throw not_for_functions(match);
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
  auto secret = co_await wire::find_secret(credentials_, *signature);
  co_return Caller{secret ? std::move(secret->principal) : root_of(default_account_), std::move(signature->region)};
}

}  // namespace lambari::front
