// Access keys: whose they are, and new ones for a role. Implemented by services/iam.
#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "contracts/identity.h"

namespace lambari::contracts {

struct Secret {
  Principal principal;
  std::string secret_access_key;
  std::string session_token;               // empty for long-lived keys
  std::optional<base::Timestamp> expires;  // of temporary keys
  bool well_known = false;                 // everybody knows it: not for whom the host does not trust
};

struct TemporaryCredentials {
  std::string access_key_id, secret_access_key, session_token;
  base::Timestamp expires;
  std::string assumed_role_arn, assumed_role_id;
};

class Credentials {
 public:
  virtual ~Credentials() = default;
  // Nothing when no such key is active. `test` is root of account 000000000000, with secret `test`. Another 12-digit
  // access key id with secret `test` is root of that account.
  virtual async::Task<std::optional<Secret>> find(const std::string& access_key_id) = 0;
  // The same for a request that carries a session token (X-Amz-Security-Token). Temporary keys are self-contained in their
  // token, so they outlive a restart only through this call. Nothing when the token was not issued here for that key. The
  // secret of an expired session is returned too: the caller compares `expires` and answers ExpiredToken.
  virtual async::Task<std::optional<Secret>> find(const std::string& access_key_id, const std::string& session_token) {
    return find(access_key_id);
  }
  // For a service that acts as a role (an execution role). The trust policy must name the service; nothing when the role is
  // missing or does not trust it.
  virtual async::Task<std::optional<TemporaryCredentials>> assume_for_service(const std::string& role_arn,
                                                                              const std::string& service,
                                                                              const std::string& session_name) = 0;
};

}  // namespace lambari::contracts
