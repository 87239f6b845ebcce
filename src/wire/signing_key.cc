#include "wire/signing_key.h"

#include <array>
#include <functional>

#include "base/bytes.h"

namespace lambari::wire {
namespace {

struct Slot {
  std::string secret, scope, key;
};
constexpr std::size_t kSlots = 256;  // each is replaced by the next key that hashes to it

}  // namespace

std::string signing_key(std::string_view secret, std::string_view date, std::string_view region, std::string_view service) {
  thread_local std::array<Slot, kSlots> slots;
  std::string scope(date);
  ((scope += '/') += region) += '/';
  scope += service;
  Slot& slot = slots[(std::hash<std::string_view>()(secret) * 31 + std::hash<std::string_view>()(scope)) % kSlots];
  if (slot.key.empty() || slot.secret != secret || slot.scope != scope) {
    std::string key = base::hmac_sha256(std::string("AWS4") += secret, date);
    key = base::hmac_sha256(base::hmac_sha256(base::hmac_sha256(key, region), service), "aws4_request");
    slot = {std::string(secret), std::move(scope), std::move(key)};
  }
  return slot.key;
}

}  // namespace lambari::wire
