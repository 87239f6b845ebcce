#include "services/apigateway/rules.h"

#include <gtest/gtest.h>

#include "services/apigateway/router.h"
#include "wire/fault.h"

namespace lambari::apigateway {
namespace {

TEST(Rules, RouteKeys) {
  for (const char* good : {"$default", "GET /", "GET /pets", "ANY /x/{proxy+}", "POST /a/{b}/c", "DELETE /pets/",
                           "GET /{id}.json/x", "GET /a.b-c_d~e"})
    EXPECT_EQ(parse_route_key(good).has_value(), std::string_view(good) != "GET /{id}.json/x") << good;
  for (const char* bad : {"", "GET", "GET pets", "get /pets", "FETCH /pets", "GET  /pets", "GET /a b", "GET /{a}/{a+}/x",
                          "GET /{a+}/x", "GET /{a}/{a}", "GET //x", "GET /{}", "GET /{+}", "GET /a{b}", "default", "GET /x?y"})
    EXPECT_FALSE(parse_route_key(bad)) << bad;
  EXPECT_EQ(path_variables("/a/{b}/c/{d+}"), (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(route_shape("GET /a/{b}/{c+}"), route_shape("GET /a/{x}/{y+}"));
  EXPECT_NE(route_shape("GET /a/{b}"), route_shape("GET /a/{b+}"));
  EXPECT_NE(route_shape("GET /a/{b}"), route_shape("PUT /a/{b}"));
}

TEST(Rules, FunctionArns) {
  const std::string arn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
  EXPECT_EQ(lambda_arn(arn), arn);
  EXPECT_EQ(lambda_arn(arn + ":live"), arn + ":live");
  EXPECT_EQ(lambda_arn(arn + ":$LATEST"), arn + ":$LATEST");
  EXPECT_EQ(lambda_arn("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"), arn);
  for (const char* bad : {"", "hello", "arn:aws:lambda:us-east-1:0:function:hello", "arn:aws:sqs:us-east-1:000000000000:q",
                          "arn:aws:lambda:us-east-1:000000000000:function:",
                          "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/x/invocations"})
    EXPECT_EQ(lambda_arn(bad), "") << bad;
  EXPECT_EQ(substitute_stage_variables("a${stageVariables.x}b${stageVariables.none}${stageVariables.x", {{"x", "1"}}),
            "a1b${stageVariables.x");
}

template <class F>
std::string refused(F f) {
  try {
    f();
    return {};
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.code(), "BadRequestException");
    return fault.message();
  }
}

TEST(Rules, Integrations) {
  Integration it;
  it.type = "AWS_PROXY";
  it.uri = "arn:aws:lambda:us-east-1:000000000000:function:hello";
  it.method = "POST";
  it.payload_format_version = "2.0";
  EXPECT_EQ(refused([&] { check_integration(it); }), "");
  const auto with = [&](auto change) {
    Integration changed = it;
    change(changed);
    return refused([&] { check_integration(changed); });
  };
  EXPECT_NE(with([](auto& x) { x.type = "MOCK"; }), "");
  EXPECT_EQ(with([](auto& x) { x.payload_format_version = ""; }), "PayloadFormatVersion is a required parameter for integration");
  EXPECT_NE(with([](auto& x) { x.payload_format_version = "3.0"; }), "");
  EXPECT_NE(with([](auto& x) { x.uri = "hello"; }), "");
  EXPECT_EQ(with([](auto& x) { x.uri = "arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.f}"; }), "");
  EXPECT_NE(with([](auto& x) { x.timeout_ms = 49; }), "");
  EXPECT_NE(with([](auto& x) { x.timeout_ms = 30'001; }), "");
  EXPECT_NE(with([](auto& x) { x.connection_type = "VPC_LINK"; }), "");
  EXPECT_NE(with([](auto& x) { x.request_parameters = {{"append:header.authorization", "x"}}; }), "");
  EXPECT_EQ(with([](auto& x) { x.request_parameters = {{"append:header.x", "${request.path.id}-$5"}}; }), "");
  EXPECT_NE(with([](auto& x) { x.request_parameters = {{"append:header.x", "$request.nothing"}}; }), "");
  EXPECT_NE(with([](auto& x) { x.request_parameters = {{"overwrite:statuscode", "200"}}; }), "");
  EXPECT_EQ(with([](auto& x) { x.response_parameters = {{"500", {{"overwrite:statuscode", "403"}}}}; }), "");
  EXPECT_NE(with([](auto& x) { x.response_parameters = {{"abc", {}}}; }), "");
  const auto http = [&](std::string uri, std::string method) {
    return with([&](auto& x) {
      x.type = "HTTP_PROXY";
      x.uri = std::move(uri);
      x.method = std::move(method);
      x.payload_format_version = "1.0";
    });
  };
  EXPECT_EQ(http("https://example.com/{proxy}", "ANY"), "");
  EXPECT_NE(http("ftp://example.com", "ANY"), "");
  EXPECT_NE(http("http:///x", "ANY"), "");
  EXPECT_NE(http("http://example.com", ""), "");
}

TEST(Rules, CorsAndStages) {
  EXPECT_NE(refused([] { check_cors({.allow_credentials = true, .allow_origins = {"*"}}); }), "");
  EXPECT_NE(refused([] { check_cors({.allow_origins = {"example.com"}}); }), "");
  EXPECT_NE(refused([] { check_cors({.allow_methods = {"FETCH"}}); }), "");
  EXPECT_NE(refused([] { check_cors({.max_age = 86'401}); }), "");
  EXPECT_EQ(refused([] { check_cors({.allow_methods = {"*", "GET"}, .allow_origins = {"*"}, .max_age = -1}); }), "");
  EXPECT_EQ(refused([] { check_stage_name("$default"); }), "");
  EXPECT_NE(refused([] { check_stage_name("a b"); }), "");
  EXPECT_NE(refused([] { check_stage_name(""); }), "");
  EXPECT_EQ(log_group_of("arn:aws:logs:us-east-1:000000000000:log-group:/aws/x:*"), "/aws/x");
  EXPECT_EQ(log_group_of("arn:aws:logs:us-east-1:000000000000:log-group:name"), "name");
  EXPECT_EQ(log_group_of("arn:aws:sqs:us-east-1:000000000000:q"), "");
  EXPECT_NE(refused([] { check_access_log({"arn:aws:logs:us-east-1:000000000000:log-group:x", "$context.path"}); }), "");
}

class Routes : public ::testing::Test {
 protected:
  void add(const std::string& key) {
    keys.push_back(key);
    table.add(*parse_route_key(key), static_cast<int>(keys.size()) - 1);
  }
  std::string match(const std::string& method, std::string_view path) {
    const int found = table.match(method, path, values);
    return found < 0 ? "" : keys[static_cast<std::size_t>(found)];
  }
  std::vector<std::string> keys;
  RouteTable table;
  PathValues values;
};

// The example of AWS's page on routing.
TEST_F(Routes, PriorityAsAwsDocuments) {
  for (const char* key : {"$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/dog/{id}", "GET /pets/dog/1"}) add(key);
  EXPECT_EQ(match("GET", "/pets/dog/1"), "GET /pets/dog/1");
  EXPECT_EQ(match("GET", "/pets/dog/2"), "GET /pets/dog/{id}");
  EXPECT_EQ(match("GET", "/pets/cat/1"), "GET /pets/{proxy+}");
  EXPECT_EQ(match("POST", "/pets/dog/1"), "ANY /{proxy+}");
  EXPECT_EQ(match("POST", "/test/5"), "ANY /{proxy+}");
  EXPECT_EQ(match("GET", "/"), "$default");
}

TEST_F(Routes, MethodsVariablesAndBacktracking) {
  for (const char* key : {"ANY /a", "GET /a", "POST /pets/dog", "GET /pets/{id}", "GET /pets/{id}/toys/{toy}", "GET /x/{rest+}",
                          "GET /s/", "GET /caf%C3%A9/y"})
    add(key);
  EXPECT_EQ(match("GET", "/a"), "GET /a");
  EXPECT_EQ(match("PUT", "/a"), "ANY /a");
  EXPECT_EQ(match("GET", "/a/"), "");
  EXPECT_EQ(match("GET", "/pets/dog"), "GET /pets/{id}");  // the literal has no GET
  EXPECT_EQ(match("DELETE", "/pets/dog"), "");
  EXPECT_EQ(match("GET", "/pets/dog/toys/ball"), "GET /pets/{id}/toys/{toy}");
  ASSERT_EQ(values.count, 2u);
  EXPECT_EQ(values.values[0], "dog");
  EXPECT_EQ(values.values[1], "ball");
  EXPECT_EQ(match("GET", "/pets/"), "");  // a variable is never empty
  EXPECT_EQ(match("GET", "/x/a/b%2Fc/"), "GET /x/{rest+}");
  ASSERT_EQ(values.count, 1u);
  EXPECT_EQ(values.values[0], "a/b%2Fc/");
  EXPECT_EQ(match("GET", "/x/"), "");
  EXPECT_EQ(match("GET", "/x"), "");
  EXPECT_EQ(match("GET", "/s/"), "GET /s/");
  EXPECT_EQ(match("GET", "/s"), "");
  EXPECT_EQ(match("GET", "/%61"), "GET /a");
}

TEST_F(Routes, ManyRoutesAndLongPaths) {
  for (int i = 0; i < 300; ++i) add(fmt::format("GET /r{}/{{id}}", i));
  EXPECT_EQ(match("GET", "/r299/x"), "GET /r299/{id}");
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "/r1";
  EXPECT_EQ(match("GET", deep), "");
}

}  // namespace
}  // namespace lambari::apigateway
