#include "services/apigateway/rows.h"

#include "base/json.h"

namespace lambari::apigateway {
namespace {

namespace json = base::json;

// One list of members per struct serves both directions: `v(name, member)` writes it or reads it.
template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Cors>
{
  v("credentials", x.allow_credentials);
  v("headers", x.allow_headers);
  v("methods", x.allow_methods);
  v("origins", x.allow_origins);
  v("expose", x.expose_headers);
  v("maxAge", x.max_age);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Api>
{
  v("id", x.id);
  v("name", x.name);
  v("description", x.description);
  v("version", x.version);
  v("routeSelection", x.route_selection_expression);
  v("keySelection", x.api_key_selection_expression);
  v("ipAddressType", x.ip_address_type);
  v("cors", x.cors);
  v("endpointDisabled", x.disable_execute_api_endpoint);
  v("created", x.created);
  v("tags", x.tags);
  v("importInfo", x.import_info);
  v("warnings", x.warnings);
  v("quickRoute", x.quick_route);
  v("quickIntegration", x.quick_integration);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Route>
{
  v("id", x.id);
  v("key", x.key);
  v("target", x.target);
  v("operationName", x.operation_name);
  v("managed", x.managed);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Integration>
{
  v("id", x.id);
  v("type", x.type);
  v("uri", x.uri);
  v("method", x.method);
  v("format", x.payload_format_version);
  v("connection", x.connection_type);
  v("description", x.description);
  v("credentials", x.credentials_arn);
  v("serverName", x.server_name_to_verify);
  v("timeout", x.timeout_ms);
  v("request", x.request_parameters);
  v("response", x.response_parameters);
  v("managed", x.managed);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, RouteSettings>
{
  v("burst", x.burst);
  v("rate", x.rate);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, AccessLog>
{
  v("destination", x.destination_arn);
  v("format", x.format);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Stage>
{
  v("name", x.name);
  v("description", x.description);
  v("deployment", x.deployment_id);
  v("status", x.status_message);
  v("auto", x.auto_deploy);
  v("variables", x.variables);
  v("tags", x.tags);
  v("defaults", x.default_settings);
  v("routes", x.route_settings);
  v("accessLog", x.access_log);
  v("created", x.created);
  v("updated", x.updated);
  v("managed", x.managed);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Snapshot>
{
  v("cors", x.cors);
  v("endpointDisabled", x.disable_execute_api_endpoint);
  v("routes", x.routes);
  v("integrations", x.integrations);
}

template <class V, class T>
void members(V& v, T& x)
  requires std::is_same_v<std::remove_const_t<T>, Deployment>
{
  v("id", x.id);
  v("description", x.description);
  v("auto", x.automatic);
  v("created", x.created);
  v("snapshot", x.snapshot);
}

struct Writer {
  json::object& out;

  static json::value make(const std::string& x) { return json::value(x); }
  static json::value make(bool x) { return json::value(x); }
  static json::value make(std::int32_t x) { return json::value(x); }
  static json::value make(std::int64_t x) { return json::value(x); }
  static json::value make(double x) { return json::value(x); }
  template <class T>
  static json::value make(const std::vector<T>& list) {
    json::array array;
    for (const auto& item : list) array.push_back(make(item));
    return array;
  }
  template <class T>
  static json::value make(const std::map<std::string, T>& map) {
    json::object object;
    for (const auto& [key, item] : map) object[key] = make(item);
    return object;
  }
  template <class T>
  static json::value make(const T& x) {
    json::object object;
    Writer writer{object};
    members(writer, x);
    return object;
  }

  template <class T>
  void operator()(const char* name, const T& x) {
    out[name] = make(x);
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& x) {
    if (x) out[name] = make(*x);
  }
};

struct Reader {
  const json::object& in;

  static void take(const json::value& v, std::string& x) { x = std::string(v.as_string()); }
  static void take(const json::value& v, bool& x) { x = v.as_bool(); }
  static void take(const json::value& v, std::int32_t& x) { x = v.to_number<std::int32_t>(); }
  static void take(const json::value& v, std::int64_t& x) { x = v.to_number<std::int64_t>(); }
  static void take(const json::value& v, double& x) { x = v.to_number<double>(); }
  template <class T>
  static void take(const json::value& v, std::vector<T>& list) {
    for (const auto& item : v.as_array()) take(item, list.emplace_back());
  }
  template <class T>
  static void take(const json::value& v, std::map<std::string, T>& map) {
    for (const auto& item : v.as_object()) take(item.value(), map[std::string(item.key())]);
  }
  template <class T>
  static void take(const json::value& v, T& x) {
    Reader reader{v.as_object()};
    members(reader, x);
  }

  template <class T>
  void operator()(const char* name, T& x) {
    if (const auto* v = in.if_contains(name)) take(*v, x);
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& x) {
    if (const auto* v = in.if_contains(name)) take(*v, x.emplace());
  }
};

}  // namespace

template <class T>
std::string to_row(const T& value) {
  return base::to_json(Writer::make(value));
}

template <class T>
T from_row(std::string_view row) {
  auto parsed = base::parse_json(row);
  if (!parsed) throw BadRow("apigateway: a row is not JSON");
  T value;
  try {
    Reader::take(*parsed, value);
  } catch (const std::exception&) {  // Boost.JSON's own: a member has another type
    throw BadRow("apigateway: a row has a member of another type");
  }
  return value;
}

template std::string to_row(const Api&);
template std::string to_row(const Route&);
template std::string to_row(const Integration&);
template std::string to_row(const Stage&);
template std::string to_row(const Deployment&);
template Api from_row<Api>(std::string_view);
template Route from_row<Route>(std::string_view);
template Integration from_row<Integration>(std::string_view);
template Stage from_row<Stage>(std::string_view);
template Deployment from_row<Deployment>(std::string_view);

}  // namespace lambari::apigateway
