// The control plane, over a whole room.
#include <gtest/gtest.h>

#include <set>

#include "services/apigateway/fixture.h"
#include "services/apigateway/openapi.h"

namespace lambari::apigateway::testing {
namespace {

class Control : public Room {};

TEST_F(Control, Apis) {
  aws2::CreateApiRequest request;
  request.Name = "pets";
  request.ProtocolType = "HTTP";
  request.Description = "d";
  request.Tags = Strings{{"a", "b"}};
  const auto made = run(room->CreateApi(call, request));
  EXPECT_EQ(made.ApiId->size(), 10u);
  EXPECT_EQ(made.ApiEndpoint, "http://" + *made.ApiId + ".execute-api.localhost:4999");
  auto by_aws_name = call;
  by_aws_name.secure = true;
  EXPECT_EQ(run(room->GetApi(by_aws_name, {*made.ApiId})).ApiEndpoint, "https" + made.ApiEndpoint->substr(4));
  by_aws_name.host = "apigateway.us-east-1.amazonaws.com";
  EXPECT_EQ(run(room->GetApi(by_aws_name, {*made.ApiId})).ApiEndpoint,
            "https://" + *made.ApiId + ".execute-api.us-east-1.amazonaws.com");
  EXPECT_EQ(made.ApiKeySelectionExpression, "$request.header.x-api-key");
  EXPECT_EQ(made.RouteSelectionExpression, "$request.method $request.path");
  EXPECT_EQ(made.ProtocolType, "HTTP");
  EXPECT_FALSE(made.CorsConfiguration);

  const std::string id = *made.ApiId;
  EXPECT_EQ(run(room->GetApi(call, {id})).Name, "pets");
  aws2::UpdateApiRequest update;
  update.ApiId = id;
  update.Name = "cats";
  EXPECT_EQ(run(room->UpdateApi(call, update)).Name, "cats");
  EXPECT_EQ(run(room->GetApi(call, {id})).Description, "d");
  wire::Call other = call;
  other.account = "111111111111";
  EXPECT_EQ(fault(room->GetApi(other, {id})), "NotFoundException: Invalid API identifier specified 111111111111:" + id);
  other = call;
  other.region = "eu-west-1";
  EXPECT_EQ(fault(room->DeleteApi(other, {id})), "NotFoundException: Invalid API identifier specified 000000000000:" + id);
  run(room->DeleteApi(call, {id}));
  EXPECT_EQ(fault(room->GetApi(call, {id})), "NotFoundException: Invalid API identifier specified 000000000000:" + id);

  request.ProtocolType = "WEBSOCKET";
  EXPECT_EQ(fault(room->CreateApi(call, request)),
            "BadRequestException: ProtocolType WEBSOCKET is not served by this version; HTTP is");
}

TEST_F(Control, Pages) {
  std::set<std::string> made, seen;
  for (int i = 0; i < 7; ++i) made.insert(create_api());
  aws2::GetApisRequest request;
  request.MaxResults = "3";
  int pages = 0;
  do {
    const auto page = run(room->GetApis(call, request));
    for (const auto& api : *page.Items) EXPECT_TRUE(seen.insert(*api.ApiId).second);
    request.NextToken = page.NextToken;
    ++pages;
  } while (request.NextToken && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, made);
  request.NextToken = "!";
  EXPECT_NE(fault(room->GetApis(call, request)), "none");
  request.NextToken.reset();
  request.MaxResults = "x";
  EXPECT_NE(fault(room->GetApis(call, request)), "none");
}

TEST_F(Control, QuickCreate) {
  const std::string api = create_api(kFunction);
  const auto route = run(room->GetRoutes(call, {api})).Items->at(0);
  const auto integration = run(room->GetIntegrations(call, {api})).Items->at(0);
  const auto stage = run(room->GetStages(call, {api})).Items->at(0);
  EXPECT_EQ(route.RouteKey, "$default");
  EXPECT_EQ(route.ApiGatewayManaged, true);
  EXPECT_EQ(route.Target, "integrations/" + *integration.IntegrationId);
  EXPECT_EQ(integration.IntegrationType, "AWS_PROXY");
  EXPECT_EQ(integration.IntegrationMethod, "POST");
  EXPECT_EQ(integration.PayloadFormatVersion, "2.0");
  EXPECT_EQ(integration.TimeoutInMillis, 30'000);
  EXPECT_EQ(stage.StageName, "$default");
  EXPECT_EQ(stage.AutoDeploy, true);
  EXPECT_TRUE(stage.DeploymentId);
  EXPECT_NE(fault(room->DeleteIntegration(call, {api, *integration.IntegrationId})), "none");
  aws2::UpdateApiRequest update;
  update.ApiId = api;
  update.Target = "https://example.com/x";
  run(room->UpdateApi(call, update));
  EXPECT_EQ(run(room->GetIntegrations(call, {api})).Items->at(0).IntegrationType, "HTTP_PROXY");
}

TEST_F(Control, Routes) {
  const std::string api = create_api();
  const std::string integration = create_integration(api);
  const std::string id = create_route(api, "GET /pets/{id}", integration);
  const auto create = [&](std::string key, auto change) {
    aws2::CreateRouteRequest request;
    request.ApiId = api;
    request.RouteKey = std::move(key);
    change(request);
    return fault(room->CreateRoute(call, request));
  };
  const auto as_is = [](auto&) {};
  EXPECT_EQ(create("GET /pets/{id}", as_is), "ConflictException: Route with key GET /pets/{id} already exists for this API");
  EXPECT_EQ(create("GET /pets/{other}", as_is), "ConflictException: Route with key GET /pets/{id} already exists for this API");
  EXPECT_EQ(create("FETCH /x", as_is),
            "BadRequestException: The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP "
            "METHOD> /<RESOURCE "
            "PATH>\" or \"$default\"");
  for (const char* type : {"AWS_IAM", "JWT", "CUSTOM"})
    EXPECT_EQ(create("GET /s", [&](auto& r) { r.AuthorizationType = type; }),
              fmt::format("BadRequestException: AuthorizationType {} is not served by this version; only NONE is", type));
  EXPECT_NE(create("GET /s", [](auto& r) { r.ApiKeyRequired = true; }), "none");
  EXPECT_EQ(create("GET /s", [](auto& r) { r.Target = "integrations/nothere"; }),
            "NotFoundException: Invalid Integration identifier specified nothere");
  EXPECT_NE(create("GET /s", [](auto& r) { r.Target = "nothere"; }), "none");
  EXPECT_EQ(run(room->GetRoutes(call, {api})).Items->size(), 1u);

  aws2::UpdateRouteRequest update;
  update.ApiId = api;
  update.RouteId = id;
  update.RouteKey = "GET /cats/{id}";
  EXPECT_EQ(run(room->UpdateRoute(call, update)).RouteKey, "GET /cats/{id}");
  EXPECT_EQ(run(room->GetRoute(call, {api, id})).Target, "integrations/" + integration);
  update.AuthorizationType = "AWS_IAM";
  EXPECT_NE(fault(room->UpdateRoute(call, update)), "none");
  EXPECT_EQ(
      fault(room->DeleteIntegration(call, {api, integration})),
      fmt::format("ConflictException: Cannot delete Integration '{}' which is referenced by an existing Route.", integration));
  run(room->DeleteRoute(call, {api, id}));
  run(room->DeleteIntegration(call, {api, integration}));
  EXPECT_EQ(fault(room->GetRoute(call, {api, id})), "NotFoundException: Invalid Route identifier specified " + id);
  EXPECT_EQ(fault(room->GetIntegration(call, {api, integration})),
            "NotFoundException: Invalid Integration identifier specified " + integration);
}

TEST_F(Control, IntegrationsRefuseByName) {
  const std::string api = create_api();
  aws2::CreateIntegrationRequest request;
  request.ApiId = api;
  request.IntegrationType = "AWS_PROXY";
  request.IntegrationSubtype = "SQS-SendMessage";
  request.PayloadFormatVersion = "1.0";
  EXPECT_NE(fault(room->CreateIntegration(call, request)).find("SQS-SendMessage"), std::string::npos);
  request.IntegrationSubtype.reset();
  request.IntegrationType = "MOCK";
  EXPECT_NE(fault(room->CreateIntegration(call, request)).find("MOCK"), std::string::npos);
}

TEST_F(Control, MappingsAreMergedOnUpdate) {
  const std::string api = create_api();
  aws2::CreateIntegrationRequest request;
  request.ApiId = api;
  request.IntegrationType = "HTTP_PROXY";
  request.IntegrationUri = "https://example.com";
  request.IntegrationMethod = "ANY";
  request.PayloadFormatVersion = "1.0";
  request.RequestParameters = Strings{{"append:header.a", "1"}, {"append:header.b", "2"}};
  request.ResponseParameters = std::map<std::string, Strings>{{"200", {{"append:header.c", "3"}}}};
  aws2::UpdateIntegrationRequest update;
  update.ApiId = api;
  update.IntegrationId = *run(room->CreateIntegration(call, request)).IntegrationId;
  update.RequestParameters = Strings{{"append:header.a", ""}};
  update.ResponseParameters.emplace()["200"] = {};
  const auto changed = run(room->UpdateIntegration(call, update));
  EXPECT_EQ(changed.RequestParameters, (std::map<std::string, std::string>{{"append:header.b", "2"}}));
  EXPECT_FALSE(changed.ResponseParameters);
}

TEST_F(Control, Stages) {
  const std::string api = create_api();
  create_stage(api, "dev", false);
  aws2::CreateStageRequest again;
  again.ApiId = api;
  again.StageName = "dev";
  EXPECT_EQ(fault(room->CreateStage(call, again)), "ConflictException: Stage already exists");
  again.StageName = "no space";
  EXPECT_NE(fault(room->CreateStage(call, again)), "none");
  const auto stage = run(room->GetStage(call, {api, "dev"}));
  EXPECT_FALSE(stage.AutoDeploy);
  EXPECT_FALSE(stage.DeploymentId);
  EXPECT_EQ(stage.DefaultRouteSettings->DetailedMetricsEnabled, false);
  aws2::CreateDeploymentRequest deployment;
  deployment.ApiId = api;
  EXPECT_EQ(fault(room->CreateDeployment(call, deployment)),
            "BadRequestException: At least one route is required before deploying the Api.");
  deployment.StageName = "none";
  EXPECT_EQ(fault(room->CreateDeployment(call, deployment)), "NotFoundException: Invalid Stage identifier specified none");
  create_route(api, "GET /");
  deployment.StageName = "dev";
  const auto made = run(room->CreateDeployment(call, deployment));
  EXPECT_EQ(made.DeploymentStatus, "DEPLOYED");
  EXPECT_EQ(made.AutoDeployed, false);
  aws2::UpdateStageRequest update;
  update.ApiId = api;
  update.StageName = "dev";
  update.DefaultRouteSettings.emplace().LoggingLevel = "INFO";
  EXPECT_EQ(fault(room->UpdateStage(call, update)), "BadRequestException: Execution logs are not supported on protocolType HTTP");
  run(room->DeleteStage(call, {api, "dev"}));
  EXPECT_EQ(fault(room->GetStage(call, {api, "dev"})), "NotFoundException: Invalid Stage identifier specified dev");
}

TEST_F(Control, Tags) {
  const std::string api = create_api();
  create_stage(api, "dev");
  for (const std::string& arn :
       {"arn:aws:apigateway:us-east-1::/apis/" + api, "arn:aws:apigateway:us-east-1::/apis/" + api + "/stages/dev"}) {
    aws2::TagResourceRequest tag;
    tag.ResourceArn = arn;
    tag.Tags = Strings{{"a", "1"}, {"b", "2"}};
    run(room->TagResource(call, tag));
    run(room->UntagResource(call, {arn, {"a"}}));
    EXPECT_EQ(run(room->GetTags(call, {arn})).Tags, (std::map<std::string, std::string>{{"b", "2"}}));
  }
  EXPECT_NE(fault(room->GetTags(call, {"arn:aws:lambda:us-east-1:000000000000:function:x"})), "none");
  EXPECT_NE(fault(room->GetTags(call, {"arn:aws:apigateway:us-east-1::/apis/none"})), "none");
}

TEST_F(Control, AccessNamesResources) {
  const auto resource = [&](std::string_view name, const void* request) {
    for (const auto& operation : room->model().operations)
      if (operation.name == name) {
        const auto asked = run(room->access(call, operation, request));
        return asked.action + " " + asked.resources.at(0);
      }
    return std::string("none");
  };
  aws2::GetRouteRequest route{"abc", "def"};
  EXPECT_EQ(resource("GetRoute", &route), "apigateway:GET arn:aws:apigateway:us-east-1::/apis/abc/routes/def");
  aws2::CreateApiRequest api;
  EXPECT_EQ(resource("CreateApi", &api), "apigateway:POST arn:aws:apigateway:us-east-1::/apis");
}

constexpr const char* kDefinition = R"yaml(
openapi: 3.0.1
info:
  title: Pets
  version: 1.0
servers:
  - url: https://x.example/{basePath}
    variables:
      basePath: {default: v1}
tags:
  - name: team
    x-amazon-apigateway-tag-value: blue
paths:
  /pets/{id}:
    get:
      operationId: getPet
      responses: {default: {description: d}}
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:hello
        payloadFormatVersion: 2.0
        timeoutInMillis: 1000
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration:
        $ref: '#/components/x-amazon-apigateway-integrations/web'
  /files/{proxy+}:
    post:
      x-amazon-apigateway-integration:
        $ref: '#/components/x-amazon-apigateway-integrations/web'
  /$default:
    x-amazon-apigateway-any-method:
      isDefaultRoute: true
      x-amazon-apigateway-integration: {type: http_proxy, httpMethod: ANY, uri: "https://example.com/", payloadFormatVersion: "1.0"}
components:
  x-amazon-apigateway-integrations:
    web:
      type: HTTP_PROXY
      httpMethod: ANY
      uri: https://example.com/{proxy}
      payloadFormatVersion: 1.0
      requestParameters: {"append:header.x": "$context.requestId"}
      responseParameters: {"500": {"overwrite:statuscode": "403"}}
x-amazon-apigateway-cors:
  allowOrigins: ["*"]
  allowMethods: [GET, POST]
  maxAge: 30
x-amazon-apigateway-importexport-version: "1.0"
)yaml";

TEST_F(Control, OpenApiRoundTrip) {
  aws2::ImportApiRequest import;
  import.Body = kDefinition;
  const auto api = run(room->ImportApi(call, import));
  EXPECT_EQ(api.Name, "Pets");
  EXPECT_EQ(api.Version, "1.0");
  EXPECT_EQ(api.Tags, (std::map<std::string, std::string>{{"team", "blue"}}));
  EXPECT_EQ(api.CorsConfiguration->MaxAge, 30);
  EXPECT_EQ(run(room->GetRoutes(call, {*api.ApiId})).Items->size(), 4u);
  EXPECT_EQ(run(room->GetIntegrations(call, {*api.ApiId})).Items->size(), 3u);
  create_stage(*api.ApiId, "$default");
  EXPECT_EQ(get(*api.ApiId, "/pets/7").status, 200);
  EXPECT_EQ(invoker.calls.back().function, kFunction);

  for (const char* type : {"JSON", "YAML"}) {
    aws2::ExportApiRequest request;
    request.ApiId = *api.ApiId;
    request.OutputType = type;
    request.Specification = "OAS30";
    request.StageName = "$default";
    const std::string first = *run(room->ExportApi(call, request)).body;
    aws2::ImportApiRequest back;
    back.Body = first;
    request.ApiId = *run(room->ImportApi(call, back)).ApiId;
    request.StageName.reset();
    std::string second = *run(room->ExportApi(call, request)).body;
    for (auto at = second.find(request.ApiId); at != second.npos; at = second.find(request.ApiId))
      second.replace(at, 10, *api.ApiId);
    EXPECT_EQ(first, second) << type;
    request.IncludeExtensions = false;
    EXPECT_EQ(run(room->ExportApi(call, request)).body->find("x-amazon-apigateway-integration"), std::string::npos);
  }

  aws2::ReimportApiRequest again;
  again.ApiId = *api.ApiId;
  again.Basepath = "prepend";
  again.Body = kDefinition;
  run(room->ReimportApi(call, again));
  EXPECT_EQ(get(*api.ApiId, "/v1/pets/7").status, 200);
  EXPECT_EQ(run(room->GetRoutes(call, {*api.ApiId})).Items->size(), 4u);
}

TEST_F(Control, OpenApiRefusals) {
  const auto import = [&](std::string body, bool strict = false) {
    aws2::ImportApiRequest request;
    request.Body = std::move(body);
    request.FailOnWarnings = strict;
    return fault(room->ImportApi(call, request));
  };
  const std::string head = R"({"openapi":"3.0.1","info":{"title":"t","version":"1"},)";
  EXPECT_EQ(import("{"), "BadRequestException: Invalid OpenAPI input.");
  EXPECT_EQ(import("just text"), "BadRequestException: Invalid OpenAPI input.");
  EXPECT_NE(import(R"({"swagger":"2.0","info":{"title":"t"},"paths":{}})"), "none");
  EXPECT_NE(import(head + R"("paths":{"/a":{"get":{"security":[{"x":[]}]}}}})").find("Authorizers are not served"),
            std::string::npos);
  EXPECT_NE(import(head + R"("security":[{"x":[]}],"paths":{}})").find("Authorizers are not served"), std::string::npos);
  EXPECT_NE(import(head + R"("paths":{"a":{"get":{}}}})"), "none");
  EXPECT_NE(
      import(
          head +
          R"("paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"aws_proxy","uri":"x","payloadFormatVersion":"2.0"}}}}})"),
      "none");
  const std::string mock = head + R"("paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"mock"}}}}})";
  EXPECT_EQ(import(mock), "none");
  EXPECT_NE(import(mock, true).find("Warnings found during import"), std::string::npos);
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c)
    bomb += fmt::format("{0}: &{0} [*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1}]\n", c, static_cast<char>(c - 1));
  EXPECT_FALSE(parse_document(bomb));
  EXPECT_FALSE(parse_document(std::string(100'000, '[')));
}

}  // namespace
}  // namespace lambari::apigateway::testing
