// The advanced logging controls of a function: text or JSON, and which levels reach the log. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
#pragma once

#include <optional>
#include <string_view>

#include "services/lambda/model.h"

namespace lambari::lambda {

enum class LogLevel { trace, debug, info, warn, error, fatal };

// Also as runtimes spell them: "warning", "critical". Nothing for any other word.
std::optional<LogLevel> log_level(std::string_view word);

struct LogStyle {
  bool json = false;
  LogLevel application = LogLevel::info, system = LogLevel::info;

  bool wants(LogLevel event) const { return !json || event >= system; }
};

LogStyle log_style(const Configuration& configuration);

// May a line that a function wrote pass? Only JSON objects with a known "level" below the function's are held back, and only
// with the JSON format.
bool passes(const LogStyle& style, std::string_view line);

}  // namespace lambari::lambda
