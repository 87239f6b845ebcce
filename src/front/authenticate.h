// Who makes the call: SigV4 against the keys that IAM knows.
#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "contracts/credentials.h"
#include "http/message.h"
#include "wire/router.h"
#include "wire/sigv4.h"

namespace lambari::front {

struct Caller {
  contracts::Principal principal;
  std::string region;  // of the credential scope; empty when it does not tell
};

enum class Auth {
  strict,  // every call is signed, but for those whose model says they need no signature
  open,    // nothing is verified; a known key still says who calls, anything else is root of the default account
};

// Thread-safe. `credentials` and `clock` outlive it.
class Authenticator {
 public:
  Authenticator(contracts::Credentials& credentials, const base::Clock& clock, Auth auth, std::string default_account)
      : credentials_(credentials), clock_(clock), auth_(auth), default_account_(std::move(default_account)) {}

  // Throws Fault, in the spelling of the service. An aws-chunked body is replaced by its content.
  async::Task<Caller> authenticate(http::Request& request, const wire::Match& match) const;

 private:
  async::Task<Caller> verified(http::Request& request, const wire::Match& match) const;
  async::Task<Caller> believed(http::Request& request) const;

  contracts::Credentials& credentials_;
  const base::Clock& clock_;
  Auth auth_;
  std::string default_account_;
};

}  // namespace lambari::front
