#include "wire/signer.h"

#include "base/bytes.h"

namespace lambari::wire {

// A token belongs to its key: without it a temporary key is unknown, and a foreign one spoils a permanent key. But tutorials set
// AWS_SESSION_TOKEN=test beside the root key.
async::Task<std::optional<contracts::Secret>> find_secret(contracts::Credentials& credentials, SignedAs signature) {
  std::optional<contracts::Secret> secret;
  if (!signature.security_token.empty()) {
    secret = co_await credentials.find(signature.access_key_id, signature.security_token);
    if (secret && base::equal_in_constant_time(secret->session_token, signature.security_token)) co_return secret;
  }
  secret = co_await credentials.find(signature.access_key_id);
  if (!secret || !secret->session_token.empty()) co_return std::nullopt;
  if (!signature.security_token.empty() && secret->principal.kind != contracts::Principal::Kind::root) co_return std::nullopt;
  co_return secret;
}

}  // namespace lambari::wire
