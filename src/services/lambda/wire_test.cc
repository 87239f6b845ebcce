// The room behind the real codec: what clients send and see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/json.h"
#include "services/lambda/fakes.h"
#include "wire/codec.h"
#include "wire/router.h"

namespace lambari::lambda {
namespace {

using ::testing::HasSubstr;
using testing::World;

class Wire : public ::testing::Test {
 protected:
  http::Response send(std::string method, std::string target, std::string body = {},
                      std::vector<std::pair<std::string, std::string>> headers = {}) {
    const wire::Router router({w.room.get()});
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers.add("Host", "lambda.us-east-1.amazonaws.com");
    for (auto& [name, value] : headers) request.headers.add(name, value);
    const auto match = router.match(request);
    if (!match || !match->operation) {
      ADD_FAILURE() << "no operation for " << request.target;
      return {};
    }
    try {
      const auto typed = wire::decode_request(*match, request);
      const auto result = w.run(match->operation->invoke(*match->service, w.call, typed.get()));
      return wire::encode_result(*match, result.get(), "req-1");
    } catch (const wire::Fault& fault) {
      return wire::encode_fault(&*match, request, fault, "req-1");
    }
  }
  void create() {
    const auto body = R"({"FunctionName":"f","Runtime":"python3.12","Role":")" + testing::kRole +
                      R"(","Handler":"index.handler","Code":{"ZipFile":")" + base::base64(testing::hello_zip()) + R"("}})";
    const auto response = send("POST", "/2015-03-31/functions", body);
    EXPECT_EQ(response.status, 201) << response.body;
    w.wait("f");
  }

  World w;
};

TEST_F(Wire, CreateAndInvoke) {
  create();
  const auto answer = send("POST", "/2015-03-31/functions/f/invocations", R"({"k":1})", {{"X-Amz-Log-Type", "Tail"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"version":"$LATEST","arn":"arn:aws:lambda:us-east-1:000000000000:function:f","event":{"k":1}})");
  EXPECT_EQ(answer.headers.find("X-Amz-Executed-Version"), "$LATEST");
  EXPECT_FALSE(answer.headers.has("X-Amz-Function-Error"));
  EXPECT_THAT(*base::unbase64(*answer.headers.find("X-Amz-Log-Result")), HasSubstr("REPORT RequestId: "));

  w.sandbox.handler = [](const auto&, const auto&, const auto&) {
    sandbox::Outcome outcome;
    outcome.kind = sandbox::Outcome::Kind::function_error;
    outcome.payload = R"({"errorMessage":"boom"})";
    return outcome;
  };
  const auto failed = send("POST", "/2015-03-31/functions/f/invocations");
  EXPECT_EQ(failed.status, 200);
  EXPECT_EQ(failed.headers.find("X-Amz-Function-Error"), "Unhandled");
  EXPECT_EQ(failed.body, R"({"errorMessage":"boom"})");

  EXPECT_EQ(send("POST", "/2015-03-31/functions/f/invocations", "", {{"X-Amz-Invocation-Type", "DryRun"}}).status, 204);
  EXPECT_EQ(send("POST", "/2015-03-31/functions/f/invocations", "", {{"X-Amz-Invocation-Type", "Event"}}).status, 202);
}

TEST_F(Wire, Faults) {
  const auto missing = send("GET", "/2015-03-31/functions/nope");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.find("x-amzn-errortype"), "ResourceNotFoundException");
  const auto document = base::parse_json(missing.body);
  ASSERT_TRUE(document) << missing.body;
  EXPECT_EQ(document->as_object().at("Message").as_string(),
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope");
  EXPECT_EQ(document->as_object().at("Type").as_string(), "User");

  create();
  EXPECT_EQ(send("PUT", "/2017-10-31/functions/f/concurrency", R"({"ReservedConcurrentExecutions":0})").status, 200);
  const auto throttled = send("POST", "/2015-03-31/functions/f/invocations");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.headers.find("Retry-After"), "1");
  EXPECT_THAT(throttled.body, HasSubstr("ReservedFunctionConcurrentInvocationLimitExceeded"));
}

TEST_F(Wire, LastCalls) {
  create();
  EXPECT_EQ(send("POST", "/2015-03-31/functions/f/versions", "{}").status, 201);
  EXPECT_EQ(send("POST", "/2015-03-31/functions/f/aliases", R"({"Name":"live","FunctionVersion":"1"})").status, 201);
  EXPECT_EQ(send("POST", "/2015-03-31/functions/f:live/invocations").headers.find("X-Amz-Executed-Version"), "1");
  EXPECT_EQ(send("POST", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", R"({"Tags":{"a":"b"}})")
                .status,
            204);
  EXPECT_EQ(send("DELETE", "/2015-03-31/functions/f/aliases/live").status, 204);
  EXPECT_EQ(send("DELETE", "/2015-03-31/functions/f").status, 204);
}

}  // namespace
}  // namespace lambari::lambda
