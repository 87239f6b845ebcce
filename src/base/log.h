// Structured logs: one line per event, to standard error, as text or JSON. Thread-safe.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace lambari::base {

enum class LogLevel { debug, info, warn, error };

struct LogField {
  std::string_view name;
  std::string value;
};

void set_log_level(LogLevel level);
void set_log_json(bool json);
bool log_enabled(LogLevel level);
// `what` is a short fixed phrase ("request", "zygote died"); what varies goes into fields.
void log(LogLevel level, std::string_view what, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view what, std::initializer_list<LogField> fields = {}) { log(LogLevel::debug, what, fields); }
inline void log_info(std::string_view what, std::initializer_list<LogField> fields = {}) { log(LogLevel::info, what, fields); }
inline void log_warn(std::string_view what, std::initializer_list<LogField> fields = {}) { log(LogLevel::warn, what, fields); }
inline void log_error(std::string_view what, std::initializer_list<LogField> fields = {}) { log(LogLevel::error, what, fields); }

}  // namespace lambari::base
