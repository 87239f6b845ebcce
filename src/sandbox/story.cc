#include "sandbox/story.h"

#include <cmath>

namespace lambari::sandbox {
namespace {

namespace json = base::json;
using Kind = Outcome::Kind;

double ms(std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1'000.0; }

const char* status_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case Kind::success: return "success";
    case Kind::timeout: return "timeout";
    case Kind::crash:
    case Kind::out_of_memory: return "failure";
    default: return "error";
  }
}

const std::string& value_of(const FunctionSpec& spec, const char* name) {
  static const std::string none;
  const auto found = spec.environment.find(name);
  return found == spec.environment.end() ? none : found->second;
}

const char* initialization_type(const FunctionSpec& spec) { return spec.provisioned ? "provisioned-concurrency" : "on-demand"; }

}  // namespace

void Story::tell(std::string_view type, json::object record) {
  telemetry_.record(Telemetry::Source::platform, type, std::move(record));
}

void Story::line(Telemetry::Source source, const std::string& text) {
  if (telemetry_.heard()) telemetry_.record_line(source, text, value_of(spec_, "AWS_LAMBDA_LOG_FORMAT") == "JSON");
}

void Story::init_started() {
  if (!telemetry_.heard()) return;
  tell("platform.initStart", {{"initializationType", initialization_type(spec_)},
                              {"phase", spec_.init_within_invocation ? "invoke" : "init"},
                              {"runtimeVersion", spec_.runtime},
                              {"functionName", value_of(spec_, "AWS_LAMBDA_FUNCTION_NAME")},
                              {"functionVersion", value_of(spec_, "AWS_LAMBDA_FUNCTION_VERSION")},
                              {"instanceId", value_of(spec_, "AWS_LAMBDA_LOG_STREAM_NAME")},
                              {"instanceMaxMemory", static_cast<std::int64_t>(spec_.memory_mb) << 20}});
}

void Story::init_done(const std::string& error_type, std::chrono::microseconds took) {
  if (!telemetry_.heard()) return;
  const char* phase = spec_.init_within_invocation ? "invoke" : "init";
  const char* status = error_type.empty() ? "success" : error_type == "Sandbox.Timedout" ? "timeout" : "error";
  json::object done{{"initializationType", initialization_type(spec_)}, {"phase", phase}, {"status", status}};
  if (!error_type.empty()) done["errorType"] = error_type;
  tell("platform.initRuntimeDone", done);
  done["metrics"] = json::object{{"durationMs", ms(took)}};
  tell("platform.initReport", std::move(done));
}

void Story::started(const Invocation& invocation) {
  if (!telemetry_.heard()) return;
  request_id_ = invocation.request_id;
  trace_ = invocation.trace_header;
  json::object record{{"requestId", request_id_}, {"version", value_of(spec_, "AWS_LAMBDA_FUNCTION_VERSION")}};
  if (!trace_.empty()) record["tracing"] = json::object{{"type", "X-Amzn-Trace-Id"}, {"value", trace_}};
  tell("platform.start", std::move(record));
}

void Story::runtime_done(const Outcome& outcome) {
  if (!telemetry_.heard()) return;
  json::object record{{"requestId", request_id_},
                      {"status", status_of(outcome)},
                      {"metrics", json::object{{"durationMs", ms(outcome.duration)}, {"producedBytes", outcome.response_bytes}}}};
  if (outcome.kind != Kind::success && !outcome.error_type.empty()) record["errorType"] = outcome.error_type;
  if (!trace_.empty()) record["tracing"] = json::object{{"type", "X-Amzn-Trace-Id"}, {"value", trace_}};
  tell("platform.runtimeDone", std::move(record));
}

void Story::reported(const Outcome& outcome) {
  if (!telemetry_.heard()) return;
  const auto all = outcome.duration + outcome.init_duration.value_or(std::chrono::microseconds(0));
  json::object metrics{{"durationMs", ms(outcome.duration)},
                       {"billedDurationMs", static_cast<std::int64_t>(std::ceil(ms(all)))},
                       {"memorySizeMB", spec_.memory_mb},
                       {"maxMemoryUsedMB", (outcome.max_memory_bytes + (1 << 20) - 1) >> 20}};
  if (outcome.init_duration) metrics["initDurationMs"] = ms(*outcome.init_duration);
  json::object record{{"requestId", request_id_}, {"status", status_of(outcome)}, {"metrics", std::move(metrics)}};
  if (outcome.kind != Kind::success && !outcome.error_type.empty()) record["errorType"] = outcome.error_type;
  if (!trace_.empty()) record["tracing"] = json::object{{"type", "X-Amzn-Trace-Id"}, {"value", trace_}};
  tell("platform.report", std::move(record));
  telemetry_.flush();
}

}  // namespace lambari::sandbox
