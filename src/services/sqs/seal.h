// Encryption of messages at rest: AES-256-GCM under a data key of the account.
#pragma once

#include <string>
#include <string_view>

namespace lambari::sqs {

inline constexpr std::size_t kDataKeyBytes = 32;

// `label` is bound to the text: it opens only under the same one.
std::string seal(std::string_view key, std::string_view label, std::string_view text);
// Throws std::runtime_error when it was not sealed so.
std::string unseal(std::string_view key, std::string_view label, std::string_view sealed);

}  // namespace lambari::sqs
