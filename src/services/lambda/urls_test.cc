// Function URLs: configuration, who may call, the event, the answer.
#include <gmock/gmock.h>

#include "base/json.h"
#include "services/lambda/fakes.h"
#include "services/lambda/rules.h"
#include "services/lambda/url_rules.h"
#include "wire/sigv4.h"

namespace lambari::lambda {
namespace {

using aws::lambda::CreateFunctionUrlConfigRequest;
using aws::lambda::UpdateFunctionUrlConfigRequest;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::World;

CreateFunctionUrlConfigRequest request_for(const std::string& name, const std::string& auth) {
  CreateFunctionUrlConfigRequest request;
  request.FunctionName = name;
  request.AuthType = auth;
  return request;
}

std::string host_of(const std::string& url) {
  const auto begin = url.find("//") + 2;
  return url.substr(begin, url.find('/', begin) - begin);
}

http::Response call(World& w, const std::string& host, std::function<void(http::Request&)> change = {}) {
  http::Request request;
  request.headers.add("Host", host);
  request.remote_address = "127.0.0.1";
  if (change) change(request);
  const auto place = Lambda::url_place(request);
  EXPECT_TRUE(place) << host << request.target;
  if (!place) return {};
  return w.run(w.room->serve_url(std::move(request), *place));
}

TEST(Urls, PlacesInRequests) {
  const std::string id(32, 'a');
  const auto place = [](const std::string& host, const std::string& target = "/") {
    http::Request request;
    request.headers.add("Host", host);
    request.target = target;
    return Lambda::url_place(request);
  };
  EXPECT_EQ(place(id + ".lambda-url.us-east-1.localhost:4566")->id, id);
  EXPECT_EQ(place(id + ".lambda-url.us-east-1.on.aws")->prefix, 0u);
  EXPECT_EQ(place(std::string(32, 'A') + ".LAMBDA-URL.us-east-1.on.aws")->id, id);
  const auto by_path = place("localhost:4566", "/_aws/lambda-url/" + id + "/a?b");
  EXPECT_EQ(by_path->id, id);
  EXPECT_EQ(by_path->prefix, std::string("/_aws/lambda-url/").size() + 32);
  for (const auto* host : {"localhost", "x.lambda-url.us-east-1.on.aws", "", ".lambda-url.", "a.execute-api.localhost"})
    EXPECT_FALSE(place(host)) << host;
  EXPECT_FALSE(place("localhost", "/_aws/lambda-url/short/x"));
  FunctionUrl url;
  url.id = id;
  url.function.region = "eu-west-1";
  EXPECT_EQ(url_of(url, "localhost:4566", false), "http://" + id + ".lambda-url.eu-west-1.localhost:4566/");
  EXPECT_EQ(url_of(url, "[::1]", true), "https://" + id + ".lambda-url.eu-west-1.localhost/");
  EXPECT_EQ(url_of(url, "lambda.eu-west-1.amazonaws.com", true), "https://" + id + ".lambda-url.eu-west-1.on.aws/");
}

TEST(Urls, LifeOfAConfiguration) {
  World w;
  w.create_active("f");
  w.publish("f");
  aws::lambda::CreateAliasRequest alias;
  alias.FunctionName = "f";
  alias.Name = "live";
  alias.FunctionVersion = "1";
  w.call_api(&Lambda::CreateAlias, alias);

  const auto made = w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f", "AWS_IAM"));
  EXPECT_THAT(made.FunctionUrl, ::testing::MatchesRegex("http://[a-z0-9]{32}\\.lambda-url\\.us-east-1\\.localhost:4566/"));
  EXPECT_EQ(made.InvokeMode, "BUFFERED");
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f", "NONE")); }),
              HasSubstr("ResourceConflictException: Failed to create function url config for [functionArn = "
                        "arn:aws:lambda:us-east-1:000000000000:function:f]. Error message:  FunctionUrlConfig exists"));
  auto on_alias = request_for("f", "NONE");
  on_alias.Qualifier = "live";
  on_alias.Cors.emplace().AllowOrigins = {"https://example.com"};
  w.call_api(&Lambda::CreateFunctionUrlConfig, on_alias);
  UpdateFunctionUrlConfigRequest update;
  update.FunctionName = "f";
  update.AuthType = "NONE";
  update.InvokeMode = "RESPONSE_STREAM";
  w.call_api(&Lambda::UpdateFunctionUrlConfig, update);
  w.restart();
  const auto shown = w.call_api(&Lambda::GetFunctionUrlConfig, {"f"});
  EXPECT_EQ(shown.FunctionUrl, made.FunctionUrl) << "a URL stays the same";
  EXPECT_EQ(shown.AuthType, "NONE");
  EXPECT_EQ(shown.InvokeMode, "RESPONSE_STREAM");
  EXPECT_EQ(w.call_api(&Lambda::ListFunctionUrlConfigs, {"f"}).FunctionUrlConfigs.size(), 2u);
  aws::lambda::ListFunctionUrlConfigsRequest page;
  page.FunctionName = "f";
  page.MaxItems = 1;
  const auto first = w.call_api(&Lambda::ListFunctionUrlConfigs, page);
  ASSERT_EQ(first.FunctionUrlConfigs.size(), 1u);
  page.Marker = first.NextMarker;
  const auto second = w.call_api(&Lambda::ListFunctionUrlConfigs, page);
  ASSERT_EQ(second.FunctionUrlConfigs.size(), 1u);
  EXPECT_EQ(second.FunctionUrlConfigs[0].Cors->AllowOrigins, std::vector<std::string>{"https://example.com"});
  EXPECT_FALSE(second.NextMarker);

  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f:1", "NONE")); }),
              StartsWith("ValidationException: 1 validation error detected: Value '1' at 'qualifier'"));
  EXPECT_THAT(w.fault_of([&] { w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f:nope", "NONE")); }),
              "ResourceNotFoundException: Function does not exist");
  w.call_api(&Lambda::DeleteFunctionUrlConfig, {"f"});
  EXPECT_EQ(w.fault_of([&] { w.call_api(&Lambda::GetFunctionUrlConfig, {"f"}); }),
            "ResourceNotFoundException: The resource you requested does not exist.");
  EXPECT_EQ(call(w, host_of(made.FunctionUrl)).status, 403) << "the old URL is gone";
  const auto again = w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f", "NONE"));
  EXPECT_NE(again.FunctionUrl, made.FunctionUrl);
  aws::lambda::DeleteFunctionRequest remove;
  remove.FunctionName = "f";
  w.call_api(&Lambda::DeleteFunction, remove);
  EXPECT_EQ(call(w, host_of(again.FunctionUrl)).status, 403);
  w.create_active("f");
  EXPECT_TRUE(w.call_api(&Lambda::ListFunctionUrlConfigs, {"f"}).FunctionUrlConfigs.empty());
}

TEST(Urls, EventAndAnswer) {
  World w;
  w.create_active("f");
  const auto host = host_of(w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f", "NONE")).FunctionUrl);
  base::json::value event;
  std::string answer =
      R"({"statusCode":201,"headers":{"X-A":"b"},"cookies":["c=1; Secure"],"body":"aGk=","isBase64Encoded":true})";
  w.sandbox.handler = [&](const auto&, const sandbox::Invocation& invocation, const auto&) {
    event = *base::parse_json(invocation.payload);
    sandbox::Outcome outcome;
    outcome.payload = answer;
    return outcome;
  };
  auto response = call(w, host, [](http::Request& r) {
    r.method = "POST";
    r.target = "/a%20b/c?x=1&x=2&y=";
    r.headers.add("Cookie", "a=1; b=2");
    r.headers.add("Content-Type", "application/json");
    r.headers.add("User-Agent", "tester");
    r.headers.add("Connection", "close");
    r.body = R"({"k":1})";
  });
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "hi");
  EXPECT_EQ(response.headers.get("x-a"), "b");
  EXPECT_EQ(response.headers.get("set-cookie"), "c=1; Secure");
  EXPECT_TRUE(response.headers.has("x-amzn-requestid"));
  const auto& e = event.as_object();
  EXPECT_EQ(e.at("version"), "2.0");
  EXPECT_EQ(e.at("routeKey"), "$default");
  EXPECT_EQ(e.at("rawPath"), "/a%20b/c");
  EXPECT_EQ(e.at("rawQueryString"), "x=1&x=2&y=");
  EXPECT_EQ(base::to_json(e.at("queryStringParameters")), R"({"x":"1,2","y":""})");
  EXPECT_EQ(base::to_json(e.at("cookies")), R"(["a=1","b=2"])");
  EXPECT_EQ(e.at("body"), R"({"k":1})");
  EXPECT_EQ(e.at("isBase64Encoded"), false);
  const auto& headers = e.at("headers").as_object();
  EXPECT_EQ(headers.at("x-forwarded-proto"), "http");
  EXPECT_TRUE(headers.contains("x-amzn-trace-id"));
  EXPECT_FALSE(headers.contains("connection"));
  const auto& context = e.at("requestContext").as_object();
  EXPECT_EQ(context.at("accountId"), "anonymous");
  EXPECT_EQ(context.at("apiId"), base::json::value(host.substr(0, 32)));
  EXPECT_EQ(context.at("domainPrefix"), base::json::value(host.substr(0, 32)));
  EXPECT_EQ(context.at("stage"), "$default");
  EXPECT_EQ(context.at("http").at("method"), "POST");
  EXPECT_EQ(context.at("http").at("userAgent"), "tester");
  EXPECT_TRUE(context.at("authentication").is_null());
  EXPECT_FALSE(context.contains("authorizer"));

  answer = R"("Hello, world!")";
  response = call(w, host, [](http::Request& r) {
    r.headers.add("Content-Type", "image/png");
    r.body = "\x89PNG";
  });
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "Hello, world!") << "a string loses its quotes";
  EXPECT_EQ(response.headers.get("content-type"), "application/json");
  EXPECT_EQ(event.as_object().at("isBase64Encoded"), true);
  answer = R"({"statusCode":"what"})";
  EXPECT_EQ(call(w, host).status, 502);
  w.sandbox.handler = [](const auto&, const auto&, const auto&) {
    sandbox::Outcome outcome;
    outcome.kind = sandbox::Outcome::Kind::function_error;
    return outcome;
  };
  EXPECT_EQ(call(w, host).status, 502);
  EXPECT_EQ(call(w, host, [](http::Request& r) { r.body.assign(kMaxPayload + 1, 'x'); }).status, 413);
  w.call_api(&Lambda::PutFunctionConcurrency, {"f", 0});
  response = call(w, host);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.headers.get("x-amzn-errortype"), "TooManyRequestsException");
}

TEST(Urls, BothActionsAreAskedFor) {
  World w;
  w.create_active("f");
  const auto host = host_of(w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f", "NONE")).FunctionUrl);
  EXPECT_EQ(call(w, host).status, 200);
  auto asked = w.authorizer.last("lambda:InvokeFunctionUrl");
  EXPECT_EQ(asked.resources, std::vector<std::string>{"arn:aws:lambda:us-east-1:000000000000:function:f"});
  EXPECT_EQ(asked.context["lambda:FunctionUrlAuthType"], std::vector<std::string>{"NONE"});
  EXPECT_EQ(w.authorizer.last("lambda:InvokeFunction").context["lambda:InvokedViaFunctionUrl"], std::vector<std::string>{"true"});
  for (const auto* action : {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}) {
    w.authorizer.denied_actions = {action};
    const auto response = call(w, host);
    EXPECT_EQ(response.status, 403);
    EXPECT_THAT(response.body, StartsWith(R"({"Message":"Forbidden. For troubleshooting Function URL authorization issues)"));
  }
}

TEST(Urls, IamWantsASignature) {
  World w;
  w.create_active("f");
  const auto host = host_of(w.call_api(&Lambda::CreateFunctionUrlConfig, request_for("f", "AWS_IAM")).FunctionUrl);
  EXPECT_EQ(call(w, host).status, 403);
  const auto signed_call = [&](const std::string& secret, const std::string& service, const std::string& region) {
    return call(w, host, [&](http::Request& r) {
      r.headers.set("Host", host);
      r.body = "x";
      wire::sign(r, {"AKIDTEST", secret, ""}, region, service, w.clock.now());
    });
  };
  EXPECT_EQ(signed_call("wrong", "lambda", "us-east-1").status, 403);
  EXPECT_EQ(signed_call("", "execute-api", "us-east-1").status, 403);
  EXPECT_EQ(signed_call("", "lambda", "eu-west-1").status, 403);
  EXPECT_EQ(signed_call("", "lambda", "us-east-1").status, 200);
}

TEST(Urls, Cors) {
  World w;
  w.create_active("f");
  auto request = request_for("f", "AWS_IAM");
  auto& cors = request.Cors.emplace();
  cors.AllowOrigins = {"https://example.com"};
  cors.AllowMethods = {"GET", "PUT"};
  cors.AllowHeaders = {"x-custom"};
  cors.ExposeHeaders = {"x-shown"};
  cors.MaxAge = 60;
  cors.AllowCredentials = true;
  const auto host = host_of(w.call_api(&Lambda::CreateFunctionUrlConfig, request).FunctionUrl);
  const auto preflight = [&](const std::string& origin, const std::string& method) {
    return call(w, host, [&](http::Request& r) {
      r.method = "OPTIONS";
      r.headers.add("Origin", origin);
      r.headers.add("Access-Control-Request-Method", method);
      r.headers.add("Access-Control-Request-Headers", "X-Custom");
    });
  };
  auto response = preflight("https://example.com", "PUT");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("access-control-allow-origin"), "https://example.com");
  EXPECT_EQ(response.headers.get("access-control-allow-methods"), "GET,PUT");
  EXPECT_EQ(response.headers.get("access-control-max-age"), "60");
  EXPECT_EQ(response.headers.get("access-control-allow-credentials"), "true");
  EXPECT_TRUE(w.sandbox.specs.empty()) << "the URL answers by itself, unsigned";
  EXPECT_FALSE(preflight("https://evil.example", "PUT").headers.has("access-control-allow-origin"));
  EXPECT_FALSE(preflight("https://example.com", "DELETE").headers.has("access-control-allow-origin"));
  response = call(w, host, [](http::Request& r) { r.headers.add("Origin", "https://example.com"); });
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers.get("access-control-allow-origin"), "https://example.com") << "a page may read the refusal";
  EXPECT_EQ(response.headers.get("access-control-expose-headers"), "x-shown");
}

}  // namespace
}  // namespace lambari::lambda
