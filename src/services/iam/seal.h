// Session tokens: what a session is, encrypted and authenticated (AES-256-GCM), so that no row is needed to know it again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "contracts/credentials.h"

namespace lambari::iam {

inline constexpr std::size_t kSealKeyBytes = 32;

// `secret` without its session_token. The token is base64.
std::string seal_session(std::string_view key, std::string_view access_key_id, const contracts::Secret& secret);
// Nothing when the token was not made with `key` for `access_key_id`. The result holds the token.
std::optional<contracts::Secret> open_session(std::string_view key, std::string_view access_key_id, const std::string& token);

}  // namespace lambari::iam
