#include "services/apigateway/compiled.h"

#include "base/json.h"
#include "base/text.h"
#include "services/apigateway/rules.h"

namespace lambari::apigateway {
namespace {

// Account limits stand in for what a stage leaves open, once it sets one of the two.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
constexpr double kAccountRate = 10'000;
constexpr std::int32_t kAccountBurst = 5'000;

CompiledIntegration compile_integration(const Integration& it, const Strings& variables) {
  CompiledIntegration out;
  out.lambda = it.type == "AWS_PROXY";
  out.payload_v1 = it.payload_format_version != "2.0";
  out.timeout = std::chrono::milliseconds(it.timeout_ms);
  out.request_mapping = compile_mapping(MappingSide::request, it.request_parameters);
  for (const auto& [status, parameters] : it.response_parameters)
    if (const auto number = base::parse_int(status))
      out.response_mappings.emplace_back(static_cast<int>(*number), compile_mapping(MappingSide::response, parameters));
  if (it.credentials_arn) out.credentials_arn = substitute_stage_variables(*it.credentials_arn, variables);
  const std::string uri = substitute_stage_variables(it.uri, variables);
  if (out.lambda) {
    out.function_arn = lambda_arn(uri);
    return out;
  }
  out.method = it.method;
  const auto scheme = uri.find("://");
  if (scheme == std::string::npos || (!uri.starts_with("http://") && !uri.starts_with("https://"))) return out;
  const auto path = uri.find_first_of("/?", scheme + 3);
  out.server = uri.substr(0, path);
  out.host = out.server.substr(scheme + 3);
  if (out.host.empty() || out.host.find_first_of("{}@ ") != std::string::npos) {
    out.server.clear();
    return out;
  }
  if (path != std::string::npos) out.path = uri.substr(path);
  if (out.path.starts_with('?')) out.path.insert(0, "/");
  return out;
}

std::shared_ptr<base::TokenBucket> bucket_for(const Stage& stage, const std::string& key, const CompiledStage* before) {
  const auto own = stage.route_settings.find(key);
  const RouteSettings* chosen = &stage.default_settings;
  if (own != stage.route_settings.end() && (own->second.rate || own->second.burst)) chosen = &own->second;
  if (!chosen->rate && !chosen->burst) return nullptr;
  const double rate = chosen->rate.value_or(kAccountRate);
  const std::int32_t burst = chosen->burst.value_or(kAccountBurst);
  if (before)
    for (const auto& route : before->routes)
      if (route.key == key && route.bucket && route.bucket->rate() == rate && route.bucket->burst() == burst) return route.bucket;
  return std::make_shared<base::TokenBucket>(rate, burst);
}

std::shared_ptr<const CompiledStage> compile_stage(const CompiledApi& api, const Stage& stage, const Snapshot& snapshot,
                                                   const CompiledStage* before) {
  auto out = std::make_shared<CompiledStage>();
  out->name = stage.name;
  out->endpoint_disabled = snapshot.disable_execute_api_endpoint;
  out->has_cors = snapshot.cors.has_value();
  if (snapshot.cors) out->cors = CompiledCors(*snapshot.cors);
  if (stage.access_log) out->access_log.emplace(*stage.access_log, api.id + "/" + stage.name);
  out->variables = stage.variables;
  if (!stage.variables.empty()) {
    out->variables_json = "{";
    for (const auto& [name, value] : stage.variables) {
      if (out->variables_json.size() > 1) out->variables_json += ',';
      base::append_json_string(out->variables_json, name);
      out->variables_json += ':';
      base::append_json_string(out->variables_json, value);
    }
    out->variables_json += '}';
  }
  std::map<std::string, int> integrations;
  for (const auto& it : snapshot.integrations) {
    integrations["integrations/" + it.id] = static_cast<int>(out->integrations.size());
    out->integrations.push_back(compile_integration(it, stage.variables));
  }
  for (const auto& route : snapshot.routes) {
    const auto key = parse_route_key(route.key);
    if (!key) continue;
    CompiledRoute compiled;
    compiled.key = route.key;
    compiled.is_default = key->is_default();
    compiled.path = key->is_default() ? kDefaultRoute : key->path;
    compiled.variables = path_variables(key->path);
    if (const auto found = route.target ? integrations.find(*route.target) : integrations.end(); found != integrations.end())
      compiled.integration = found->second;
    compiled.bucket = bucket_for(stage, route.key, before);
    out->table.add(*key, static_cast<int>(out->routes.size()));
    out->routes.push_back(std::move(compiled));
  }
  return out;
}

}  // namespace

const CompiledStage* CompiledApi::find_stage(std::string_view name) const {
  for (const auto& stage : stages)
    if (stage->name == name) return stage.get();
  return nullptr;
}

std::shared_ptr<const CompiledApi> compile(const Scope& scope, const Api& api, const std::vector<Stage>& stages,
                                           const std::map<std::string, Snapshot>& deployments, const CompiledApi* before) {
  static const Snapshot kNothing;  // a stage without a deployment exists, and has no routes
  auto out = std::make_shared<CompiledApi>();
  out->scope = scope;
  out->id = api.id;
  out->arn = fmt::format("arn:aws:apigateway:{}::/apis/{}", scope.region, api.id);
  out->execute_arn = fmt::format("arn:aws:execute-api:{}:{}:{}", scope.region, scope.account, api.id);
  for (const auto& stage : stages) {
    const auto found = stage.deployment_id ? deployments.find(*stage.deployment_id) : deployments.end();
    out->stages.push_back(compile_stage(*out, stage, found == deployments.end() ? kNothing : found->second,
                                        before ? before->find_stage(stage.name) : nullptr));
  }
  return out;
}

}  // namespace lambari::apigateway
