// Checksums that a client sends with a body: x-amz-checksum-crc32, crc32c, crc64nvme, sha1, sha256.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lambari::wire {

std::uint64_t crc64nvme(std::string_view bytes);

// Whether `value` (base64) is right for the header of that name; nothing when the name is of no checksum we know.
std::optional<bool> checksum_matches(std::string_view header, std::string_view value, std::string_view bytes);

}  // namespace lambari::wire
