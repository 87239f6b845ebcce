// Tokens of the list operations: where the next page begins, sealed against misuse only by its shape.
#pragma once

#include <optional>
#include <string>

#include "aws/logs/types.h"
#include "base/bytes.h"

namespace lambari::logs {

inline std::string page_token(const std::string& key) { return base::base64url(key); }

// The key to begin after. It must lie in what is being listed: `prefix` is that.
inline std::optional<std::string> page_start(const std::optional<std::string>& token, const std::string& prefix) {
  if (!token) return std::nullopt;
  auto key = base::unbase64url(*token);
  if (!key || !key->starts_with(prefix)) throw aws::logs::InvalidParameterException("The specified nextToken is invalid.");
  return key;
}

}  // namespace lambari::logs
