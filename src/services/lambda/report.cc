#include "services/lambda/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

using Kind = sandbox::Outcome::Kind;

double ms(std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1'000.0; }

std::string signal_name(int number) {
  switch (number) {
    case 4: return "illegal instruction";
    case 6: return "aborted";
    case 7: return "bus error";
    case 8: return "floating point exception";
    case 9: return "killed";
    case 11: return "segmentation fault";
    case 15: return "terminated";
    default: return "signal " + std::to_string(number);
  }
}

std::string exit_words(const sandbox::Outcome& outcome) {
  if (outcome.error_type.starts_with("Extension.")) return "an extension of the function has failed";
  if (outcome.kind == Kind::out_of_memory) return "Runtime exited with error: signal: killed";
  if (outcome.signal != 0) return "Runtime exited with error: signal: " + signal_name(outcome.signal);
  if (outcome.exit_status != 0) return "Runtime exited with error: exit status " + std::to_string(outcome.exit_status);
  return "Runtime exited without providing a reason";
}

std::string exit_type(const sandbox::Outcome& outcome) {
  if (outcome.kind == Kind::out_of_memory) return "Runtime.OutOfMemory";
  return outcome.error_type.empty() ? "Runtime.ExitError" : outcome.error_type;
}

std::string document(std::string_view type, std::string_view message) {
  return base::to_json(base::json::object{{"errorType", type}, {"errorMessage", message}});
}

std::string message_of(std::string_view document) {
  const auto parsed = base::parse_json(document);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  const auto* message = object ? object->if_contains("errorMessage") : nullptr;
  return message && message->is_string() ? std::string(message->as_string()) : std::string();
}

}  // namespace

std::string error_type_of(const sandbox::Outcome& outcome) {
  return outcome.kind == Kind::init_error && !outcome.error_type.empty() ? outcome.error_type : exit_type(outcome);
}

std::uint64_t used_mb(const sandbox::Outcome& outcome, int memory_mb) {
  return std::min<std::uint64_t>((outcome.max_memory_bytes + (1 << 20) - 1) >> 20, static_cast<std::uint64_t>(memory_mb));
}

std::string runtime_version_name(std::string_view runtime) {
  // "python3.12" is announced as "python:3.12", "provided.al2023" as "provided:al2023".
  std::string shown(runtime);
  if (const auto digit = shown.find_first_of("0123456789"); shown.starts_with("provided.")) {
    shown[8] = ':';
  } else if (digit != std::string::npos) {
    shown.insert(digit, ":");
  }
  if (shown.ends_with(".x")) shown.resize(shown.size() - 2);
  return shown + ".v1";
}

std::string init_start_line(std::string_view region, std::string_view runtime) {
  return fmt::format("INIT_START Runtime Version: {}\tRuntime Version ARN: {}\n", runtime_version_name(runtime),
                     runtime_version_arn(region, runtime));
}

std::string init_report_line(const sandbox::Outcome& outcome, std::string_view phase) {
  const auto took = outcome.init_duration.value_or(outcome.duration);
  auto line = fmt::format("INIT_REPORT Init Duration: {:.2f} ms\tPhase: {}\tStatus: ", ms(took), phase);
  if (outcome.kind == Kind::timeout) return line + "timeout\n";
  return line + "error\tError Type: " + error_type_of(outcome) + "\n";
}

std::string start_line(std::string_view request_id, std::string_view version) {
  return fmt::format("START RequestId: {} Version: {}\n", request_id, version);
}

std::string end_line(std::string_view request_id) { return fmt::format("END RequestId: {}\n", request_id); }

std::uint64_t billed_ms(const sandbox::Outcome& outcome) {
  const auto us = outcome.duration.count() + (outcome.init_duration ? outcome.init_duration->count() : 0);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(1, (us + 999) / 1'000));
}

std::string report_line(std::string_view request_id, const sandbox::Outcome& outcome, int memory_mb) {
  auto line = fmt::format(
      "REPORT RequestId: {}\tDuration: {:.2f} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
      request_id, ms(outcome.duration), billed_ms(outcome), memory_mb, used_mb(outcome, memory_mb));
  if (outcome.init_duration) line += fmt::format("Init Duration: {:.2f} ms\t", ms(*outcome.init_duration));
  switch (outcome.kind) {
    case Kind::timeout: line += "Status: timeout"; break;
    case Kind::init_error:
    case Kind::crash:
    case Kind::out_of_memory: line += "Status: error\tError Type: " + error_type_of(outcome); break;
    default: break;
  }
  return line + "\n";
}

std::optional<std::string> failure_line(std::string_view request_id, const sandbox::Outcome& outcome, int timeout_s,
                                        base::Timestamp now) {
  switch (outcome.kind) {
    case Kind::timeout:
      return fmt::format("{} {} Task timed out after {}.00 seconds\n\n", base::iso8601(now, true), request_id, timeout_s);
    case Kind::crash:
    case Kind::out_of_memory:
      return fmt::format("RequestId: {} Error: {}\n{}\n", request_id, exit_words(outcome), exit_type(outcome));
    case Kind::init_error:
      // What the runtime tells about itself is in its own lines; what could not be started is told here.
      if (outcome.error_type != "Runtime.InvalidEntrypoint" && outcome.error_type != "Runtime.InvalidWorkingDir")
        return std::nullopt;
      return fmt::format("{}\n{}\n", message_of(outcome.payload), outcome.error_type);
    default: return std::nullopt;
  }
}

std::string answer_of(std::string_view request_id, const sandbox::Outcome& outcome, int timeout_s) {
  switch (outcome.kind) {
    case Kind::success:
    case Kind::function_error: return outcome.payload;
    case Kind::init_error:
      if (!outcome.payload.empty()) return outcome.payload;
      return document(exit_type(outcome), fmt::format("RequestId: {} Error: {}", request_id, exit_words(outcome)));
    case Kind::timeout:
      return document("Sandbox.Timedout",
                      fmt::format("RequestId: {} Error: Task timed out after {}.00 seconds", request_id, timeout_s));
    case Kind::crash:
      if (!outcome.payload.empty()) return outcome.payload;  // an extension's fault
      [[fallthrough]];
    case Kind::out_of_memory:
      return document(exit_type(outcome), fmt::format("RequestId: {} Error: {}", request_id, exit_words(outcome)));
    case Kind::payload_too_large:
      // AWS puts the message first here.
      return base::to_json(base::json::object{
          {"errorMessage", fmt::format("Response payload size exceeded maximum allowed payload size ({} bytes).", kMaxResponse)},
          {"errorType", "Function.ResponseSizeTooLarge"}});
  }
  return {};
}

std::string tail_of(std::string_view log) {
  constexpr std::size_t kTail = 4'096;
  if (log.size() > kTail) log.remove_prefix(log.size() - kTail);
  // Not in the middle of a character.
  while (!log.empty() && (static_cast<unsigned char>(log.front()) & 0xC0) == 0x80) log.remove_prefix(1);
  return std::string(log);
}

}  // namespace lambari::lambda
