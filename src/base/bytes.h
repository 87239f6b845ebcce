// Encodings and digests of byte strings. A byte string is a std::string; text is UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lambari::base {

std::string hex(std::string_view bytes);  // lower case
std::optional<std::string> unhex(std::string_view text);

std::string base64(std::string_view bytes);     // RFC 4648 section 4, padded
std::string base64url(std::string_view bytes);  // section 5, not padded
// Accepts padded and unpadded input; nothing when a character or the length is wrong.
std::optional<std::string> unbase64(std::string_view text);
std::optional<std::string> unbase64url(std::string_view text);

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string sha1(std::string_view bytes);    // 20 raw bytes
std::string md5(std::string_view bytes);     // 16 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::uint32_t crc32(std::string_view bytes);   // IEEE, as S3's CRC32 has it
std::uint32_t crc32c(std::string_view bytes);  // Castagnoli

bool equal_in_constant_time(std::string_view a, std::string_view b);
bool is_utf8(std::string_view bytes);

}  // namespace lambari::base
