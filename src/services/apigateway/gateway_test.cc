// The gateway, over a whole room.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "http/server.h"
#include "services/apigateway/fixture.h"

namespace lambari::apigateway::testing {
namespace {

using base::json::value;

class Gateway : public Room {
 protected:
  static value json_of(const http::Response& response) { return base::parse_json(response.body).value_or(value()); }
};

TEST(TargetOf, HostsAndPaths) {
  const auto of = [](std::string host, std::string target) {
    http::Request request;
    request.target = std::move(target);
    request.headers.add("Host", std::move(host));
    const auto found = ApiGateway::target_of(request);
    return found ? fmt::format("{} {} {}", found->api_id, found->prefix, found->default_stage) : "none";
  };
  EXPECT_EQ(of("abc123.execute-api.localhost:4566", "/x"), "abc123 0 false");
  EXPECT_EQ(of("ABC123.Execute-Api.us-east-1.amazonaws.com", "/x"), "abc123 0 false");
  EXPECT_EQ(of("abc123.execute-api.us-east-1.localhost.localstack.cloud:4566", "/"), "abc123 0 false");
  EXPECT_EQ(of("localhost:4566", "/_aws/execute-api/abc123/dev/x?y"), "abc123 24 false");
  EXPECT_EQ(of("localhost:4566", "/_aws/execute-api/abc123"), "abc123 24 false");
  EXPECT_EQ(of("localhost:4566", "/_aws/execute-api/abc123/$default/x"), "abc123 33 true");
  EXPECT_EQ(of("localhost:4566", "/_aws/execute-api/abc123/$defaultx"), "abc123 24 false");
  for (const char* host : {"localhost:4566", "execute-api.localhost", "abc.lambda.localhost", "a-b.execute-api.localhost",
                           "abc123.execute-api", ".execute-api.localhost"})
    EXPECT_EQ(of(host, "/v2/apis"), "none") << host;
  EXPECT_EQ(of("localhost", "/_aws/execute-api//x"), "none");
}

TEST_F(Gateway, QuickCreateAnswers) {
  const std::string api = create_api(kFunction);
  auto response = get(api, "/a/b?x=1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("apigw-requestid").size(), 16u);
  const auto event = json_of(response);
  EXPECT_EQ(event.at("rawPath").as_string(), "/a/b");
  EXPECT_EQ(event.at("routeKey").as_string(), "$default");
  EXPECT_EQ(event.at("requestContext").at("domainName").as_string(), api + ".execute-api.localhost");
  EXPECT_EQ(event.at("headers").at("x-forwarded-for").as_string(), "127.0.0.1");
  EXPECT_EQ(event.at("headers").at("x-forwarded-port").as_string(), "4999");
  EXPECT_TRUE(event.at("headers").as_object().contains("x-amzn-trace-id"));
  ASSERT_EQ(invoker.calls.size(), 1u);
  EXPECT_EQ(invoker.calls[0].function, kFunction);
  EXPECT_EQ(invoker.calls[0].caller.arn, "apigateway.amazonaws.com");
  EXPECT_EQ(invoker.calls[0].source_arn, "arn:aws:execute-api:us-east-1:000000000000:" + api + "/$default/$default");
  EXPECT_EQ(meter.total, 1u);
  EXPECT_EQ(meter.last, "apigateway ApiGatewayHttpRequest arn:aws:apigateway:us-east-1::/apis/" + api);

  http::Request by_path = request_to(api, "/_aws/execute-api/" + api + "/$default/a/b");
  by_path.headers.set("Host", "localhost:4999");
  const auto same = json_of(send(by_path));
  EXPECT_EQ(same.at("rawPath").as_string(), "/a/b");
  EXPECT_EQ(same.at("requestContext").at("domainPrefix").as_string(), api);
}

TEST_F(Gateway, StagesRoutesAndVariables) {
  const std::string api = create_api();
  const std::string integration = create_integration(api);
  create_route(api, "GET /pets/{id}", integration);
  create_route(api, "ANY /files/{proxy+}", integration);
  aws2::CreateStageRequest dev;
  dev.StageVariables = Strings{{"color", "blue"}};
  create_stage(api, "dev", true, dev);
  EXPECT_EQ(get(api, "/pets/1").status, 404);  // no $default stage yet
  create_stage(api, "$default");
  auto event = json_of(get(api, "/dev/pets/a%20b"));
  EXPECT_EQ(event.at("rawPath").as_string(), "/dev/pets/a b");
  EXPECT_EQ(event.at("pathParameters").at("id").as_string(), "a b");
  EXPECT_EQ(event.at("stageVariables").at("color").as_string(), "blue");
  EXPECT_EQ(event.at("requestContext").at("stage").as_string(), "dev");
  EXPECT_EQ(invoker.calls.back().source_arn, "arn:aws:execute-api:us-east-1:000000000000:" + api + "/dev/GET/pets/{id}");
  EXPECT_EQ(json_of(get(api, "/files/x/y", "DELETE")).at("pathParameters").at("proxy").as_string(), "x/y");
  auto missing = get(api, "/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"message":"Not Found"})");
  EXPECT_TRUE(missing.headers.has("apigw-requestid"));
  EXPECT_EQ(get(api, "/pets/1", "POST").status, 404);
  EXPECT_EQ(get("0123456789", "/").status, 404);
}

TEST_F(Gateway, NothingChangesWithoutADeployment) {
  const std::string api = create_api();
  const std::string integration = create_integration(api);
  const std::string route = create_route(api, "GET /a", integration);
  create_stage(api, "prod", false);
  EXPECT_EQ(get(api, "/prod/a").status, 404);
  deploy(api, "prod");
  EXPECT_EQ(get(api, "/prod/a").status, 200);
  create_route(api, "GET /b", integration);
  run(room->DeleteRoute(call, {api, route}));
  EXPECT_EQ(get(api, "/prod/a").status, 200);
  EXPECT_EQ(get(api, "/prod/b").status, 404);
  deploy(api, "prod");
  EXPECT_EQ(get(api, "/prod/a").status, 404);
  EXPECT_EQ(get(api, "/prod/b").status, 200);

  const auto deployments = run(room->GetDeployments(call, {api}));
  ASSERT_EQ(deployments.Items->size(), 2u);
  aws2::UpdateStageRequest back;  // roll back to the first
  back.ApiId = api;
  back.StageName = "prod";
  const std::string now = *run(room->GetStage(call, {api, "prod"})).DeploymentId;
  for (const auto& deployment : *deployments.Items)
    if (*deployment.DeploymentId != now) back.DeploymentId = deployment.DeploymentId;
  run(room->UpdateStage(call, back));
  EXPECT_EQ(get(api, "/prod/a").status, 200);
  EXPECT_EQ(get(api, "/prod/b").status, 404);
  EXPECT_EQ(fault(room->DeleteDeployment(call, {api, *back.DeploymentId})),
            "BadRequestException: Active stages pointing to this deployment must be moved or deleted");
  run(room->DeleteDeployment(call, {api, now}));

  run(room->DeleteApi(call, {api}));
  EXPECT_EQ(get(api, "/prod/a").status, 404);
}

TEST_F(Gateway, AutoDeployFollowsAndKeepsOneDeployment) {
  const std::string api = create_api(kFunction);
  for (int i = 0; i < 5; ++i) create_route(api, fmt::format("GET /r{}", i), create_integration(api));
  EXPECT_EQ(run(room->GetDeployments(call, {api})).Items->size(), 1u);
  EXPECT_EQ(json_of(get(api, "/r4")).at("routeKey").as_string(), "GET /r4");
}

TEST_F(Gateway, SurvivesARestartAndANuke) {
  const std::string api = create_api(kFunction);
  make();
  EXPECT_EQ(get(api, "/").status, 404);
  run(room->start());
  EXPECT_EQ(get(api, "/").status, 200);
  run(room->nuke());
  EXPECT_EQ(get(api, "/").status, 404);
  EXPECT_TRUE(run(room->GetApis(call, {})).Items->empty());
  make();
  run(room->start());
  EXPECT_EQ(get(api, "/").status, 404);
}

TEST_F(Gateway, FailuresOfFunctions) {
  const std::string api = create_api(kFunction);
  aws2::UpdateStageRequest logging;
  logging.ApiId = api;
  logging.StageName = "$default";
  logging.AccessLogSettings.emplace();
  logging.AccessLogSettings->DestinationArn = "arn:aws:logs:us-east-1:000000000000:log-group:access";
  logging.AccessLogSettings->Format = "$context.requestId $context.status $context.routeKey $context.integrationErrorMessage";
  run(room->UpdateStage(call, logging));
  const auto expect = [&](int status, std::string_view message, std::string_view logged) {
    const auto response = get(api, "/");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, fmt::format(R"({{"message":"{}"}})", message));
    ASSERT_FALSE(logs.lines.empty());
    EXPECT_NE(logs.lines.back().find(logged), std::string::npos) << logs.lines.back();
  };
  invoker.echo = false;
  invoker.result.function_error = "Unhandled";
  invoker.result.payload = R"({"errorMessage":"secret detail","errorType":"Exception"})";
  expect(500, "Internal Server Error", "500 $default The Lambda function returned the following error: secret detail.");
  invoker.result = {};
  invoker.result.refusal = {"AccessDeniedException", "no", 403};
  expect(500, "Internal Server Error", "doesn't have permissions to call the integration");
  invoker.result.refusal = {"TooManyRequestsException", "Rate Exceeded.", 429};
  expect(503, "Service Unavailable", "Rate Exceeded.");
  invoker.result = {};
  invoker.result.payload = R"({"statusCode":"x"})";
  expect(500, "Internal Server Error", "doesn't match the format");
  invoker.result.payload = R"("ok")";
  EXPECT_EQ(get(api, "/").body, "ok");
}

TEST_F(Gateway, TimeoutsAreEnforced) {
  const std::string api = create_api(kFunction);
  const auto integrations = run(room->GetIntegrations(call, {api}));
  aws2::UpdateIntegrationRequest update;
  update.ApiId = api;
  update.IntegrationId = *integrations.Items->at(0).IntegrationId;
  update.TimeoutInMillis = 50;
  run(room->UpdateIntegration(call, update));
  invoker.delay = std::chrono::milliseconds(200);
  const auto began = std::chrono::steady_clock::now();
  const auto response = get(api, "/");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, R"({"message":"Service Unavailable"})");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(190));
}

TEST_F(Gateway, ThrottlesByRouteAndStage) {
  const std::string api = create_api(kFunction);
  create_route(api, "GET /own", create_integration(api));
  aws2::UpdateStageRequest update;
  update.ApiId = api;
  update.StageName = "$default";
  update.DefaultRouteSettings.emplace();
  update.DefaultRouteSettings->ThrottlingBurstLimit = 2;
  update.DefaultRouteSettings->ThrottlingRateLimit = 0.01;
  update.RouteSettings.emplace();
  (*update.RouteSettings)["GET /own"].ThrottlingBurstLimit = 1;
  (*update.RouteSettings)["GET /own"].ThrottlingRateLimit = 0.001;
  run(room->UpdateStage(call, update));
  EXPECT_EQ(get(api, "/").status, 200);
  EXPECT_EQ(get(api, "/").status, 200);
  auto refused = get(api, "/");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"message":"Too Many Requests"})");
  EXPECT_EQ(get(api, "/own").status, 200);
  EXPECT_EQ(get(api, "/own").status, 429);
  create_route(api, "GET /other", create_integration(api));  // a new table keeps the buckets
  EXPECT_EQ(get(api, "/").status, 429);
  clock.advance(std::chrono::seconds(100));
  EXPECT_EQ(get(api, "/").status, 200);
  EXPECT_EQ(get(api, "/").status, 429);
  EXPECT_EQ(get(api, "/own").status, 429);
  run(room->DeleteRouteSettings(call, {api, "GET /own", "$default"}));
  EXPECT_EQ(get(api, "/own").status, 200);
  update.RouteSettings->clear();
  (*update.RouteSettings)["GET /none"];
  EXPECT_EQ(fault(room->UpdateStage(call, update)),
            "NotFoundException: Unable to find Route by key GET /none within the provided RouteSettings");
}

TEST_F(Gateway, Cors) {
  const std::string api = create_api(kFunction);
  aws2::UpdateApiRequest update;
  update.ApiId = api;
  update.CorsConfiguration.emplace();
  update.CorsConfiguration->AllowOrigins = {"https://a.example"};
  update.CorsConfiguration->AllowMethods = {"GET"};
  run(room->UpdateApi(call, update));
  auto preflight = request_to(api, "/x", "OPTIONS");
  preflight.headers.add("Origin", "https://a.example");
  preflight.headers.add("Access-Control-Request-Method", "GET");
  auto answer = send(preflight);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.headers.get("access-control-allow-methods"), "GET");
  EXPECT_TRUE(answer.headers.has("apigw-requestid"));
  EXPECT_TRUE(invoker.calls.empty());
  auto simple = request_to(api, "/x");
  simple.headers.add("Origin", "https://a.example");
  EXPECT_EQ(send(simple).headers.get("access-control-allow-origin"), "https://a.example");
  simple.headers.set("Origin", "https://b.example");
  EXPECT_FALSE(send(simple).headers.has("access-control-allow-origin"));
  run(room->DeleteCorsConfiguration(call, {api}));
  EXPECT_NE(send(preflight).status, 204);
}

TEST_F(Gateway, EndpointCanBeDisabled) {
  const std::string api = create_api(kFunction);
  aws2::UpdateApiRequest update;
  update.ApiId = api;
  update.DisableExecuteApiEndpoint = true;
  run(room->UpdateApi(call, update));
  EXPECT_EQ(get(api, "/").status, 404);
  update.DisableExecuteApiEndpoint = false;
  run(room->UpdateApi(call, update));
  EXPECT_EQ(get(api, "/").status, 200);
}

TEST_F(Gateway, LimitsBodies) {
  const std::string api = create_api(kFunction);
  auto request = request_to(api, "/", "POST");
  request.body.assign(ApiGateway::kBodyLimit + 1, 'x');
  EXPECT_EQ(send(request).status, 413);
  request.body.assign(600 * 1024, 'x');
  meter.total = 0;
  invoker.echo = false;
  invoker.result.payload = "\"\"";
  send(request);
  EXPECT_EQ(meter.total, 2u);
}

TEST_F(Gateway, StageVariablesChooseTheFunction) {
  const std::string api = create_api();
  aws2::CreateIntegrationRequest integration;
  integration.ApiId = api;
  integration.IntegrationType = "AWS_PROXY";
  integration.IntegrationUri = "arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.function}";
  integration.PayloadFormatVersion = "1.0";
  create_route(api, "GET /", *run(room->CreateIntegration(call, integration)).IntegrationId);
  aws2::CreateStageRequest stage;
  stage.StageVariables = Strings{{"function", "one:live"}};
  create_stage(api, "$default", true, stage);
  EXPECT_EQ(get(api, "/").status, 500);  // the echo is no answer of format 1.0
  EXPECT_EQ(invoker.calls.back().function, "arn:aws:lambda:us-east-1:000000000000:function:one:live");
  aws2::UpdateStageRequest update;
  update.ApiId = api;
  update.StageName = "$default";
  update.StageVariables = Strings{{"other", "x"}};
  run(room->UpdateStage(call, update));
  const auto calls = invoker.calls.size();
  EXPECT_EQ(get(api, "/").status, 500);
  EXPECT_EQ(invoker.calls.size(), calls);
}

class Backend {
 public:
  explicit Backend(async::Loops& loops) : server_(loops, [this](http::Request request) { return serve(std::move(request)); }) {
    port = server_.listen("127.0.0.1", 0);
  }
  async::Task<http::Response> serve(http::Request request) {
    http::Response response;
    response.status = 203;
    response.headers.add("X-Backend", "yes");
    response.headers.add("Access-Control-Allow-Origin", "backend");
    response.body = request.method + " " + request.target + " " + request.body;
    const bool slow = request.path() == "/slow";
    seen = std::move(request);
    if (slow) co_await async::sleep_for(std::chrono::milliseconds(300));  // may outlive this backend
    co_return response;
  }
  std::uint16_t port = 0;
  http::Request seen;

 private:
  http::Server server_;
};

TEST_F(Gateway, HttpProxy) {
  Backend backend(loops);
  const std::string api = create_api();
  const auto route = [&](const std::string& key, const std::string& path, const std::string& method,
                         std::int32_t timeout = 30'000) {
    aws2::CreateIntegrationRequest request;
    request.ApiId = api;
    request.IntegrationType = "HTTP_PROXY";
    request.IntegrationMethod = method;
    request.IntegrationUri = fmt::format("http://127.0.0.1:{}{}", backend.port, path);
    request.PayloadFormatVersion = "1.0";
    request.TimeoutInMillis = timeout;
    request.RequestParameters = Strings{{"append:header.x-added", "$request.querystring.v"}};
    request.ResponseParameters =
        std::map<std::string, Strings>{{"203", {{"overwrite:statuscode", "201"}, {"append:header.x-id", "$context.requestId"}}}};
    create_route(api, key, *run(room->CreateIntegration(call, request)).IntegrationId);
  };
  route("ANY /{proxy+}", "/base/{proxy}", "ANY");
  route("GET /fixed", "/fixed", "POST");
  route("GET /slow", "/slow", "GET", 60);
  route("$default", "", "ANY");
  create_stage(api, "$default");

  auto request = request_to(api, "/x/y%2Fz?v=7", "PUT");
  request.body = "hello";
  request.headers.add("Connection", "X-Hop");
  request.headers.add("X-Hop", "1");
  auto response = send(request);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "PUT /base/x/y%2Fz?v=7 hello");
  EXPECT_EQ(response.headers.get("x-backend"), "yes");
  EXPECT_EQ(response.headers.get("x-id"), response.headers.get("apigw-requestid"));
  const auto& headers = backend.seen.headers;
  EXPECT_EQ(headers.get("x-added"), "7");
  EXPECT_EQ(headers.get("via"), "HTTP/1.1 AmazonAPIGateway");
  EXPECT_EQ(headers.get("host"), fmt::format("127.0.0.1:{}", backend.port));
  EXPECT_EQ(headers.get("x-forwarded-for"), "127.0.0.1");
  EXPECT_FALSE(headers.has("x-hop"));

  EXPECT_EQ(get(api, "/fixed").body, "POST /fixed ");
  EXPECT_EQ(get(api, "/").body, "GET / ");
  EXPECT_EQ(get(api, "/slow").status, 503);
}

// Writers of one API collide in the store and in the table; callers read all the while.
class Crowd : public Room {
 protected:
  Crowd() : Room(2) {}

  async::Task<> write(std::string api, std::string integration, int number) {
    aws2::CreateRouteRequest request;
    request.ApiId = api;
    request.RouteKey = fmt::format("GET /r{}", number);
    request.Target = "integrations/" + integration;
    co_await room->CreateRoute(call, request);
    done.fetch_add(1);
  }
  async::Task<> read(std::string api) {
    for (int i = 0; i < 50; ++i) {
      const auto response = co_await room->serve(request_to(api, "/r0"), Target{api, 0, false});
      if (response.status != 200 && response.status != 404) failures.fetch_add(1);
    }
    done.fetch_add(1);
  }
  std::atomic<int> done{0}, failures{0};
};

TEST_F(Crowd, WritesAndCalls) {
  const std::string api = create_api();
  const std::string integration = create_integration(api);
  create_stage(api, "$default");
  constexpr int kWriters = 20, kReaders = 4;
  for (int i = 0; i < kWriters; ++i) loops.spawn("write", write(api, integration, i));
  for (int i = 0; i < kReaders; ++i) loops.spawn("read", read(api));
  for (int i = 0; i < 1000 && done < kWriters + kReaders; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_EQ(done, kWriters + kReaders);
  EXPECT_EQ(failures, 0);
  for (int i = 0; i < kWriters; ++i) EXPECT_EQ(get(api, fmt::format("/r{}", i)).status, 200) << i;
  EXPECT_EQ(run(room->GetDeployments(call, {api})).Items->size(), 1u);
}

TEST_F(Gateway, UnreachableBackend) {
  const std::string api = create_api("http://127.0.0.1:1");
  EXPECT_EQ(get(api, "/").status, 503);
}

TEST_F(Gateway, AccessLogs) {
  const std::string api = create_api();
  create_route(api, "GET /a", create_integration(api));
  aws2::CreateStageRequest stage;
  stage.AccessLogSettings.emplace();
  stage.AccessLogSettings->DestinationArn = "arn:aws:logs:eu-west-1:000000000000:log-group:/access/api:*";
  stage.AccessLogSettings->Format =
      R"({"id":"$context.requestId","m":"$context.httpMethod","p":"$context.path","s":$context.status,"l":$context.responseLength,"k":"$context.routeKey","ip":"$context.identity.sourceIp","x":"$context.authorizer.claims.sub"})";
  create_stage(api, "dev", true, stage);
  const auto response = get(api, "/dev/a");
  ASSERT_EQ(logs.lines.size(), 1u);
  EXPECT_EQ(
      logs.lines[0],
      fmt::format(
          R"(000000000000 eu-west-1 /access/api {}/dev {{"id":"{}","m":"GET","p":"/dev/a","s":200,"l":{},"k":"GET /a","ip":"127.0.0.1","x":"-"}})",
          api, response.headers.get("apigw-requestid"), response.body.size()));
  run(room->DeleteAccessLogSettings(call, {api, "dev"}));
  get(api, "/dev/a");
  EXPECT_EQ(logs.lines.size(), 1u);
}

}  // namespace
}  // namespace lambari::apigateway::testing
