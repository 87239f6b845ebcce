// The platform's own events of one environment, in the words of the Telemetry API. Pure but for the telemetry that it tells.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
#pragma once

#include <string>

#include "sandbox/sandbox.h"
#include "sandbox/telemetry.h"

namespace lambari::sandbox {

class Story {
 public:
  Story(Telemetry& telemetry, const FunctionSpec& spec) : telemetry_(telemetry), spec_(spec) {}

  // Each is called once in an environment, or once in an invocation, in this order.
  void init_started();
  void init_done(const std::string& error_type, std::chrono::microseconds took);  // an empty type: it went well
  void started(const Invocation& invocation);
  void runtime_done(const Outcome& outcome);
  void reported(const Outcome& outcome);

  void line(Telemetry::Source source, const std::string& text);

 private:
  void tell(std::string_view type, base::json::object record);

  Telemetry& telemetry_;
  const FunctionSpec& spec_;
  std::string request_id_, trace_;
};

}  // namespace lambari::sandbox
