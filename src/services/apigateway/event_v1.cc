#include "base/json.h"
#include "services/apigateway/event.h"

namespace lambari::apigateway {
namespace {

using wire::grouped_headers;
using wire::grouped_query;
using wire::MultiMap;

// Both the single and the multi-value form. AWS's example gives the last value of a repeated header, the first of a repeated
// query parameter.
void append_both(JsonObject& event, std::string_view single, std::string_view multi, const MultiMap& map, bool last,
                 bool null_when_none, std::string& out) {
  if (map.empty() && null_when_none) {
    event.raw(single, "null");
    event.raw(multi, "null");
    return;
  }
  event.key(single);
  JsonObject values(out);
  for (const auto& [name, all] : map) values.text(name, last ? all.back() : all.front());
  values.end();
  event.key(multi);
  JsonObject lists(out);
  for (const auto& [name, all] : map) {
    lists.key(name);
    out += '[';
    for (const auto& value : all) {
      if (&value != &all.front()) out += ',';
      base::append_json_string(out, value);
    }
    out += ']';
  }
  lists.end();
}

}  // namespace

std::string event_v1(const Exchange& x) {
  std::string out;
  out.reserve(2560 + x.request.body.size() + x.request.body.size() / 2);
  JsonObject event(out);
  event.raw("version", "\"1.0\"");
  event.text("resource", x.route->path);
  event.text("path", x.path);
  event.text("httpMethod", x.request.method);
  append_both(event, "headers", "multiValueHeaders", grouped_headers(x.request.headers), true, false, out);
  append_both(event, "queryStringParameters", "multiValueQueryStringParameters", grouped_query(x.query), false, true, out);

  event.key("requestContext");
  JsonObject context(out);
  context.text("accountId", x.api->scope.account);
  context.text("apiId", x.api->id);
  context.text("domainName", x.domain_name);
  context.text("domainPrefix", x.domain_prefix);
  context.text("extendedRequestId", x.request_id);
  context.text("httpMethod", x.request.method);
  context.key("identity");
  JsonObject identity(out);
  for (const char* name : {"accessKey", "accountId", "caller", "cognitoAmr", "cognitoAuthenticationProvider",
                           "cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId"})
    identity.raw(name, "null");
  identity.text("sourceIp", x.request.remote_address);
  identity.raw("user", "null");
  identity.text("userAgent", x.request.headers.get("user-agent"));
  identity.raw("userArn", "null");
  identity.end();
  context.text("path", x.path);
  context.text("protocol", x.api->protocol);
  context.text("requestId", x.request_id);
  context.text("requestTime", wire::clf_time(x.time));
  context.raw("requestTimeEpoch", std::to_string(x.time.ms));
  context.text("resourceId", x.route->key);
  context.text("resourcePath", x.route->path);
  context.text("stage", x.stage->name);
  context.end();

  append_path_parameters(event, x, true);
  event.raw("stageVariables",
            x.stage->variables_json.empty() ? std::string_view("null") : std::string_view(x.stage->variables_json));
  wire::append_body(event, x.request.headers, x.request.body, true);
  event.end();
  return out;
}

}  // namespace lambari::apigateway
