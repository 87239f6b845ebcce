#include "base/log.h"

#include <fmt/chrono.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace lambari::base {
namespace {

std::atomic<bool> as_json{false};

spdlog::logger& logger() {
  // Lives as long as the process: a thread may still log while main returns.
  static spdlog::logger& instance = *[] {
    auto* made = new spdlog::logger("lambari", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::warn);
    return made;
  }();
  return instance;
}

spdlog::level::level_enum native(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};

std::string json_text(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

bool plain(std::string_view text) { return !text.empty() && text.find_first_of(" \"\n\t\r=") == std::string_view::npos; }

}  // namespace

void set_log_level(LogLevel level) { logger().set_level(native(level)); }
void set_log_json(bool json) { as_json = json; }
bool log_enabled(LogLevel level) { return logger().should_log(native(level)); }

void log(LogLevel level, std::string_view what, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  auto time = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(now / 1000)), now % 1000);
  std::string line;
  if (as_json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","what":{})", time, kNames[static_cast<int>(level)], json_text(what));
    for (const auto& field : fields) line += fmt::format(",{}:{}", json_text(field.name), json_text(field.value));
    line += '}';
  } else {
    line = fmt::format("{} {:5} {}", time, kNames[static_cast<int>(level)], what);
    for (const auto& field : fields)
      line += fmt::format(" {}={}", field.name, plain(field.value) ? field.value : json_text(field.value));
  }
  logger().log(native(level), line);
}

}  // namespace lambari::base
