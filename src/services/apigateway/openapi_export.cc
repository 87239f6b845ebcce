#include <algorithm>
#include <tuple>

#include "base/clock.h"
#include "base/text.h"
#include "services/apigateway/openapi.h"
#include "services/apigateway/rules.h"

namespace lambari::apigateway {
namespace {

namespace json = base::json;

json::value texts(const std::vector<std::string>& list) {
  json::array array;
  for (const auto& item : list) array.emplace_back(item);
  return array;
}

json::value strings(const Strings& map) {
  json::object object;
  for (const auto& [name, value] : map) object[name] = value;
  return object;
}

json::object cors_extension(const Cors& cors) {
  json::object out;
  if (!cors.allow_methods.empty()) out["allowMethods"] = texts(cors.allow_methods);
  if (!cors.allow_headers.empty()) out["allowHeaders"] = texts(cors.allow_headers);
  if (!cors.expose_headers.empty()) out["exposeHeaders"] = texts(cors.expose_headers);
  if (cors.max_age) out["maxAge"] = *cors.max_age;
  if (cors.allow_credentials) out["allowCredentials"] = true;
  if (!cors.allow_origins.empty()) out["allowOrigins"] = texts(cors.allow_origins);
  return out;
}

json::object integration_extension(const Integration& it) {
  json::object out;
  out["payloadFormatVersion"] = it.payload_format_version;
  out["type"] = base::lower(it.type);
  out["httpMethod"] = it.method;
  out["uri"] = it.uri;
  out["connectionType"] = it.connection_type;
  if (it.description) out["description"] = *it.description;
  if (it.credentials_arn) out["credentials"] = *it.credentials_arn;
  if (it.timeout_ms != 30'000) out["timeoutInMillis"] = it.timeout_ms;
  if (!it.request_parameters.empty()) out["requestParameters"] = strings(it.request_parameters);
  if (!it.response_parameters.empty()) {
    json::object& responses = out["responseParameters"].emplace_object();
    for (const auto& [status, parameters] : it.response_parameters) responses[status] = strings(parameters);
  }
  return out;
}

json::object operation_of(const Route& route, const Snapshot& snapshot, const ExportOptions& options) {
  json::object operation;
  if (route.operation_name) operation["operationId"] = *route.operation_name;
  json::array parameters;
  for (const auto& name : path_variables(route.key))
    parameters.push_back(json::object{{"name", name},
                                      {"in", "path"},
                                      {"description", "Generated path parameter for " + name},
                                      {"required", true},
                                      {"schema", json::object{{"type", "string"}}}});
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  operation["responses"] = json::object{{"default", json::object{{"description", "Default response for " + route.key}}}};
  if (!options.extensions) return operation;
  if (route.key == kDefaultRoute) operation["isDefaultRoute"] = true;
  if (route.target)
    for (const auto& it : snapshot.integrations)
      if (*route.target == "integrations/" + it.id) operation["x-amazon-apigateway-integration"] = integration_extension(it);
  return operation;
}

}  // namespace

json::value export_openapi(const Api& api, const Snapshot& snapshot, const ExportOptions& options) {
  json::object out;
  out["openapi"] = "3.0.1";
  json::object& info = out["info"].emplace_object();
  info["title"] = api.name;
  if (api.description) info["description"] = *api.description;
  info["version"] = api.version.value_or(base::iso8601(base::Timestamp{api.created}));

  const bool named = !options.stage.empty() && options.stage != kDefaultStage;
  json::object server{{"url", named ? options.endpoint + "/{basePath}" : options.endpoint}};
  if (named) server["variables"] = json::object{{"basePath", json::object{{"default", options.stage}}}};
  if (options.extensions && snapshot.disable_execute_api_endpoint)
    server["x-amazon-apigateway-endpoint-configuration"] = json::object{{"disableExecuteApiEndpoint", true}};
  out["servers"] = json::array{std::move(server)};

  if (options.extensions && !api.tags.empty()) {
    json::array& tags = out["tags"].emplace_array();
    for (const auto& [name, value] : api.tags)
      tags.push_back(json::object{{"name", name}, {"x-amazon-apigateway-tag-value", value}});
  }

  json::object& paths = out["paths"].emplace_object();
  std::vector<Route> routes = snapshot.routes;
  std::sort(routes.begin(), routes.end(), [](const Route& a, const Route& b) {
    const auto [a_method, a_path] = base::cut(a.key, ' ');
    const auto [b_method, b_path] = base::cut(b.key, ' ');
    return std::tie(a_path, a_method) < std::tie(b_path, b_method);
  });
  for (const auto& route : routes) {
    const auto key = parse_route_key(route.key);
    if (!key) continue;
    const std::string path = key->is_default() ? "/$default" : key->path;
    const std::string method =
        key->is_default() || key->method == "ANY" ? "x-amazon-apigateway-any-method" : base::lower(key->method);
    json::value& item = paths[path];
    if (!item.is_object()) item.emplace_object();
    item.get_object()[method] = operation_of(route, snapshot, options);
  }
  if (options.extensions) {
    if (snapshot.cors) out["x-amazon-apigateway-cors"] = cors_extension(*snapshot.cors);
    out["x-amazon-apigateway-importexport-version"] = "1.0";
  }
  return out;
}

}  // namespace lambari::apigateway
