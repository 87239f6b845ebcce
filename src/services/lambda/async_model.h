// Asynchronous invocation: what is configured, what is queued, and how far an event got. Plain values and their bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "contracts/target.h"
#include "services/lambda/model.h"

namespace lambari::lambda {

// Of a function ("$LATEST"), one of its versions or an alias.
struct EventInvokeConfig {
  std::optional<int> max_age_s, max_retries;
  std::string on_success, on_failure;  // ARNs of destinations
  base::Timestamp modified;
  bool operator==(const EventInvokeConfig&) const = default;
};

// What was accepted with InvocationType Event.
struct Event {
  FunctionKey function;
  std::string qualifier;  // as asked; "" when none
  std::string request_id, client_context, trace_header;
  std::string payload;  // JSON
  bool operator==(const Event&) const = default;
};

// How far an event got, and what its last attempt answered.
struct Progress {
  unsigned invoked = 0;  // attempts that reached the function, or found it gone
  unsigned refused = 0;  // throttles and errors of the service
  int status = 0;        // HTTP status of the last answer; 0 when there was none
  std::string executed_version, function_error;
  bool operator==(const Progress&) const = default;
};

// A record or dead letter on its way to its target.
struct Record {
  contracts::Parcel parcel;  // but for the sender
  std::string role;          // of the function, whose permission it is
  bool dead_letter = false;
};

std::string encode(const EventInvokeConfig& value);
std::string encode(const Event& value);
std::string encode(const Progress& value);
std::string encode(const Record& value);

// Throw std::runtime_error for bytes that this room did not write.
EventInvokeConfig decode_event_invoke_config(std::string_view bytes);
Event decode_event(std::string_view bytes);
Progress decode_progress(std::string_view bytes);  // of nothing: the beginning
Record decode_record(std::string_view bytes);

}  // namespace lambari::lambda
