// URLs that let their bearer fetch one package for a short time, as AWS's presigned ones: the signature is ours and ends with
// the process.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "wire/call.h"

namespace lambari::lambda {

class Links {
 public:
  static constexpr std::int64_t kLifetimeMs = 600'000;
  static constexpr std::string_view kPath = "/_lambari/packages/";

  std::string url(const wire::Call& call, const std::string& zip) const {
    const auto host = call.host.empty() ? std::string("localhost:4566") : call.host;
    return (call.secure ? "https://" : "http://") + host + std::string(kPath) + token(zip, call.time);
  }

  std::string token(const std::string& zip, base::Timestamp now) const {
    const auto what = zip + "." + std::to_string(now.ms + kLifetimeMs);
    return what + "." + base::hex(base::hmac_sha256(secret_, what));
  }

  // The zip that the token is for.
  std::optional<std::string> open(std::string_view token, base::Timestamp now) const {
    const auto parts = base::split(token, '.');
    if (parts.size() != 3) return std::nullopt;
    const auto what = std::string(parts[0]) + "." + std::string(parts[1]);
    const auto expires = base::parse_int(parts[1]);
    if (!expires || *expires < now.ms) return std::nullopt;
    if (!base::equal_in_constant_time(base::hex(base::hmac_sha256(secret_, what)), parts[2])) return std::nullopt;
    return std::string(parts[0]);
  }

 private:
  const std::string secret_ = base::random_bytes(32);
};

}  // namespace lambari::lambda
