// Pure decisions about what a client may configure. Each check throws the fault AWS answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/apigateway/model.h"

namespace lambari::apigateway {

// "GET /pets/{id}", "ANY /x/{proxy+}" or "$default" (both parts empty).
struct RouteKey {
  std::string method;  // "ANY" or an HTTP method
  std::string path;
  bool is_default() const { return path.empty(); }
};

inline constexpr std::size_t kMaxPathVariables = 32;

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html ; nothing when malformed.
std::optional<RouteKey> parse_route_key(std::string_view key);
// The names of the variables in a route's path, in order; a greedy one without its '+'.
std::vector<std::string> path_variables(std::string_view path);
// Two keys with the same shape match the same requests: variables lose their names.
std::string route_shape(std::string_view key);

// The function an AWS_PROXY integration calls: from its own ARN, or from
// arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations. Empty when it is neither.
std::string lambda_arn(std::string_view uri);

// Replaces ${stageVariables.name}; a variable that is not set becomes empty, as on AWS.
std::string substitute_stage_variables(std::string_view text, const Strings& variables);

// arn:aws:logs:{region}:{account}:log-group:{name}[:*] -> the name; empty when it is no such ARN.
std::string log_group_of(std::string_view arn);

void check_name(std::string_view name);
void check_description(const std::optional<std::string>& description);
void check_route_key(std::string_view key);
void check_cors(const Cors& cors);
void check_stage_name(std::string_view name);
void check_stage_variables(const Strings& variables);
void check_route_settings(const RouteSettings& settings);
void check_access_log(const AccessLog& log);
void check_tags(const Strings& tags);
// Type, URI, method, payload format, timeout, mappings.
void check_integration(const Integration& integration);

[[noreturn]] void bad_request(std::string message);
[[noreturn]] void conflict(std::string message);
[[noreturn]] void not_found(std::string message);
[[noreturn]] void too_many(std::string_view what);

// Quotas of https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
inline constexpr std::size_t kMaxApis = 600, kMaxRoutes = 300, kMaxIntegrations = 300, kMaxStages = 10, kMaxTags = 50;

}  // namespace lambari::apigateway
