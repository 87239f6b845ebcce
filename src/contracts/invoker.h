// Calling a function. Implemented by services/lambda; used by every room that triggers functions.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
#pragma once

#include <optional>
#include <string>

#include "async/task.h"
#include "contracts/identity.h"

namespace lambari::contracts {

struct Invocation {
  std::string function;        // ARN, qualified or not
  std::string payload;         // JSON
  Principal caller;            // a service principal for triggers: the function's resource policy is then evaluated
  std::string source_arn;      // aws:SourceArn of a trigger
  std::string client_context;  // JSON, not base64
  std::string trace_header;
  bool tail_log = false;
};

struct InvocationResult {
  // Set when the call did not reach the function: code as Lambda names it ("ResourceNotFoundException",
  // "TooManyRequestsException", "AccessDeniedException"...), with its HTTP status.
  struct Refusal {
    std::string code, message;
    int status = 500;
  };
  std::optional<Refusal> refusal;
  std::string payload;         // the function's answer, or its error document
  std::string function_error;  // "Unhandled" when the function failed; else empty
  std::string executed_version;
  std::string log_tail;  // last 4 KiB, when asked for
  std::string request_id;
};

class Invoker {
 public:
  virtual ~Invoker() = default;
  virtual async::Task<InvocationResult> invoke(Invocation invocation) = 0;
};

}  // namespace lambari::contracts
