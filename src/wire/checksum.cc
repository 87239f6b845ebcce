#include "wire/checksum.h"

#include <boost/crc.hpp>

#include "base/bytes.h"

namespace lambari::wire {
namespace {

template <class T>
std::string big_endian(T value) {
  std::string out(sizeof value, '\0');
  for (std::size_t i = 0; i < sizeof value; ++i) out[sizeof value - 1 - i] = static_cast<char>(value >> (8 * i));
  return out;
}

}  // namespace

std::uint64_t crc64nvme(std::string_view bytes) {
  boost::crc_optimal<64, 0xAD93D23594C93659ULL, 0xFFFFFFFFFFFFFFFFULL, 0xFFFFFFFFFFFFFFFFULL, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::optional<bool> checksum_matches(std::string_view header, std::string_view value, std::string_view bytes) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  if (!header.starts_with(kPrefix)) return std::nullopt;
  std::string_view name = header.substr(kPrefix.size());
  std::string sum;
  if (name == "crc32")
    sum = big_endian(base::crc32(bytes));
  else if (name == "crc32c")
    sum = big_endian(base::crc32c(bytes));
  else if (name == "crc64nvme")
    sum = big_endian(crc64nvme(bytes));
  else if (name == "sha1")
    sum = base::sha1(bytes);
  else if (name == "sha256")
    sum = base::sha256(bytes);
  else
    return std::nullopt;
  return base::base64(sum) == value;
}

}  // namespace lambari::wire
