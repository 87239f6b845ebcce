// Whose key signed a request.
#pragma once

#include <optional>

#include "async/task.h"
#include "contracts/credentials.h"
#include "wire/sigv4.h"

namespace lambari::wire {

// The secret to verify the signature with, and whose it is; nothing when no such key is active. Expiry is the caller's to check.
async::Task<std::optional<contracts::Secret>> find_secret(contracts::Credentials& credentials, SignedAs signature);

}  // namespace lambari::wire
