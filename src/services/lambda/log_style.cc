#include "services/lambda/log_style.h"

#include "base/json.h"
#include "base/text.h"

namespace lambari::lambda {

std::optional<LogLevel> log_level(std::string_view word) {
  const auto name = base::lower(word);
  if (name == "trace") return LogLevel::trace;
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "warn" || name == "warning") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  if (name == "fatal" || name == "critical") return LogLevel::fatal;
  return std::nullopt;
}

LogStyle log_style(const Configuration& c) {
  LogStyle style;
  style.json = c.log_format == "JSON";
  style.application = log_level(c.application_log_level).value_or(LogLevel::info);
  style.system = log_level(c.system_log_level).value_or(LogLevel::info);
  return style;
}

bool passes(const LogStyle& style, std::string_view line) {
  if (!style.json || style.application == LogLevel::trace) return true;
  if (!base::trim(line).starts_with('{')) return true;
  const auto document = base::parse_json(line);
  const auto* object = document ? document->if_object() : nullptr;
  const auto* level = object ? object->if_contains("level") : nullptr;
  const auto* word = level ? level->if_string() : nullptr;
  if (!word) return true;
  const auto known = log_level({word->data(), word->size()});
  return !known || *known >= style.application;
}

}  // namespace lambari::lambda
