#include "services/apigateway/event.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "services/apigateway/integrate.h"

namespace lambari::apigateway {
namespace {

using wire::is_text_body;
using wire::response_v1;
using wire::response_v2;

struct Call {
  CompiledApi api;
  CompiledStage stage;
  CompiledRoute route;
  Exchange x;

  Call() {
    api.scope = {"123456789012", "us-east-1"};
    api.id = "abc1234567";
    stage.name = "dev";
    stage.variables = {{"color", "blue"}};
    stage.variables_json = R"({"color":"blue"})";
    route.key = "GET /pets/{id}";
    route.path = "/pets/{id}";
    route.variables = {"id"};
    x.api = &api;
    x.stage = &stage;
    x.route = &route;
    x.raw_path = "/dev/pets/a%2Fb";
    x.stage_part = 4;
    x.path = "/dev/pets/a/b";
    x.query = "p=1&p=2&q=%C3%A7";
    x.values.values[0] = std::string_view(x.raw_path).substr(10);
    x.values.count = 1;
    x.request_id = "WSg1ihmdliAEJXA=";
    x.domain_name = "abc1234567.execute-api.localhost";
    x.domain_prefix = "abc1234567";
    x.time = base::Timestamp{1'584'039'838'390};
    x.request.method = "GET";
    x.request.remote_address = "127.0.0.1";
    x.request.headers.add("Host", "abc1234567.execute-api.localhost:4566");
    x.request.headers.add("X-Two", "one");
    x.request.headers.add("x-two", "two");
    x.request.headers.add("Cookie", "k=v; m=n");
    x.request.headers.add("User-Agent", "agent/1");
    x.request.body = "héllo \"you\"";
    x.request.headers.add("Content-Type", "text/plain; charset=utf-8");
  }
};

TEST(Event, Version2) {
  Call call;
  EXPECT_EQ(
      event_v2(call.x),
      R"({"version":"2.0","routeKey":"GET /pets/{id}","rawPath":"/dev/pets/a/b","rawQueryString":"p=1&p=2&q=%C3%A7",)"
      R"("cookies":["k=v","m=n"],)"
      R"("headers":{"content-type":"text/plain; charset=utf-8","host":"abc1234567.execute-api.localhost:4566","user-agent":"agent/1","x-two":"one,two"},)"
      R"("queryStringParameters":{"p":"1,2","q":"ç"},)"
      R"("requestContext":{"accountId":"123456789012","apiId":"abc1234567","domainName":"abc1234567.execute-api.localhost","domainPrefix":"abc1234567",)"
      R"("http":{"method":"GET","path":"/dev/pets/a/b","protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"agent/1"},)"
      R"("requestId":"WSg1ihmdliAEJXA=","routeKey":"GET /pets/{id}","stage":"dev","time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1584039838390},)"
      R"("pathParameters":{"id":"a/b"},"stageVariables":{"color":"blue"},"body":"héllo \"you\"","isBase64Encoded":false})");
}

TEST(Event, Version2LeavesOutWhatIsEmpty) {
  Call call;
  call.route.key = "$default";
  call.route.variables.clear();
  call.stage.variables_json.clear();
  call.x.query.clear();
  call.x.request.body.clear();
  call.x.request.headers.remove("cookie");
  const auto event = base::parse_json(event_v2(call.x));
  ASSERT_TRUE(event);
  for (const char* absent : {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"})
    EXPECT_FALSE(event->as_object().contains(absent)) << absent;
  EXPECT_EQ(event->as_object().at("rawQueryString").as_string(), "");
}

TEST(Event, Version1) {
  Call call;
  EXPECT_EQ(
      event_v1(call.x),
      R"({"version":"1.0","resource":"/pets/{id}","path":"/dev/pets/a/b","httpMethod":"GET",)"
      R"("headers":{"content-type":"text/plain; charset=utf-8","cookie":"k=v; m=n","host":"abc1234567.execute-api.localhost:4566","user-agent":"agent/1","x-two":"two"},)"
      R"("multiValueHeaders":{"content-type":["text/plain; charset=utf-8"],"cookie":["k=v; m=n"],"host":["abc1234567.execute-api.localhost:4566"],"user-agent":["agent/1"],"x-two":["one","two"]},)"
      R"("queryStringParameters":{"p":"1","q":"ç"},"multiValueQueryStringParameters":{"p":["1","2"],"q":["ç"]},)"
      R"("requestContext":{"accountId":"123456789012","apiId":"abc1234567","domainName":"abc1234567.execute-api.localhost","domainPrefix":"abc1234567",)"
      R"("extendedRequestId":"WSg1ihmdliAEJXA=","httpMethod":"GET",)"
      R"("identity":{"accessKey":null,"accountId":null,"caller":null,"cognitoAmr":null,"cognitoAuthenticationProvider":null,"cognitoAuthenticationType":null,)"
      R"("cognitoIdentityId":null,"cognitoIdentityPoolId":null,"principalOrgId":null,"sourceIp":"127.0.0.1","user":null,"userAgent":"agent/1","userArn":null},)"
      R"("path":"/dev/pets/a/b","protocol":"HTTP/1.1","requestId":"WSg1ihmdliAEJXA=","requestTime":"12/Mar/2020:19:03:58 +0000","requestTimeEpoch":1584039838390,)"
      R"("resourceId":"GET /pets/{id}","resourcePath":"/pets/{id}","stage":"dev"},)"
      R"("pathParameters":{"id":"a/b"},"stageVariables":{"color":"blue"},"body":"héllo \"you\"","isBase64Encoded":false})");
}

TEST(Event, Version1HasNulls) {
  Call call;
  call.route.variables.clear();
  call.stage.variables_json.clear();
  call.x.query.clear();
  call.x.request.body.clear();
  const auto event = base::parse_json(event_v1(call.x));
  ASSERT_TRUE(event);
  for (const char* name :
       {"queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"})
    EXPECT_TRUE(event->as_object().at(name).is_null()) << name;
}

TEST(Event, BodiesByContentType) {
  const auto is_text = [](const char* type, std::string_view body, const char* encoding = nullptr) {
    http::Headers headers;
    if (type) headers.add("Content-Type", type);
    if (encoding) headers.add("Content-Encoding", encoding);
    return is_text_body(headers, body);
  };
  for (const char* type : {"text/plain", "TEXT/HTML; charset=x", "application/json", "application/json;v=1",
                           "application/javascript", "application/xml", "application/vnd.api+json"})
    EXPECT_TRUE(is_text(type, "x")) << type;
  for (const char* type : {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream",
                           "image/png", "application/zip"})
    EXPECT_FALSE(is_text(type, "x")) << type;
  EXPECT_TRUE(is_text(nullptr, "x"));
  EXPECT_FALSE(is_text(nullptr, "\xff"));
  EXPECT_FALSE(is_text("text/plain", "\xff"));
  EXPECT_FALSE(is_text("application/json", "x", "gzip"));

  Call call;
  call.x.request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  call.x.request.body = "a=b";
  const auto event = base::parse_json(event_v2(call.x));
  EXPECT_EQ(event->as_object().at("body").as_string(), "YT1i");
  EXPECT_TRUE(event->as_object().at("isBase64Encoded").as_bool());
}

TEST(Event, IsAlwaysJson) {
  Call call;
  call.x.request.headers.add("x-bytes", "\xff\xc3(\xe9 \x01 \\ \"");
  call.x.path = std::string("/\0\xed\xa0\x80", 5);
  EXPECT_TRUE(base::parse_json(event_v2(call.x)));
  EXPECT_TRUE(base::parse_json(event_v1(call.x)));
}

TEST(Answer, Version2) {
  auto full = response_v2(
      R"({"statusCode":201,"headers":{"X-Made":"here","n":1},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true})");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->status, 201);
  EXPECT_EQ(full->body, "hi");
  EXPECT_EQ(full->headers.get("x-made"), "here");
  EXPECT_EQ(full->headers.get("n"), "1");
  EXPECT_EQ(full->headers.all("set-cookie"), (std::vector<std::string_view>{"a=1", "b=2"}));
  EXPECT_EQ(full->headers.get("content-type"), "text/plain; charset=utf-8");

  auto text = response_v2(R"("Hello from Lambda!")");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->body, "Hello from Lambda!");
  EXPECT_EQ(text->headers.get("content-type"), "application/json");
  auto object = response_v2(R"({ "message": "Hello" })");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->status, 200);
  EXPECT_EQ(object->body, R"({ "message": "Hello" })");
  EXPECT_EQ(response_v2("null")->body, "null");
  EXPECT_EQ(response_v2("[1]")->body, "[1]");
  EXPECT_EQ(response_v2(R"({"statusCode":"404","body":null})")->status, 404);
  EXPECT_EQ(response_v2(R"({"statusCode":200,"body":"x"})", "application/json")->headers.get("content-type"), "application/json");

  for (const char* bad : {"", "{", R"({"statusCode":99})", R"({"statusCode":"x"})", R"({"statusCode":200,"body":{}})",
                          R"({"statusCode":200,"headers":[]})", R"({"statusCode":200,"headers":{"a":{}}})",
                          R"({"statusCode":200,"body":"!","isBase64Encoded":true})", R"({"statusCode":200,"cookies":"x"})"})
    EXPECT_FALSE(response_v2(bad)) << bad;
}

TEST(Answer, Version1) {
  auto full = response_v1(
      R"({"statusCode":200,"headers":{"A":"1","B":"x"},"multiValueHeaders":{"B":["2","3"],"Set-Cookie":["c=d"]},"body":"ok"})");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->headers.get("a"), "1");
  EXPECT_EQ(full->headers.all("b"), (std::vector<std::string_view>{"2", "3"}));
  EXPECT_EQ(full->body, "ok");
  for (const char* bad : {R"("text")", R"({"message":"hi"})", "null", R"({"statusCode":200,"multiValueHeaders":{"a":"b"}})"})
    EXPECT_FALSE(response_v1(bad)) << bad;
}

TEST(Answer, NothingSplitsTheMessage) {
  auto split = response_v2(
      R"({"statusCode":200,"headers":{"X-A":"1\r\nX-B: 2","Bad Name":"x","Transfer-Encoding":"chunked","Content-Length":"9"},"cookies":["a\nb"]})");
  ASSERT_TRUE(split);
  for (const char* name : {"x-a", "x-b", "bad name", "transfer-encoding", "content-length", "set-cookie"})
    EXPECT_FALSE(split->headers.has(name)) << name;
}

TEST(MappingOf, Requests) {
  Call call;
  call.x.request.body = R"({"user":{"name":"ann"},"list":[1,{"x":true}]})";
  map_request(compile_mapping(MappingSide::request,
                              {{"append:header.x-two", "three"},
                               {"overwrite:header.x-name", "$request.body.user.name"},
                               {"overwrite:header.x-item", "$request.body.list[1].x"},
                               {"append:header.x-none", "$request.body.nothing"},
                               {"overwrite:header.x-all",
                                "${context.apiId}/${stageVariables.color}/${request.path.id}/${request.querystring.p}"},
                               {"remove:header.cookie", "''"},
                               {"append:querystring.r", "$request.header.x-two"},
                               {"remove:querystring.p", ""},
                               {"overwrite:path", "/v1$fixed"}}),
              call.x);
  const auto& headers = call.x.request.headers;
  EXPECT_EQ(headers.all("x-two"), (std::vector<std::string_view>{"one", "two", "three"}));
  EXPECT_EQ(headers.get("x-name"), "ann");
  EXPECT_EQ(headers.get("x-item"), "true");
  EXPECT_FALSE(headers.has("x-none"));
  EXPECT_EQ(headers.get("x-all"), "abc1234567/blue/a/b/1,2");
  EXPECT_FALSE(headers.has("cookie"));
  EXPECT_EQ(call.x.query, "q=%C3%A7&r=one%2Ctwo");
  EXPECT_EQ(call.x.path, "/v1$fixed");
}

TEST(MappingOf, Responses) {
  Call call;
  http::Response response;
  response.status = 500;
  response.body = R"({"why":"because"})";
  response.headers.add("server", "x");
  map_response(compile_mapping(MappingSide::response, {{"overwrite:statuscode", "403"},
                                                       {"append:header.x-why", "$response.body.why"},
                                                       {"append:header.x-id", "$context.requestId"},
                                                       {"remove:header.server", "''"}}),
               call.x, response);
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers.get("x-why"), "because");
  EXPECT_EQ(response.headers.get("x-id"), "WSg1ihmdliAEJXA=");
  EXPECT_FALSE(response.headers.has("server"));
}

TEST(Proxy, Targets) {
  Call call;
  CompiledIntegration integration;
  integration.path = "/base/{id}?fixed=1";
  EXPECT_EQ(backend_target(call.x, integration), "/base/a%2Fb?fixed=1&p=1&p=2&q=%C3%A7");
  call.x.query.clear();
  integration.path = "";
  EXPECT_EQ(backend_target(call.x, integration), "/");
  call.route.is_default = true;
  integration.path = "/root/";
  EXPECT_EQ(backend_target(call.x, integration), "/root/dev/pets/a%2Fb");
  call.x.path = "/over ride";
  call.x.path_overwritten = true;
  EXPECT_EQ(backend_target(call.x, integration), "/over%20ride");
}

TEST(Proxy, HopByHop) {
  http::Headers headers;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"Connection", "close, X-Mine"},
                                                                                    {"X-Mine", "1"},
                                                                                    {"Keep-Alive", "5"},
                                                                                    {"Transfer-Encoding", "chunked"},
                                                                                    {"TE", "x"},
                                                                                    {"Stay", "1"}})
    headers.add(name, value);
  wire::remove_hop_by_hop(headers);
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_TRUE(headers.has("stay"));
}

TEST(CorsOf, Table) {
  Cors cors{.allow_credentials = true,
            .allow_headers = {"X-One", "content-type"},
            .allow_methods = {"GET", "POST"},
            .allow_origins = {"https://a.example", "http://*"},
            .expose_headers = {"Date"},
            .max_age = 60};
  const CompiledCors compiled(cors);
  const auto preflight = [](std::string origin, std::string method, std::string headers) {
    http::Request request;
    request.method = "OPTIONS";
    request.headers.add("Origin", std::move(origin));
    request.headers.add("Access-Control-Request-Method", std::move(method));
    if (!headers.empty()) request.headers.add("Access-Control-Request-Headers", std::move(headers));
    return request;
  };
  auto yes = compiled.preflight(preflight("https://a.example", "GET", "x-one, Content-Type"));
  EXPECT_EQ(yes.status, 204);
  EXPECT_EQ(yes.headers.get("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(yes.headers.get("access-control-allow-methods"), "GET,POST");
  EXPECT_EQ(yes.headers.get("access-control-allow-headers"), "x-one,content-type");
  EXPECT_EQ(yes.headers.get("access-control-max-age"), "60");
  EXPECT_EQ(yes.headers.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(compiled.preflight(preflight("http://any.where:3000", "POST", "")).headers.get("access-control-allow-origin"),
            "http://any.where:3000");
  for (const auto& refused : {preflight("https://b.example", "GET", ""), preflight("https://a.example", "PUT", ""),
                              preflight("https://a.example", "GET", "x-two")}) {
    const auto no = compiled.preflight(refused);
    EXPECT_EQ(no.status, 204);
    EXPECT_EQ(no.headers.size(), 0u);
  }

  http::Response response;
  response.headers.add("Access-Control-Allow-Origin", "backend");
  response.headers.add("Access-Control-Allow-Origin", "again");
  response.headers.add("X", "1");
  compiled.decorate("https://a.example", response);
  EXPECT_EQ(response.headers.all("access-control-allow-origin"), (std::vector<std::string_view>{"https://a.example"}));
  EXPECT_EQ(response.headers.get("access-control-expose-headers"), "date");
  compiled.decorate("https://b.example", response);
  EXPECT_FALSE(response.headers.has("access-control-allow-origin"));
  EXPECT_TRUE(response.headers.has("x"));
  EXPECT_EQ(CompiledCors(Cors{.allow_origins = {"*"}}).allow_origin("https://x"), "*");
}

}  // namespace
}  // namespace lambari::apigateway
