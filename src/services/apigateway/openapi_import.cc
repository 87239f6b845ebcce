#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/text.h"
#include "services/apigateway/openapi.h"
#include "services/apigateway/rules.h"
#include "wire/fault.h"

namespace lambari::apigateway {
namespace {

namespace json = base::json;

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kMethods = {{{"get", "GET"},
                                                                                    {"put", "PUT"},
                                                                                    {"post", "POST"},
                                                                                    {"delete", "DELETE"},
                                                                                    {"options", "OPTIONS"},
                                                                                    {"head", "HEAD"},
                                                                                    {"patch", "PATCH"},
                                                                                    {"x-amazon-apigateway-any-method", "ANY"}}};

const json::object* object_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

const json::array* array_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_array() : nullptr;
}

std::optional<std::string> text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::optional<std::string>(std::string(*text)) : std::nullopt;
}

std::vector<std::string> texts_in(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  if (const auto* array = array_in(object, name))
    for (const auto& item : *array)
      if (const auto* text = item.if_string()) out.emplace_back(*text);
  return out;
}

[[noreturn]] void import_error(std::string_view what) { bad_request(fmt::format("Errors found during import:\n\t{}", what)); }

// https://docs.aws.amazon.com/apigateway/latest/developerguide/import-api-aws-variables.html
std::string with_aws_variables(std::string text, const Scope& scope) {
  const std::pair<std::string_view, std::string_view> variables[] = {{"${AWS::AccountId}", scope.account},
                                                                     {"${AWS::Region}", scope.region},
                                                                     {"${AWS::Partition}", "aws"},
                                                                     {"${AWS::URLSuffix}", "amazonaws.com"}};
  for (const auto& [name, value] : variables)
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + value.size()))
      text.replace(at, name.size(), value);
  return text;
}

// "1.0" for 1.0: a version that was written as a number.
std::string number_text(const json::value& value) {
  const double number = value.to_number<double>();
  return number == std::floor(number) && std::abs(number) < 1e9 ? fmt::format("{:.1f}", number) : fmt::format("{}", number);
}

std::string payload_version(const json::object& integration) {
  const auto* value = integration.if_contains("payloadFormatVersion");
  if (!value) return {};
  if (const auto* text = value->if_string()) return std::string(*text);
  return value->is_number() ? number_text(*value) : std::string();
}

ParameterMap parameters(const json::object& object) {
  ParameterMap out;
  for (const auto& member : object)
    if (const auto* text = member.value().if_string()) out[std::string(member.key())] = std::string(*text);
  return out;
}

class Importer {
 public:
  Importer(const json::object& document, BasePath base_path, const Scope& scope)
      : document_(document), mode_(base_path), scope_(scope) {}

  Imported run() {
    const auto version = text_in(document_, "openapi");
    if (!version || !version->starts_with("3.0"))
      import_error("Unable to import API: only OpenAPI 3.0 definitions are supported for HTTP APIs");
    info();
    servers();
    cors();
    tags();
    if (has_requirements(document_)) refuse_security("the whole API");
    const auto* paths = object_in(document_, "paths");
    if (!paths) import_error("Unable to import API: the definition has no paths");
    for (const auto& path : *paths) {
      const auto* item = path.value().if_object();
      if (!item) import_error(fmt::format("The path {} is not an object", std::string_view(path.key())));
      import_path(path.key(), *item);
    }
    if (out_.routes.size() > kMaxRoutes) too_many("Routes for this API");
    if (ignored_bodies_)
      out_.api.import_info.push_back("Request validation is not supported for HTTP APIs: requestBody and schema are ignored");
    return std::move(out_);
  }

 private:
  void info() {
    const auto* info = object_in(document_, "info");
    const auto title = info ? text_in(*info, "title") : std::nullopt;
    if (!title) import_error("Unable to import API: info.title is required");
    out_.api.name = *title;
    check_name(out_.api.name);
    out_.api.description = text_in(*info, "description");
    check_description(out_.api.description);
    out_.api.version = text_in(*info, "version");
    if (const auto* version = info->if_contains("version");
        version && version->is_number())  // 1.0 without quotes, as YAML allows
      out_.api.version = number_text(*version);
  }

  void servers() {
    const auto* list = array_in(document_, "servers");
    const auto* server = list && !list->empty() ? list->front().if_object() : nullptr;
    if (!server) return;
    if (const auto* endpoint = object_in(*server, "x-amazon-apigateway-endpoint-configuration"))
      if (const auto* flag = endpoint->if_contains("disableExecuteApiEndpoint"); flag && flag->is_bool())
        out_.api.disable_execute_api_endpoint = flag->get_bool();
    if (mode_ == BasePath::ignore) return;
    std::string url = text_in(*server, "url").value_or("");
    if (const auto* variables = object_in(*server, "variables"))
      for (const auto& variable : *variables)
        if (const auto* value = variable.value().if_object()) {
          const std::string name = "{" + std::string(variable.key()) + "}";
          if (const auto at = url.find(name); at != url.npos)
            url.replace(at, name.size(), text_in(*value, "default").value_or(""));
        }
    const auto scheme = url.find("://");
    const auto slash = url.find('/', scheme == url.npos ? 0 : scheme + 3);
    if (slash == url.npos) return;
    prefix_ = url.substr(slash);
    while (prefix_.ends_with('/')) prefix_.pop_back();
    const auto squeeze = prefix_.find("//");
    if (squeeze != prefix_.npos) prefix_.erase(squeeze, 1);
    if (mode_ == BasePath::split) {
      const auto second = prefix_.find('/', 1);
      prefix_ = second == prefix_.npos ? std::string() : prefix_.substr(second);
    }
  }

  void cors() {
    const auto* given = object_in(document_, "x-amazon-apigateway-cors");
    if (!given) return;
    Cors cors;
    cors.allow_headers = texts_in(*given, "allowHeaders");
    cors.allow_methods = texts_in(*given, "allowMethods");
    cors.allow_origins = texts_in(*given, "allowOrigins");
    cors.expose_headers = texts_in(*given, "exposeHeaders");
    if (const auto* flag = given->if_contains("allowCredentials"); flag && flag->is_bool())
      cors.allow_credentials = flag->get_bool();
    if (const auto* age = given->if_contains("maxAge"); age && age->is_int64())
      cors.max_age = static_cast<std::int32_t>(std::clamp<std::int64_t>(age->get_int64(), -2, 86'401));
    check_cors(cors);
    out_.api.cors = std::move(cors);
  }

  void tags() {
    const auto* list = array_in(document_, "tags");
    if (!list) return;
    for (const auto& item : *list)
      if (const auto* tag = item.if_object())
        if (const auto name = text_in(*tag, "name"))
          if (const auto value = text_in(*tag, "x-amazon-apigateway-tag-value")) out_.api.tags[*name] = *value;
    check_tags(out_.api.tags);
  }

  static bool has_requirements(const json::object& object) {
    const auto* security = array_in(object, "security");
    return security && !security->empty();
  }

  // Left open, an operation that asks for an authorizer would be reachable by everyone.
  [[noreturn]] static void refuse_security(std::string_view where) {
    import_error(fmt::format("Authorizers are not served by this version; remove `security` from {}", where));
  }

  void import_path(std::string_view path, const json::object& item) {
    for (const auto& member : item) {
      const std::string_view name = member.key();
      const auto method = std::find_if(kMethods.begin(), kMethods.end(), [&](const auto& entry) { return entry.first == name; });
      if (method == kMethods.end()) {
        if (name == "trace") out_.api.warnings.push_back(fmt::format("The method TRACE of {} is not supported", path));
        continue;
      }
      const auto* operation = member.value().if_object();
      if (!operation) import_error(fmt::format("The operation {} of {} is not an object", name, path));
      import_operation(path, method->second, *operation);
    }
  }

  void import_operation(std::string_view path, std::string_view method, const json::object& operation) {
    Route route;
    const bool is_default = path == "/$default" && method == "ANY";
    route.key = is_default ? std::string(kDefaultRoute)
                           : fmt::format("{} {}{}", method, prefix_, prefix_.empty() || path != "/" ? path : "");
    if (!parse_route_key(route.key))
      import_error(fmt::format("Unable to create route for '{}': the path is not formatted properly", route.key));
    if (!shapes_.insert(route_shape(route.key)).second)
      import_error(fmt::format("Route with key {} already exists for this API", route.key));
    if (has_requirements(operation)) refuse_security(route.key);
    route.operation_name = text_in(operation, "operationId");
    if (route.operation_name && route.operation_name->size() > 64)
      import_error(fmt::format("The operationId of {} is longer than 64 characters", route.key));
    ignored_bodies_ |= operation.contains("requestBody");
    int target = -1;
    if (const auto* integration = object_in(operation, "x-amazon-apigateway-integration"))
      target = import_integration(route.key, *integration);
    else
      out_.api.warnings.push_back(fmt::format("The route {} has no integration", route.key));
    out_.routes.emplace_back(std::move(route), target);
  }

  int import_integration(const std::string& key, const json::object& given) {
    if (const auto reference = text_in(given, "$ref")) {
      if (const auto known = by_reference_.find(*reference); known != by_reference_.end()) return known->second;
      constexpr std::string_view kPrefix = "#/components/x-amazon-apigateway-integrations/";
      const auto* components = object_in(document_, "components");
      const auto* shared = components ? object_in(*components, "x-amazon-apigateway-integrations") : nullptr;
      const auto* found = shared && reference->starts_with(kPrefix)
                              ? object_in(*shared, std::string_view(*reference).substr(kPrefix.size()))
                              : nullptr;
      if (!found || found->contains("$ref")) import_error(fmt::format("Unable to resolve {} of {}", *reference, key));
      return by_reference_[*reference] = import_integration(key, *found);
    }
    Integration it;
    it.type = base::upper(text_in(given, "type").value_or(""));
    if (it.type == "AWS" || it.type == "HTTP" || it.type == "MOCK") {
      out_.api.warnings.push_back(fmt::format(
          "The integration type {} of {} is not supported for HTTP APIs; the route has no integration", it.type, key));
      return -1;
    }
    if (const auto subtype = text_in(given, "integrationSubtype"))
      import_error(fmt::format("IntegrationSubtype {} of {} is not served by this version", *subtype, key));
    it.uri = with_aws_variables(text_in(given, "uri").value_or(""), scope_);
    it.method = text_in(given, "httpMethod").value_or(it.type == "AWS_PROXY" ? "POST" : "");
    if (it.method == "x-amazon-apigateway-any-method" || it.method == "any") it.method = "ANY";
    it.payload_format_version = payload_version(given);
    it.connection_type = text_in(given, "connectionType").value_or("INTERNET");
    it.description = text_in(given, "description");
    if (auto credentials = text_in(given, "credentials"))
      it.credentials_arn = with_aws_variables(std::move(*credentials), scope_);
    if (const auto* timeout = given.if_contains("timeoutInMillis"); timeout && timeout->is_int64())
      it.timeout_ms = static_cast<std::int32_t>(std::clamp<std::int64_t>(timeout->get_int64(), 0, 1'000'000));
    if (const auto* request = object_in(given, "requestParameters")) it.request_parameters = parameters(*request);
    if (const auto* response = object_in(given, "responseParameters"))
      for (const auto& status : *response)
        if (const auto* map = status.value().if_object()) it.response_parameters[std::string(status.key())] = parameters(*map);
    if (out_.integrations.size() >= kMaxIntegrations) too_many("Integrations for this API");
    try {
      check_integration(it);
    } catch (const wire::Fault& fault) {
      import_error(fmt::format("Unable to create integration for {}: {}", key, fault.message()));
    }
    out_.integrations.push_back(std::move(it));
    return static_cast<int>(out_.integrations.size()) - 1;
  }

  const json::object& document_;
  BasePath mode_;
  const Scope& scope_;
  std::string prefix_;
  std::set<std::string> shapes_;
  std::map<std::string, int> by_reference_;
  bool ignored_bodies_ = false;
  Imported out_;
};

}  // namespace

Imported import_openapi(std::string_view body, BasePath base_path, const Scope& scope) {
  if (body.size() > kMaxOpenApiBytes) bad_request("The definition is larger than 6 MB");
  const auto document = parse_document(body);
  const auto* object = document ? document->if_object() : nullptr;
  if (!object) bad_request("Invalid OpenAPI input.");
  return Importer(*object, base_path, scope).run();
}

}  // namespace lambari::apigateway
