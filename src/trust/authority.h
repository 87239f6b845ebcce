// lambari's own certificate authority: made at the first start, kept in the data directory, and used for one thing only: TLS
// certificates of the names that lambari serves. RFC 5280.
//
// What it can do is bounded by name constraints in its certificate, which clients enforce: were its key stolen, it would vouch
// for names under vouched_suffixes() and for loopback and private addresses, not for anybody's bank.
//
// Time is the machine's, not base::Clock's: it is what clients compare with.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>

#include "http/tls.h"

namespace lambari::trust {

// The files cannot be read, written, or are not what they should be; the message is for the user.
struct AuthorityError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using SystemTime = std::chrono::sys_seconds;
SystemTime system_now();

// Thread-safe.
class Authority {
 public:
  static constexpr std::size_t kKept = 1'000;  // certificates in memory; the longest unused go first
  static constexpr auto kLifetime = std::chrono::days(3650);
  static constexpr auto kRenewBefore = std::chrono::days(365);
  static constexpr auto kLeafLifetime = std::chrono::days(90);
  static constexpr auto kLeafRenewBefore = std::chrono::days(30);

  // Opens `directory`/ca.pem and ca-key.pem (mode 0600), or makes them, durably. A certificate that is missing, not of the key,
  // bound to other names than today's, or near its end is made anew with the same key and name, so that who trusts the old one
  // trusts the new one's certificates too. Throws AuthorityError.
  explicit Authority(std::filesystem::path directory, SystemTime now = system_now());
  ~Authority();
  Authority(const Authority&) = delete;

  const std::string& pem() const { return pem_; }
  std::filesystem::path certificate_file() const { return directory_ / "ca.pem"; }

  // A certificate for `name`, when that is one to vouch for; else for `address` ("127.0.0.1"), good for localhost as well. Made
  // when first asked for, some 0.1 ms.
  std::shared_ptr<const http::Identity> identity_for(const std::string& name, const std::string& address,
                                                     SystemTime now = system_now());

 private:
  struct Kept {
    std::shared_ptr<const http::Identity> identity;
    SystemTime renew;
    std::list<std::string>::iterator used;
  };
  void open(SystemTime now);
  std::shared_ptr<const http::Identity> issue(const std::string& subject, SystemTime now) const;

  const std::filesystem::path directory_;
  std::string pem_;
  std::shared_ptr<EVP_PKEY> key_, leaf_key_;
  std::shared_ptr<X509> certificate_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept> kept_;
  std::list<std::string> used_;  // the latest first
};

}  // namespace lambari::trust
