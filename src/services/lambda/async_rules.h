// What becomes of an event after an attempt, and what its destinations and dead-letter queue are told. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "contracts/target.h"
#include "services/lambda/async_model.h"

namespace lambari::lambda {

inline constexpr int kMaxEventAge = 21'600;  // seconds; the default, too
inline constexpr int kMaxEventRetries = 2;

// How one attempt ended.
struct Attempt {
  enum class Kind {
    success,
    function_error,
    not_found,      // the function, version or alias is gone
    refused,        // throttled, or the service failed: the function did not run
    recursive,      // stopped, as it came through the function too often
    zero_reserved,  // reserved concurrency 0 turns asynchronous invocation off
  };
  Kind kind = Kind::success;
  int status = 200;
  std::string executed_version, function_error;
  std::string payload;  // the function's answer
  std::string message;  // of what refused
};

enum class Condition { success, retries_exhausted, event_age_exceeded, zero_reserved };
std::string_view name_of(Condition condition);

struct Step {
  std::optional<Condition> end;  // the event is done with
  base::Timestamp at;            // else: the next attempt
};

// Counts the attempt in.
void count(Progress& progress, const Attempt& attempt);
// `progress` after count(); `draw` in [0, 1) for the jitter of what was refused. Function errors are tried again after one
// minute, then after two; what was refused after 1 s, doubling up to 5 minutes, until the event is too old.
Step next_step(const EventInvokeConfig& config, const Progress& progress, Attempt::Kind kind, base::Timestamp added,
               base::Timestamp now, double draw);
// It waited longer than it may: it ends without an attempt.
bool too_old(const EventInvokeConfig& config, base::Timestamp added, base::Timestamp now);

// The document that a destination gets. `attempt` is the one that ended it, if there was one.
std::string invocation_record(const Event& event, Condition condition, const Progress& progress, const Attempt* attempt,
                              base::Timestamp now);
// RequestID, ErrorCode, ErrorMessage of a dead letter.
std::map<std::string, contracts::MessageAttribute> letter_attributes(const Event& event, Condition condition,
                                                                     const Progress& progress, const Attempt* attempt);

// The action that the execution role needs, and AWS's name of the call: {"sqs:SendMessage", "SendMessage"}. Empty when records
// cannot go there.
struct DestinationCall {
  std::string action, call, service;
};
DestinationCall destination_call(std::string_view arn);

}  // namespace lambari::lambda
