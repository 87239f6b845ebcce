// May this principal do that? Implemented by services/iam; asked by front for every API call and by rooms that act for others.
#pragma once

#include <string>

#include "async/task.h"
#include "contracts/identity.h"

namespace lambari::contracts {

struct Decision {
  bool allowed = false;
  // AWS's words: "User: arn:... is not authorized to perform: s3:GetObject on resource: ... because no identity-based policy
  // allows ..."
  std::string reason;
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual async::Task<Decision> authorize(const Principal& principal, const AccessRequest& request) = 0;
};

// Allows everything: --auth=open, and tests of other rooms.
class OpenAuthorizer final : public Authorizer {
 public:
  async::Task<Decision> authorize(const Principal&, const AccessRequest&) override { co_return Decision{true, {}}; }
};

}  // namespace lambari::contracts
