// One call to a deployed API on its way through the gateway, with everything that mappings, events and access logs ask of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/message.h"
#include "services/apigateway/compiled.h"
#include "services/apigateway/router.h"

namespace lambari::apigateway {

// Lives in one coroutine frame and does not move: `values` points into `raw_path`.
struct Exchange {
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // method and body as received; headers as the integration gets them: hop-by-hop ones gone, forwarding ones added.
  http::Request request;
  std::string raw_path;           // as received, with the stage, without query
  std::size_t stage_part = 0;     // bytes of raw_path that name the stage: "/dev"
  std::string path;               // raw_path decoded: what events call rawPath
  std::string query;              // not decoded
  bool path_overwritten = false;  // a mapping set `path`

  const CompiledApi* api = nullptr;
  const CompiledStage* stage = nullptr;
  const CompiledRoute* route = nullptr;
  PathValues values;

  std::string request_id;
  std::string domain_name, domain_prefix;
  base::Timestamp time;
  std::chrono::steady_clock::time_point began;

  // What happened, for the access log.
  int status = 0;
  std::size_t response_length = 0;
  std::string error_message, error_type;
  std::string integration_error, integration_request_id;
  std::optional<int> integration_status;  // what the service answered: Lambda's own status, not the function's
  std::optional<int> backend_status;      // what the function or the backend answered
  std::optional<std::int64_t> integration_latency, response_latency;  // ms

  std::string_view path_in_stage() const {
    const std::string_view rest = std::string_view(raw_path).substr(stage_part);
    return rest.empty() ? std::string_view("/") : rest;
  }
  std::string_view route_key() const;
  // Decoded; empty when the route has no such variable.
  std::optional<std::string> path_variable(std::string_view name) const;
};

// The value of $context.{name}; nothing when this call has none.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
std::optional<std::string> context_value(const Exchange& exchange, std::string_view name);

}  // namespace lambari::apigateway
