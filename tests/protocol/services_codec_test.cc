// Real services' tables through the codecs; the protocols' details are in the vectors beside this.
#include "wire/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/iam/api.h"
#include "aws/lambda/api.h"
#include "aws/logs/api.h"
#include "aws/sts/api.h"
#include "base/json.h"
#include "wire/model_only.h"

namespace lambari::wire {
namespace {

using testing::HasSubstr;

class CodecTest : public testing::Test {
 protected:
  ModelOnly lambda{aws::lambda::kModel}, logs{aws::logs::kModel}, iam{aws::iam::kModel}, sts{aws::sts::kModel};
  Router router{{&lambda, &logs, &iam, &sts}};

  Match match(const http::Request& request) { return router.match(request).value(); }
  http::Request lambda_request(std::string method, std::string target, std::string body = {}) {
    http::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.body = std::move(body);
    return r;
  }
  http::Request logs_request(std::string operation, std::string body) {
    http::Request r = lambda_request("POST", "/", std::move(body));
    r.headers.add("X-Amz-Target", "Logs_20140328." + operation);
    r.headers.add("Content-Type", "application/x-amz-json-1.1");
    return r;
  }
  http::Request form(std::string body) {
    http::Request r = lambda_request("POST", "/", std::move(body));
    r.headers.add("Content-Type", "application/x-www-form-urlencoded");
    return r;
  }
  template <class T>
  T read(http::Request request) {
    Value value = decode_request(match(request), request);
    return std::move(*static_cast<T*>(value.get()));
  }
  Fault refused(http::Request request) {
    try {
      decode_request(match(request), request);
    } catch (const Fault& fault) {
      return Fault(fault.code(), fault.message(), fault.status());
    }
    ADD_FAILURE() << "not refused";
    return Fault("", "", 0);
  }
};

TEST_F(CodecTest, ReadsAFunction) {
  auto request = read<aws::lambda::CreateFunctionRequest>(lambda_request(
      "POST", "/2015-03-31/functions",
      R"({"FunctionName":"hello","Runtime":"python3.99","Role":"arn:aws:iam::000000000000:role/r","Handler":"a.b","Code":{"ZipFile":"aGk="},
          "Timeout":5,"Environment":{"Variables":{"AB":"1","BC":""}},"Layers":["arn:aws:lambda:us-east-1:000000000000:layer:x:1"],"Novelty":[1,{"a":null}],"Tags":null})"));
  EXPECT_EQ(request.FunctionName, "hello");
  EXPECT_EQ(request.Runtime, "python3.99") << "the room judges runtimes";
  EXPECT_EQ(request.Code.ZipFile, "hi");
  EXPECT_EQ(request.Timeout, 5);
  ASSERT_TRUE(request.Environment && request.Environment->Variables);
  EXPECT_EQ(request.Environment->Variables->at("AB"), "1");
  EXPECT_EQ(request.Layers->size(), 1u);
  EXPECT_FALSE(request.Tags);
}

TEST_F(CodecTest, MovesAPayload) {
  auto call = lambda_request("POST", "/2015-03-31/functions/hello/invocations?Qualifier=live", "{\"a\":1}");
  call.headers.add("X-Amz-Invocation-Type", "Event");
  auto request = read<aws::lambda::InvocationRequest>(std::move(call));
  EXPECT_EQ(request.Payload, "{\"a\":1}");
  EXPECT_EQ(request.InvocationType, "Event");
  EXPECT_EQ(request.Qualifier, "live");
}

TEST_F(CodecTest, ReportsWhatIsMissingInAwsWords) {
  Fault fault = refused(lambda_request("POST", "/2015-03-31/functions", R"({"FunctionName":"hello"})"));
  EXPECT_EQ(fault.code(), "ValidationException");
  EXPECT_EQ(fault.status(), 400);
  EXPECT_EQ(fault.message(),
            "2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member must not be null; "
            "Value null at 'code' failed to satisfy constraint: Member must not be null");
}

TEST_F(CodecTest, ReportsConstraintsInAwsWords) {
  Fault fault = refused(lambda_request("PUT", "/2015-03-31/functions/hello/configuration", R"({"Timeout":0})"));
  EXPECT_EQ(fault.message(),
            "1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater "
            "than or equal to 1");
  fault = refused(lambda_request("GET", "/2015-03-31/functions/a%20b"));
  EXPECT_THAT(
      fault.message(),
      HasSubstr("Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: "));
  fault = refused(logs_request("CreateLogGroup", R"({"logGroupName":""})"));
  EXPECT_EQ(fault.code(), "InvalidParameterException");
  EXPECT_EQ(fault.message(),
            "1 validation error detected: Value '' at 'logGroupName' failed to satisfy constraint: Member must have length "
            "greater than or equal to 1");
  fault = refused(form("Action=CreateRole&Version=2010-05-08&RoleName=a%20b&AssumeRolePolicyDocument=x"));
  EXPECT_EQ(fault.code(), "ValidationError");
  EXPECT_EQ(
      fault.message(),
      "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-");
}

TEST_F(CodecTest, NamesElementsInAwsWords) {
  Fault fault = refused(form("Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.1.Key=&Tags.member.1.Value=v"));
  EXPECT_EQ(fault.message(),
            "1 validation error detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length "
            "greater than or equal to 1");
}

TEST_F(CodecTest, RefusesWhatIsNotTheProtocol) {
  EXPECT_EQ(refused(logs_request("CreateLogGroup", "{")).code(), "SerializationException");
  EXPECT_EQ(refused(logs_request("CreateLogGroup", R"({"logGroupName":5})")).message(),
            "NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(refused(logs_request("CreateLogGroup", "[]")).code(), "SerializationException");
  EXPECT_EQ(refused(logs_request("CreateLogGroup", std::string(100'000, '['))).code(), "SerializationException");
  EXPECT_EQ(refused(logs_request("PutRetentionPolicy", R"({"logGroupName":"a","retentionInDays":99999999999})")).code(),
            "SerializationException");
}

TEST_F(CodecTest, AnswersAQueryCall) {
  auto m = match(form("Action=GetCallerIdentity&Version=2011-06-15"));
  aws::sts::GetCallerIdentityResponse result{
      .UserId = "000000000000", .Account = "000000000000", .Arn = "arn:aws:iam::000000000000:root"};
  auto response = encode_result(m, &result, "id-1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("Content-Type"), "text/xml");
  EXPECT_EQ(response.body,
            "<GetCallerIdentityResponse "
            "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><UserId>000000000000</UserId>"
            "<Account>000000000000</Account><Arn>arn:aws:iam::000000000000:root</Arn></"
            "GetCallerIdentityResult><ResponseMetadata><RequestId>id-1"
            "</RequestId></ResponseMetadata></GetCallerIdentityResponse>");
}

TEST_F(CodecTest, AnswersFaultsInEachProtocol) {
  auto call = lambda_request("GET", "/2015-03-31/functions/hello");
  auto m = match(call);
  auto response = encode_fault(&m, call, aws::lambda::ResourceNotFoundException("Function not found: x"), "id-1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.get("x-amzn-ErrorType"), "ResourceNotFoundException");
  EXPECT_EQ(response.headers.get("x-amzn-RequestId"), "id-1");
  EXPECT_EQ(response.body, R"({"Message":"Function not found: x"})");

  auto json = logs_request("CreateLogGroup", "{}");
  m = match(json);
  response = encode_fault(&m, json, aws::logs::ResourceAlreadyExistsException("The specified log group already exists"), "id-2");
  EXPECT_EQ(response.body, R"({"__type":"ResourceAlreadyExistsException","message":"The specified log group already exists"})");
  response = encode_fault(&m, json, Fault("SignatureDoesNotMatch", "no", 403), "id-2");
  EXPECT_EQ(response.body, R"({"__type":"InvalidSignatureException","message":"no"})");

  auto query = form("Action=GetRole&Version=2010-05-08&RoleName=x");
  m = match(query);
  response = encode_fault(&m, query, aws::iam::NoSuchEntityException("The role <x> is not there"), "id-3");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(
      response.body,
      "<ErrorResponse "
      "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role "
      "&lt;x&gt; is not there</Message></Error><RequestId>id-3</RequestId></ErrorResponse>");
}

TEST_F(CodecTest, GuessesTheProtocolOfAStranger) {
  http::Request json;
  json.headers.add("X-Amz-Target", "DynamoDB_20120810.PutItem");
  json.headers.add("Content-Type", "application/x-amz-json-1.0");
  EXPECT_EQ(encode_fault(nullptr, json, Fault("UnknownOperationException", "", 404), "i").body,
            R"({"__type":"UnknownOperationException","message":""})");
  EXPECT_THAT(encode_fault(nullptr, form("Action=X"), Fault("UnknownOperationException", "m", 404), "i").body,
              HasSubstr("<Code>InvalidAction</Code>"));
}

TEST_F(CodecTest, ReadsAndWritesDocuments) {
  const Operation& operation = *Router::operation(aws::lambda::kModel, "Invoke");
  Value value = decode_document(operation, R"({"FunctionName":"hello","InvocationType":"Event","Payload":"aGk="})");
  auto& request = *static_cast<aws::lambda::InvocationRequest*>(value.get());
  EXPECT_EQ(request.FunctionName, "hello");
  EXPECT_EQ(request.InvocationType, "Event");
  EXPECT_EQ(request.Payload, "hi");
  aws::lambda::InvocationResponse result{.StatusCode = 200, .Payload = "{}"};
  EXPECT_EQ(encode_document(operation, &result), R"({"StatusCode":200,"Payload":"e30="})");
  EXPECT_THROW(decode_document(operation, "{}"), Fault);
}

TEST_F(CodecTest, SetsTheStatusOfTheModel) {
  auto m = match(lambda_request("POST", "/2015-03-31/functions", "{}"));
  aws::lambda::FunctionConfiguration result{.FunctionName = "hello"};
  auto response = encode_result(m, &result, "i");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, R"({"FunctionName":"hello"})");
}

}  // namespace
}  // namespace lambari::wire
