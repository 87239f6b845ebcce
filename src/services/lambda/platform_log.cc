#include "services/lambda/platform_log.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>

#include "base/json.h"
#include "services/lambda/report.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

namespace json = base::json;
using Kind = sandbox::Outcome::Kind;

// Milliseconds with at most three decimals.
double ms(std::chrono::microseconds time) { return std::round(static_cast<double>(time.count())) / 1'000.0; }

std::string event(std::string_view type, base::Timestamp now, json::object record) {
  return base::to_json(json::object{{"time", base::iso8601(now, true)}, {"type", type}, {"record", std::move(record)}}) + "\n";
}

std::string_view status_of(const sandbox::Outcome& outcome) {
  switch (outcome.kind) {
    case Kind::success: return "success";
    case Kind::timeout: return "timeout";
    case Kind::function_error:
    case Kind::init_error:
    case Kind::payload_too_large: return "error";
    case Kind::crash:
    case Kind::out_of_memory: return "failure";
  }
  return "failure";
}

std::string_view initialization_type(bool provisioned) { return provisioned ? "provisioned-concurrency" : "on-demand"; }

bool went_well(const sandbox::Outcome& outcome) { return outcome.kind == Kind::success; }

void add_error(json::object& record, const sandbox::Outcome& outcome) {
  if (went_well(outcome) || outcome.kind == Kind::timeout) return;
  if (outcome.kind == Kind::function_error && outcome.error_type.empty()) return;  // an exception of the function's own
  record["errorType"] = error_type_of(outcome);
}

}  // namespace

PlatformEvents init_started(const Version& v, bool provisioned, base::Timestamp now) {
  const auto style = log_style(v.configuration);
  const bool image = v.code.image.has_value();  // which has no runtime whose version could be told
  if (!style.json) return image ? PlatformEvents{} : PlatformEvents{init_start_line(v.function.region, v.configuration.runtime)};
  if (!style.wants(LogLevel::info)) return {};
  base::json::object record{{"initializationType", initialization_type(provisioned)}, {"phase", "init"}};
  if (!image) {
    record["runtimeVersion"] = runtime_version_name(v.configuration.runtime);
    record["runtimeVersionArn"] = runtime_version_arn(v.function.region, v.configuration.runtime);
  }
  record["functionName"] = v.function.name;
  record["functionVersion"] = v.label();
  record["instanceMaxMemory"] = v.configuration.memory_mb;
  return {event("platform.initStart", now, std::move(record))};
}

PlatformEvents init_ended(const Version& v, bool provisioned, std::string_view phase, const sandbox::Outcome& outcome,
                          base::Timestamp now) {
  const auto style = log_style(v.configuration);
  if (!style.json) {
    if (went_well(outcome)) return {};
    return {init_report_line(outcome, phase)};
  }
  PlatformEvents events;
  json::object record{{"initializationType", initialization_type(provisioned)}, {"phase", phase}, {"status", status_of(outcome)}};
  add_error(record, outcome);
  if (style.wants(went_well(outcome) ? LogLevel::debug : LogLevel::warn))
    events.push_back(event("platform.initRuntimeDone", now, record));
  record["metrics"] = json::object{{"durationMs", ms(outcome.init_duration.value_or(outcome.duration))}};
  const auto level = !went_well(outcome) ? LogLevel::warn : provisioned ? LogLevel::info : LogLevel::debug;
  if (style.wants(level)) events.push_back(event("platform.initReport", now, std::move(record)));
  return events;
}

PlatformEvents extension_told(const Version& v, std::string_view type, std::string_view record, base::Timestamp now) {
  const auto document = base::parse_json(record);
  if (!document || !document->is_object()) return {};
  const auto& told = document->as_object();
  const auto style = log_style(v.configuration);
  if (style.json) {
    if (!style.wants(LogLevel::info)) return {};
    return {event(type, now, told)};
  }
  const auto text = [&](const char* name) {
    const auto* value = told.if_contains(name);
    return value && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  const bool extension = type == "platform.extension";
  std::string names;
  if (const auto* list = told.if_contains(extension ? "events" : "types"); list && list->is_array()) {
    for (const auto& item : list->as_array()) {
      std::string name(item.is_string() ? std::string_view(item.as_string()) : std::string_view());
      if (!extension && !name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
      names.append(names.empty() ? "" : ", ").append(name);
    }
  }
  const auto* what = extension ? "EXTENSION" : type == "platform.logsSubscription" ? "LOGS" : "TELEMETRY";
  return {fmt::format("{}\tName: {}\tState: {}\t{}: [{}]\n", what, text("name"), text("state"), extension ? "Events" : "Types",
                      names)};
}

PlatformEvents invoke_started(const Version& v, std::string_view request_id, base::Timestamp now) {
  const auto style = log_style(v.configuration);
  if (!style.json) return {start_line(request_id, v.label())};
  if (!style.wants(LogLevel::info)) return {};
  return {event("platform.start", now, {{"requestId", request_id}, {"version", v.label()}})};
}

PlatformEvents invoke_ended(const Version& v, std::string_view request_id, const sandbox::Outcome& outcome, base::Timestamp now) {
  const auto& c = v.configuration;
  const auto style = log_style(c);
  PlatformEvents events;
  if (!style.json) {
    if (auto line = failure_line(request_id, outcome, c.timeout_s, now)) events.push_back(std::move(*line));
    events.push_back(end_line(request_id));
    events.push_back(report_line(request_id, outcome, c.memory_mb));
    return events;
  }
  json::object record{{"requestId", request_id}, {"status", status_of(outcome)}};
  add_error(record, outcome);
  const auto done = record;
  if (style.wants(went_well(outcome) ? LogLevel::debug : LogLevel::warn)) {
    record["metrics"] = json::object{{"durationMs", ms(outcome.duration)},
                                     {"producedBytes", std::max(outcome.payload.size(), outcome.response_bytes)}};
    events.push_back(event("platform.runtimeDone", now, std::move(record)));
  }
  if (style.wants(went_well(outcome) ? LogLevel::info : LogLevel::warn)) {
    json::object metrics{{"durationMs", ms(outcome.duration)},
                         {"billedDurationMs", billed_ms(outcome)},
                         {"memorySizeMB", c.memory_mb},
                         {"maxMemoryUsedMB", used_mb(outcome, c.memory_mb)}};
    if (outcome.init_duration) metrics["initDurationMs"] = ms(*outcome.init_duration);
    auto report = done;
    report["metrics"] = std::move(metrics);
    events.push_back(event("platform.report", now, std::move(report)));
  }
  return events;
}

}  // namespace lambari::lambda
