#include "services/lambda/async_rules.h"

#include "base/json.h"
#include "base/text.h"
#include "delivery/retry.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

using Kind = Attempt::Kind;

constexpr delivery::Backoff kAfterRefusal{std::chrono::seconds(1), std::chrono::minutes(5), 2.0, 0.5};
constexpr std::int64_t kMinute = 60'000;
constexpr std::size_t kMaxErrorMessage = 1'024;

std::int64_t max_age_ms(const EventInvokeConfig& config) { return config.max_age_s.value_or(kMaxEventAge) * std::int64_t{1'000}; }

// The ARN as records have it: always qualified.
std::string qualified(const Event& event) {
  return function_arn(event.function, event.qualifier.empty() ? "$LATEST" : event.qualifier);
}

std::string error_message(Condition condition, const Progress& progress, const Attempt* attempt) {
  if (condition == Condition::zero_reserved)
    return "Function not invoked. Function isconfigured with zero reserved concurrent executions";
  if (!attempt) return progress.status == 429 ? "Rate Exceeded." : "The event exceeded its maximum age.";
  if (attempt->kind != Kind::function_error) return attempt->message;
  const auto answer = base::parse_json(attempt->payload, 1'000);
  if (!answer || !answer->is_object()) return attempt->payload;
  const auto* message = answer->as_object().if_contains("errorMessage");
  if (!message) return attempt->payload;
  return message->is_string() ? std::string(message->as_string()) : base::to_json(*message);
}

std::string first_kilobyte(std::string text) {
  if (text.size() <= kMaxErrorMessage) return text;
  auto end = kMaxErrorMessage;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not in the middle of a character
  text.resize(end);
  return text;
}

}  // namespace

std::string_view name_of(Condition condition) {
  switch (condition) {
    case Condition::success: return "Success";
    case Condition::retries_exhausted: return "RetriesExhausted";
    case Condition::event_age_exceeded: return "EventAgeExceeded";
    case Condition::zero_reserved: return "ZeroReservedConcurrency";
  }
  return "";
}

void count(Progress& progress, const Attempt& attempt) {
  if (attempt.kind == Kind::zero_reserved) return;
  if (attempt.kind == Kind::refused || attempt.kind == Kind::recursive) {
    ++progress.refused;
  } else {
    ++progress.invoked;
    progress.refused = 0;
  }
  progress.status = attempt.status;
  progress.executed_version = attempt.executed_version;
  progress.function_error = attempt.function_error;
}

Step next_step(const EventInvokeConfig& config, const Progress& progress, Kind kind, base::Timestamp added, base::Timestamp now,
               double draw) {
  if (kind == Kind::success) return {Condition::success, {}};
  if (kind == Kind::zero_reserved) return {Condition::zero_reserved, {}};
  if (kind == Kind::recursive) return {Condition::retries_exhausted, {}};
  base::Timestamp at = now;
  if (kind == Kind::refused) {
    at.ms += delivery::delay(kAfterRefusal, progress.refused, draw).count();
  } else {
    if (progress.invoked > static_cast<unsigned>(config.max_retries.value_or(kMaxEventRetries)))
      return {Condition::retries_exhausted, {}};
    at.ms += kMinute * progress.invoked;
  }
  if (at.ms - added.ms > max_age_ms(config)) return {Condition::event_age_exceeded, {}};
  return {std::nullopt, at};
}

bool too_old(const EventInvokeConfig& config, base::Timestamp added, base::Timestamp now) {
  return now.ms - added.ms > max_age_ms(config);
}

std::string invocation_record(const Event& event, Condition condition, const Progress& progress, const Attempt* attempt,
                              base::Timestamp now) {
  base::json::object context{{"requestId", event.request_id},
                             {"functionArn", qualified(event)},
                             {"condition", name_of(condition)},
                             {"approximateInvokeCount", progress.invoked}};
  // Payloads go in as they are: they may be large, and numbers keep their digits.
  std::string out = R"({"version":"1.0","timestamp":)" + base::to_json(base::json::value(base::iso8601(now, true))) +
                    R"(,"requestContext":)" + base::to_json(context) + R"(,"requestPayload":)" + event.payload;
  if (progress.status != 0) {
    base::json::object response{{"statusCode", progress.status}};
    if (!progress.executed_version.empty()) response["executedVersion"] = progress.executed_version;
    if (!progress.function_error.empty()) response["functionError"] = progress.function_error;
    out += R"(,"responseContext":)" + base::to_json(response);
  }
  if (attempt && (attempt->kind == Kind::success || attempt->kind == Kind::function_error)) {
    const bool is_json = base::parse_json(attempt->payload, 1'000).has_value();
    out += R"(,"responsePayload":)";
    out += attempt->payload.empty() ? "null" : is_json ? attempt->payload : base::to_json(base::json::value(attempt->payload));
  }
  return out + "}";
}

std::map<std::string, contracts::MessageAttribute> letter_attributes(const Event& event, Condition condition,
                                                                     const Progress& progress, const Attempt* attempt) {
  std::map<std::string, contracts::MessageAttribute> out;
  out["RequestID"] = {"String", event.request_id};
  if (condition != Condition::zero_reserved && progress.status != 0)
    out["ErrorCode"] = {"Number", std::to_string(progress.status)};
  if (auto message = first_kilobyte(error_message(condition, progress, attempt)); !message.empty())
    out["ErrorMessage"] = {"String", std::move(message)};
  return out;
}

DestinationCall destination_call(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() < 6 || parts[0] != "arn") return {};
  if (parts[2] == "sqs") return {"sqs:SendMessage", "SendMessage", "SQS"};
  if (parts[2] == "sns") return {"sns:Publish", "Publish", "SNS"};
  if (parts[2] == "lambda" && parts[5] == "function") return {"lambda:InvokeFunction", "InvokeFunction", "Lambda"};
  if (parts[2] == "events" && parts[5].starts_with("event-bus/")) return {"events:PutEvents", "PutEvents", "EventBridge"};
  return {};
}

}  // namespace lambari::lambda
