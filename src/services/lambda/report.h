// The words that Lambda itself writes: START, END and REPORT lines, and the error documents of invocations that no runtime
// could answer. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sandbox/sandbox.h"

namespace lambari::lambda {

std::string init_start_line(std::string_view region, std::string_view runtime);
std::string start_line(std::string_view request_id, std::string_view version);
std::string end_line(std::string_view request_id);
// Of a start that failed; `phase` is "init", or "invoke" when it was tried again.
std::string init_report_line(const sandbox::Outcome& outcome, std::string_view phase);
std::string report_line(std::string_view request_id, const sandbox::Outcome& outcome, int memory_mb);

// Whole milliseconds, rounded up. Init is billed like the invocation it precedes.
std::uint64_t billed_ms(const sandbox::Outcome& outcome);

// "python:3.12.v1"
std::string runtime_version_name(std::string_view runtime);
// What an environment that could not answer is reported with ("Runtime.ExitError").
std::string error_type_of(const sandbox::Outcome& outcome);
std::uint64_t used_mb(const sandbox::Outcome& outcome, int memory_mb);

// What went wrong, as a line in the log; nothing when the function answered or reported its error itself.
std::optional<std::string> failure_line(std::string_view request_id, const sandbox::Outcome& outcome, int timeout_s,
                                        base::Timestamp now);
// The answer that the caller gets: the function's own, or Lambda's error document.
std::string answer_of(std::string_view request_id, const sandbox::Outcome& outcome, int timeout_s);

// The end of a log, at most 4 KiB.
std::string tail_of(std::string_view log);

}  // namespace lambari::lambda
