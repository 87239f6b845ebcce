// Whose key signed a request.
#pragma once

#include <optional>

#include "async/task.h"
#include "contracts/credentials.h"
#include "http/message.h"
#include "wire/sigv4.h"

namespace lambari::wire {

// The secret to verify the signature with, and whose it is; nothing when no such key is active. Expiry is the caller's to check,
// and so is may_use().
async::Task<std::optional<contracts::Secret>> find_secret(contracts::Credentials& credentials, SignedAs signature);

// Functions have the credentials of their role. Root's key, which everybody knows, would give each of them all others' code and
// data.
inline bool may_use(const contracts::Secret& secret, const http::Request& request) {
  return !secret.well_known || request.listener.empty();
}

}  // namespace lambari::wire
