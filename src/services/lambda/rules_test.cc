#include "services/lambda/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/lambda/links.h"
#include "services/lambda/operations.h"
#include "services/lambda/report.h"

namespace lambari::lambda {
namespace {

const Scope kHere{"000000000000", "us-east-1"};

template <class F>
std::string fault_of(F f) {
  try {
    f();
  } catch (const wire::Fault& fault) {
    return fault.code() + ": " + fault.message();
  }
  return "none";
}

TEST(Rules, FunctionNamesInEveryForm) {
  struct Case {
    std::string text;
    std::optional<std::string> qualifier;
    std::string account, name, expected;
  };
  const std::vector<Case> cases = {
      {"f", {}, "000000000000", "f", ""},
      {"f:1", {}, "000000000000", "f", "1"},
      {"f:$LATEST", {}, "000000000000", "f", "$LATEST"},
      {"f", "live", "000000000000", "f", "live"},
      {"f:live", "live", "000000000000", "f", "live"},
      {"function:f", {}, "000000000000", "f", ""},
      {"111122223333:function:f", {}, "111122223333", "f", ""},
      {"111122223333:f:live", {}, "111122223333", "f", "live"},
      {"us-east-1:111122223333:function:f", {}, "111122223333", "f", ""},
      {"arn:aws:lambda:us-east-1:111122223333:function:f", {}, "111122223333", "f", ""},
      {"arn:aws:lambda:us-east-1:111122223333:function:f:7", {}, "111122223333", "f", "7"},
      {"arn:aws:lambda:us-east-1:111122223333:function:f:$LATEST", {}, "111122223333", "f", "$LATEST"},
  };
  for (const auto& c : cases) {
    const auto ref = parse_function(c.text, c.qualifier, kHere);
    EXPECT_EQ(ref.key.account, c.account) << c.text;
    EXPECT_EQ(ref.key.region, "us-east-1") << c.text;
    EXPECT_EQ(ref.key.name, c.name) << c.text;
    EXPECT_EQ(ref.qualifier, c.expected) << c.text;
  }
}

TEST(Rules, WhatIsNoFunctionName) {
  for (const auto* text : {"", "a b", "invalid:function:name", "arn:aws:lambda:us-east-1:111122223333@function:f",
                           "arn:aws:s3:::bucket", "f:a:b", "arn:aws:lambda:us-east-1:1:function:f", "f:", ":f", "f:qu?ux"}) {
    EXPECT_THAT(fault_of([&] { parse_function(text, std::nullopt, kHere); }),
                ::testing::StartsWith("ValidationException: 1 validation error detected: Value '" + std::string(text) +
                                      "' at 'functionName'"))
        << text;
  }
  EXPECT_EQ(
      fault_of([&] { parse_function("f:1", "2", kHere); }),
      "InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier.");
  EXPECT_EQ(fault_of([&] { parse_function("arn:aws:lambda:eu-west-1:000000000000:function:f", std::nullopt, kHere); }),
            "ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')");
  EXPECT_THAT(fault_of([&] { parse_new_function(std::string(65, 'a'), kHere); }),
              ::testing::HasSubstr("Member must have length less than or equal to 64"));
  EXPECT_THAT(fault_of([&] { parse_new_function("f:1", kHere); }), ::testing::StartsWith("ValidationException"));
  EXPECT_THAT(fault_of([&] { parse_whole_function("f:1", kHere); }), ::testing::HasSubstr("permitted on Lambda functions only"));
}

TEST(Rules, Layers) {
  const auto ref = parse_layer_arn("arn:aws:lambda:us-east-1:000000000000:layer:tools:12");
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->name, "tools");
  EXPECT_EQ(ref->number, 12u);
  EXPECT_FALSE(parse_layer_arn("arn:aws:lambda:us-east-1:000000000000:layer:tools:x"));
  EXPECT_FALSE(parse_layer_arn("tools"));
  EXPECT_EQ(parse_layer_name("tools", kHere).account, "000000000000");
  EXPECT_EQ(parse_layer_name("arn:aws:lambda:us-east-1:111122223333:layer:tools", kHere).account, "111122223333");
  EXPECT_THAT(fault_of([&] { parse_layer_name("to ols", kHere); }), ::testing::StartsWith("ValidationException"));
}

TEST(Rules, Runtimes) {
  EXPECT_EQ(fault_of([] { check_runtime("python3.12"); }), "none");
  EXPECT_THAT(fault_of([] { check_runtime("python3.7"); }),
              ::testing::StartsWith("InvalidParameterValueException: The runtime parameter of python3.7 is no longer supported"));
  EXPECT_THAT(fault_of([] { check_runtime("cobol"); }),
              ::testing::AllOf(
                  ::testing::StartsWith("InvalidParameterValueException: Value cobol at 'runtime' failed to satisfy constraint: "
                                        "Member must satisfy enum value set: [nodejs20.x, python3.14, "),
                  ::testing::EndsWith("java8.al2] or be a valid ARN")));
}

TEST(Rules, Roles) {
  EXPECT_EQ(fault_of([] { check_role("arn:aws:iam::000000000000:role/lambda-role"); }), "none");
  EXPECT_EQ(fault_of([] { check_role("arn:aws:iam::000000000000:role/service-role/x.y@z"); }), "none");
  for (const auto* role :
       {"r1", "", "arn:aws:iam::0:role/x", "arn:aws:iam::000000000000:user/x", "arn:aws:iam::000000000000:role/a b"}) {
    EXPECT_THAT(fault_of([&] { check_role(role); }), ::testing::StartsWith("ValidationException")) << role;
  }
}

TEST(Rules, EnvironmentVariables) {
  EXPECT_EQ(fault_of([] { check_environment({{"A_1", "x"}, {"PATH", "/x"}}); }), "none");
  EXPECT_THAT(fault_of([] { check_environment({{"AWS_REGION", "x"}, {"AWS_LAMBDA_RUNTIME_API", "y"}}); }),
              ::testing::EndsWith("Reserved keys used in this request: AWS_LAMBDA_RUNTIME_API, AWS_REGION"));
  EXPECT_THAT(fault_of([] { check_environment({{"1A", "x"}}); }), ::testing::StartsWith("ValidationException"));
  EXPECT_THAT(fault_of([] { check_environment({{"A", std::string("a\0b", 3)}}); }),
              ::testing::StartsWith("InvalidParameterValueException"));
  EXPECT_EQ(fault_of([] { check_environment({{"LARGE", std::string(4'096 - 12, 'x')}}); }), "none");
  EXPECT_THAT(fault_of([] { check_environment({{"LARGE", std::string(4'096 - 11, 'x')}}); }),
              ::testing::HasSubstr("exceeded the 4KB limit. String measured: {\"LARGE\":\"xxx"));
}

TEST(Rules, Routing) {
  EXPECT_EQ(fault_of([] { check_routing("1", {}); }), "none");
  EXPECT_EQ(fault_of([] { check_routing("1", {{"2", 0.5}}); }), "none");
  EXPECT_THAT(fault_of([] { check_routing("1", {{"2", 0.5}, {"3", 0.1}}); }), ::testing::HasSubstr("cannot be greater than 1"));
  EXPECT_THAT(fault_of([] { check_routing("1", {{"2", 1.5}}); }), ::testing::HasSubstr("less than or equal to 1.0"));
  EXPECT_THAT(fault_of([] { check_routing("1", {{"1", 0.5}}); }),
              ::testing::HasSubstr("already included in routing configuration"));
  EXPECT_THAT(fault_of([] { check_routing("$LATEST", {{"1", 0.5}}); }),
              ::testing::HasSubstr("$LATEST is not supported for an alias"));
  EXPECT_THAT(fault_of([] { check_routing("1", {{"$LATEST", 0.5}}); }), ::testing::HasSubstr("Map keys must satisfy"));
}

TEST(Rules, SizesOfCodeAndLayers) {
  EXPECT_EQ(fault_of([] { check_total_size({"", 1, 200'000'000}, {{"", {"", 1, 62'144'000}}}); }), "none");
  EXPECT_EQ(fault_of([] { check_total_size({"", 1, 200'000'000}, {{"", {"", 1, 62'144'001}}}); }),
            "InvalidParameterValueException: Function code combined with layers exceeds the maximum allowed size of 262144000 "
            "bytes. The actual "
            "size is 262144001 bytes.");
}

TEST(Rules, Principals) {
  EXPECT_EQ(base::to_json(principal_element("*")), R"("*")");
  EXPECT_EQ(base::to_json(principal_element("123456789012")), R"({"AWS":"arn:aws:iam::123456789012:root"})");
  EXPECT_EQ(base::to_json(principal_element("arn:aws:iam::123456789012:user/x")),
            R"({"AWS":"arn:aws:iam::123456789012:user/x"})");
  EXPECT_EQ(base::to_json(principal_element("apigateway.amazonaws.com")), R"({"Service":"apigateway.amazonaws.com"})");
  for (const auto* bad : {"", "invalid", "invalid.nonaws.com", "arn:aws:s3:::b", "12345"}) {
    EXPECT_THAT(fault_of([&] { principal_element(bad); }), ::testing::HasSubstr("The provided principal was invalid")) << bad;
  }
}

TEST(Rules, TimesAndNames) {
  const base::Timestamp t{1'769'817'600'123};
  EXPECT_EQ(lambda_time(t), "2026-01-31T00:00:00.123+0000");
  EXPECT_EQ(log_stream_name(t, "$LATEST", "0123"), "2026/01/31/[$LATEST]0123");
}

TEST(Rules, MarkersAreOpaque) {
  EXPECT_EQ(from_marker(to_marker("name:3")), "name:3");
  EXPECT_EQ(from_marker(std::nullopt), "");
  EXPECT_THAT(fault_of([] { from_marker("***"); }), ::testing::StartsWith("InvalidParameterValueException"));
  EXPECT_EQ(page_size(std::nullopt), 50u);
  EXPECT_EQ(page_size(10'000), 50u);
  EXPECT_EQ(page_size(2), 2u);
}

TEST(Links, OpenOnlyWhatWasMadeAndNotTooLate) {
  const Links links, others;
  const base::Timestamp now{1'000'000};
  const auto token = links.token("abc", now);
  EXPECT_EQ(links.open(token, now), "abc");
  EXPECT_EQ(links.open(token, {now.ms + Links::kLifetimeMs + 1}), std::nullopt);
  EXPECT_EQ(others.open(token, now), std::nullopt);
  EXPECT_EQ(links.open("abd" + token.substr(3), now), std::nullopt);
  EXPECT_EQ(links.open("", now), std::nullopt);
}

sandbox::Outcome outcome(sandbox::Outcome::Kind kind) {
  sandbox::Outcome o;
  o.kind = kind;
  o.duration = std::chrono::microseconds(3'012);
  o.max_memory_bytes = 36u << 20;
  return o;
}

TEST(Report, Lines) {
  using Kind = sandbox::Outcome::Kind;
  EXPECT_EQ(start_line("id", "$LATEST"), "START RequestId: id Version: $LATEST\n");
  EXPECT_EQ(end_line("id"), "END RequestId: id\n");
  auto warm = outcome(Kind::success);
  EXPECT_EQ(report_line("id", warm, 128),
            "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n");
  warm.init_duration = std::chrono::microseconds(110'104);
  EXPECT_EQ(report_line("id", warm, 128),
            "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit "
            "Duration: "
            "110.10 ms\t\n");
  EXPECT_TRUE(report_line("id", outcome(Kind::timeout), 128).ends_with("\tStatus: timeout\n"));
  EXPECT_TRUE(
      report_line("id", outcome(Kind::out_of_memory), 128).ends_with("\tStatus: error\tError Type: Runtime.OutOfMemory\n"));
  EXPECT_EQ(init_start_line("us-east-1", "python3.12").substr(0, 45), "INIT_START Runtime Version: python:3.12.v1\tRu");
  EXPECT_EQ(init_start_line("us-east-1", "nodejs20.x").substr(0, 43), "INIT_START Runtime Version: nodejs:20.v1\tRu");
  EXPECT_EQ(init_start_line("us-east-1", "provided.al2023").substr(0, 49), "INIT_START Runtime Version: provided:al2023.v1\tRu");
}

TEST(Report, AnswersWhenTheRuntimeGivesNone) {
  using Kind = sandbox::Outcome::Kind;
  EXPECT_EQ(answer_of("id", outcome(Kind::timeout), 3),
            R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 3.00 seconds"})");
  auto crash = outcome(Kind::crash);
  EXPECT_EQ(
      answer_of("id", crash, 3),
      R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: Runtime exited without providing a reason"})");
  crash.exit_status = 127;
  EXPECT_EQ(
      answer_of("id", crash, 3),
      R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: Runtime exited with error: exit status 127"})");
  EXPECT_EQ(failure_line("id", crash, 3, {}),
            "RequestId: id Error: Runtime exited with error: exit status 127\nRuntime.ExitError\n");
  crash.signal = 11;
  EXPECT_THAT(answer_of("id", crash, 3), ::testing::HasSubstr("signal: segmentation fault"));
  EXPECT_EQ(
      answer_of("id", outcome(Kind::out_of_memory), 3),
      R"({"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: id Error: Runtime exited with error: signal: killed"})");
  EXPECT_EQ(
      answer_of("id", outcome(Kind::payload_too_large), 3),
      R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"})");
  EXPECT_EQ(failure_line("id", outcome(Kind::timeout), 3, {1'769'817'600'123}),
            "2026-01-31T00:00:00.123Z id Task timed out after 3.00 seconds\n\n");
  EXPECT_EQ(failure_line("id", outcome(Kind::function_error), 3, {}), std::nullopt);
  auto entrypoint = outcome(Kind::init_error);
  entrypoint.error_type = "Runtime.InvalidEntrypoint";
  entrypoint.payload = R"({"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: id Error: fork/exec /x: denied"})";
  EXPECT_EQ(failure_line("id", entrypoint, 3, {}), "RequestId: id Error: fork/exec /x: denied\nRuntime.InvalidEntrypoint\n");
  entrypoint.error_type = "Runtime.ImportModuleError";
  EXPECT_EQ(failure_line("id", entrypoint, 3, {}), std::nullopt) << "the runtime has said so itself";
}

TEST(Report, TailIsCutBetweenCharacters) {
  EXPECT_EQ(tail_of("short"), "short");
  EXPECT_EQ(tail_of(std::string(5'000, 'x')).size(), 4'096u);
  std::string accents;
  for (int i = 0; i < 3'000; ++i) accents += "é";
  accents += "!";  // odd, so that the cut falls inside one
  EXPECT_EQ(tail_of(accents).size(), 4'095u);
}

}  // namespace
}  // namespace lambari::lambda
