// One API call, as a room sees it beside its typed request.
#pragma once

#include <string>

#include "base/clock.h"
#include "contracts/identity.h"

namespace lambari::wire {

struct Call {
  std::string account;  // of the caller: every resource is scoped by it
  std::string region;   // from the credential scope, else the host, else the default region
  std::string request_id;
  contracts::Principal principal;
  std::string source_ip;
  std::string user_agent;
  std::string trace_header;  // X-Amzn-Trace-Id; rooms that hand work on hand it on
  std::string host;          // as the client named us ("localhost:4566"): for URLs that we hand out
  bool secure = false;
  base::Timestamp time;

  // arn:aws:<service>:<region>:<account>:<rest>
  std::string arn(std::string_view service, std::string_view rest) const;
};

}  // namespace lambari::wire
