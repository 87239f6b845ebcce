// What Lambda itself writes into a function's log around each phase, in the function's format: the lines of report.h, or JSON
// documents with their levels. Pure. An event that the function's system log level holds back is left out.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/sandbox.h"
#include "services/lambda/log_style.h"
#include "services/lambda/model.h"

namespace lambari::lambda {

using PlatformEvents = std::vector<std::string>;

PlatformEvents init_started(const Version& version, bool provisioned, base::Timestamp now);
// `phase` is "init", or "invoke" for the second try.
PlatformEvents init_ended(const Version& version, bool provisioned, std::string_view phase, const sandbox::Outcome& outcome,
                          base::Timestamp now);
// What an extension did: see sandbox::ExtensionNews.
PlatformEvents extension_told(const Version& version, std::string_view type, std::string_view record, base::Timestamp now);
PlatformEvents invoke_started(const Version& version, std::string_view request_id, base::Timestamp now);
// What went wrong, END, REPORT.
PlatformEvents invoke_ended(const Version& version, std::string_view request_id, const sandbox::Outcome& outcome,
                            base::Timestamp now);

}  // namespace lambari::lambda
