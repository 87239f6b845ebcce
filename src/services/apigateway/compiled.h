// What the gateway answers from: an API's stages as immutable values, made from the store's rows whenever one changes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_bucket.h"
#include "services/apigateway/access_log.h"
#include "services/apigateway/mapping.h"
#include "services/apigateway/model.h"
#include "services/apigateway/router.h"

namespace lambari::apigateway {

using wire::CompiledCors;

struct CompiledIntegration {
  bool lambda = false;
  bool payload_v1 = false;
  std::chrono::milliseconds timeout{30'000};
  Mapping request_mapping;
  std::vector<std::pair<int, Mapping>> response_mappings;
  std::string credentials_arn;
  // AWS_PROXY
  std::string function_arn;  // empty: the stage's variables do not make it one
  // HTTP_PROXY
  std::string method;  // "ANY": the caller's
  std::string server;  // scheme://host[:port]; empty when the stage's variables do not make it one
  std::string path;    // with {variable} in it, may carry a query
  std::string host;    // for the Host header
};

struct CompiledRoute {
  std::string key;   // "GET /pets/{id}"
  std::string path;  // "/pets/{id}"; "$default" for the default route
  bool is_default = false;
  std::vector<std::string> variables;
  int integration = -1;                       // index; -1: the route has no target
  std::shared_ptr<base::TokenBucket> bucket;  // null: not throttled
};

struct CompiledStage {
  std::string name;
  bool endpoint_disabled = false;
  bool has_cors = false;
  CompiledCors cors;
  std::optional<AccessLogger> access_log;
  Strings variables;
  std::string variables_json;  // {"a":"b"}; empty when there are none
  std::vector<CompiledRoute> routes;
  std::vector<CompiledIntegration> integrations;
  RouteTable table;
};

struct CompiledApi {
  Scope scope;
  std::string id;
  std::string arn;          // of the meter
  std::string execute_arn;  // arn:aws:execute-api:region:account:id
  std::string protocol = "HTTP/1.1";
  std::vector<std::shared_ptr<const CompiledStage>> stages;

  const CompiledStage* find_stage(std::string_view name) const;
};

// `before` (may be null) is what the same API was: its token buckets stay where their limits did not change.
std::shared_ptr<const CompiledApi> compile(const Scope& scope, const Api& api, const std::vector<Stage>& stages,
                                           const std::map<std::string, Snapshot>& deployments, const CompiledApi* before);

// By API id. Replaced as a whole, so a request works on one consistent table.
using Table = std::unordered_map<std::string, std::shared_ptr<const CompiledApi>>;

}  // namespace lambari::apigateway
