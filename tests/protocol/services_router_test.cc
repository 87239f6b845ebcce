#include "wire/router.h"

#include <gtest/gtest.h>

#include "aws/apigatewayv2/api.h"
#include "aws/iam/api.h"
#include "aws/lambda/api.h"
#include "aws/logs/api.h"
#include "aws/sts/api.h"
#include "wire/model_only.h"

namespace lambari::wire {
namespace {

http::Request request(std::string method, std::string target, std::string scope = {}) {
  http::Request out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.headers.add("Host", "localhost:4566");
  if (!scope.empty())
    out.headers.add("Authorization",
                    "AWS4-HMAC-SHA256 Credential=test/20260131/" + scope + "/aws4_request, SignedHeaders=host, Signature=00");
  return out;
}

class RouterTest : public testing::Test {
 protected:
  ModelOnly lambda{aws::lambda::kModel}, gateway{aws::apigatewayv2::kModel}, iam{aws::iam::kModel}, sts{aws::sts::kModel},
      logs{aws::logs::kModel};
  Router router{{&lambda, &gateway, &iam, &sts, &logs}};

  std::string found(const http::Request& r) {
    auto match = router.match(r);
    if (!match) return "nothing";
    return std::string(match->model->name) + "." + std::string(match->operation ? match->operation->name : "?");
  }
};

TEST_F(RouterTest, FindsRestOperationsByPath) {
  EXPECT_EQ(found(request("POST", "/2015-03-31/functions", "us-east-1/lambda")), "lambda.CreateFunction");
  EXPECT_EQ(found(request("GET", "/2015-03-31/functions/", "us-east-1/lambda")), "lambda.ListFunctions");
  EXPECT_EQ(found(request("GET", "/2015-03-31/functions/hello/configuration")), "lambda.GetFunctionConfiguration");
  EXPECT_EQ(found(request("GET", "/v2/apis/abc/routes?maxResults=5")), "apigatewayv2.GetRoutes");
}

TEST_F(RouterTest, TellsOperationsOfOnePathApartByTheirFixedQuery) {
  EXPECT_EQ(found(request("GET", "/2018-10-31/layers?find=LayerVersion&Arn=x")), "lambda.GetLayerVersionByArn");
  EXPECT_EQ(found(request("GET", "/2018-10-31/layers")), "lambda.ListLayers");
}

TEST_F(RouterTest, DecodesLabels) {
  auto match =
      router.match(request("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello"));
  ASSERT_TRUE(match && match->labels.size() == 1);
  EXPECT_EQ(match->labels[0].first, "FunctionName");
  EXPECT_EQ(match->labels[0].second, "arn:aws:lambda:us-east-1:000000000000:function:hello");
}

TEST_F(RouterTest, FindsQueryOperationsInBodyAndQuery) {
  auto post = request("POST", "/");
  post.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  post.body = "Version=2011-06-15&Action=GetCallerIdentity";
  EXPECT_EQ(found(post), "sts.GetCallerIdentity");
  EXPECT_EQ(found(request("GET", "/?Action=ListRoles&Version=2010-05-08")), "iam.ListRoles");
  EXPECT_EQ(found(request("GET", "/?Action=ListRoles")), "iam.ListRoles");
  EXPECT_EQ(found(request("GET", "/?Action=Nonsense&Version=2010-05-08")), "iam.?");
}

TEST_F(RouterTest, FindsJsonOperationsByTarget) {
  auto r = request("POST", "/", "eu-west-1/logs");
  r.headers.add("X-Amz-Target", "Logs_20140328.CreateLogGroup");
  r.headers.add("Content-Type", "application/x-amz-json-1.1");
  auto match = router.match(r);
  ASSERT_TRUE(match && match->operation);
  EXPECT_EQ(match->operation->name, "CreateLogGroup");
  EXPECT_EQ(match->protocol, Protocol::json_1_1);
  EXPECT_EQ(match->region, "eu-west-1");
}

TEST_F(RouterTest, MatchesOperationsThatAreNotServed) {
  auto match = router.match(request("GET", "/2020-04-22/code-signing-configs", "us-east-1/lambda"));
  ASSERT_TRUE(match && match->operation);
  EXPECT_EQ(match->operation->name, "ListCodeSigningConfigs");
  EXPECT_FALSE(match->operation->served);
}

TEST_F(RouterTest, KnowsTheServiceOfAnUnknownOperation) {
  EXPECT_EQ(found(request("GET", "/no/such/path", "us-east-1/lambda")), "lambda.?");
  EXPECT_EQ(found(request("GET", "/no/such/path")), "nothing");
  EXPECT_EQ(found(request("GET", "/2015-03-31/functions", "us-east-1/dynamodb")), "nothing");
}

TEST_F(RouterTest, ReadsHostAndRegion) {
  auto r = request("GET", "/2015-03-31/functions");
  r.headers.set("Host", "lambda.ap-south-1.amazonaws.com");
  auto match = router.match(r);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->region, "ap-south-1");
  r.headers.set("Host", "logs.localhost:4566");
  EXPECT_EQ(found(r), "logs.?");
}

TEST_F(RouterTest, FindsThePresignedScope) {
  EXPECT_EQ(found(request("GET", "/v2/apis?X-Amz-Credential=test%2F20260131%2Fus-east-1%2Fapigateway%2Faws4_request")),
            "apigatewayv2.GetApis");
}

TEST_F(RouterTest, FindsServicesAndOperationsByName) {
  EXPECT_EQ(router.service("lambda"), &lambda);
  EXPECT_EQ(router.service("nothing"), nullptr);
  ASSERT_NE(Router::operation(aws::lambda::kModel, "Invoke"), nullptr);
  EXPECT_EQ(Router::operation(aws::lambda::kModel, "Nothing"), nullptr);
}

}  // namespace
}  // namespace lambari::wire
