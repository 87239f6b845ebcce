#include "base/json.h"
#include "base/text.h"
#include "services/apigateway/event.h"

namespace lambari::apigateway {
namespace {

void append_joined(JsonObject& object, std::string_view name, const std::vector<std::string>& values) {
  if (values.size() == 1) return object.text(name, values.front());
  std::string joined;
  for (const auto& value : values) {
    if (&value != &values.front()) joined += ',';
    joined += value;
  }
  object.text(name, joined);
}

void append_cookies(JsonObject& event, const http::Headers& headers, std::string& out) {
  bool any = false;
  for (std::string_view line : headers.all("cookie"))
    while (!line.empty()) {
      const auto [cookie, rest] = base::cut(line, ';');
      line = rest;
      const std::string_view trimmed = base::trim(cookie);
      if (trimmed.empty()) continue;
      if (any)
        out += ',';
      else {
        event.key("cookies");
        out += '[';
      }
      any = true;
      base::append_json_string(out, trimmed);
    }
  if (any) out += ']';
}

}  // namespace

std::string event_v2(const Exchange& x) {
  std::string out;
  out.reserve(1536 + x.request.body.size() + x.request.body.size() / 2);
  JsonObject event(out);
  event.raw("version", "\"2.0\"");
  event.text("routeKey", x.route->key);
  event.text("rawPath", x.path);
  event.text("rawQueryString", x.query);
  append_cookies(event, x.request.headers, out);

  event.key("headers");
  JsonObject headers(out);
  for (const auto& [name, values] : grouped_headers(x.request.headers))
    if (name != "cookie") append_joined(headers, name, values);
  headers.end();

  if (!x.query.empty()) {
    event.key("queryStringParameters");
    JsonObject query(out);
    for (const auto& [name, values] : grouped_query(x.query)) append_joined(query, name, values);
    query.end();
  }

  event.key("requestContext");
  JsonObject context(out);
  context.text("accountId", x.api->scope.account);
  context.text("apiId", x.api->id);
  context.text("domainName", x.domain_name);
  context.text("domainPrefix", x.domain_prefix);
  context.key("http");
  JsonObject http(out);
  http.text("method", x.request.method);
  http.text("path", x.path);
  http.text("protocol", x.api->protocol);
  http.text("sourceIp", x.request.remote_address);
  http.text("userAgent", x.request.headers.get("user-agent"));
  http.end();
  context.text("requestId", x.request_id);
  context.text("routeKey", x.route->key);
  context.text("stage", x.stage->name);
  context.text("time", clf_time(x.time));
  context.raw("timeEpoch", std::to_string(x.time.ms));
  context.end();

  append_path_parameters(event, x, false, out);
  if (!x.stage->variables_json.empty()) event.raw("stageVariables", x.stage->variables_json);
  append_body(event, x, false);
  event.end();
  return out;
}

}  // namespace lambari::apigateway
