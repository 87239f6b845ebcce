// Random identifiers, from the operating system's generator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lambari::base {

std::string random_bytes(std::size_t count);
std::uint64_t random_u64();
// `count` characters drawn evenly from `alphabet` (at most 256 of them).
std::string random_text(std::size_t count, std::string_view alphabet);
// Version 4, lower case, with hyphens.
std::string uuid();

inline constexpr std::string_view kLowerAlphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789";
inline constexpr std::string_view kUpperAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline constexpr std::string_view kUpperBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // as in AWS's access key and user ids

}  // namespace lambari::base
