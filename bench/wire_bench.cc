// What the wire costs for one call: find the operation, read and check the request, verify the signature, write the result.
#include <benchmark/benchmark.h>

#include "aws/lambda/api.h"
#include "aws/logs/api.h"
#include "wire/codec.h"
#include "wire/model_only.h"
#include "wire/router.h"
#include "wire/sigv4.h"

namespace lambari {
namespace {

struct House {
  wire::ModelOnly lambda{aws::lambda::kModel}, logs{aws::logs::kModel};
  wire::Router router{{&lambda, &logs}};
};
const House& house() {
  static House built;
  return built;
}

http::Request get_configuration() {
  http::Request request;
  request.target = "/2015-03-31/functions/hello/configuration?Qualifier=1";
  request.headers.add("Host", "localhost:4566");
  request.headers.add(
      "User-Agent",
      "aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0 source/x86_64 prompt/off command/lambda.get-function-configuration");
  return request;
}

constexpr base::Timestamp kNow{1'769'817'600'000};

http::Request signed_request() {
  http::Request request = get_configuration();
  wire::sign(request, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}, "us-east-1", "lambda", kNow);
  return request;
}

aws::lambda::FunctionConfiguration configuration() {
  aws::lambda::FunctionConfiguration out;
  out.FunctionName = "hello";
  out.FunctionArn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
  out.Runtime = "python3.12";
  out.Role = "arn:aws:iam::000000000000:role/role";
  out.Handler = "app.handler";
  out.CodeSize = 12345;
  out.Description = "says hello";
  out.Timeout = 3;
  out.MemorySize = 128;
  out.LastModified = "2026-01-31T00:00:00.000+0000";
  out.CodeSha256 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
  out.Version = "$LATEST";
  out.Environment.emplace().Variables.emplace() = {{"TABLE", "orders"}, {"STAGE", "dev"}};
  out.State = "Active";
  out.LastUpdateStatus = "Successful";
  out.PackageType = "Zip";
  return out;
}

void BM_Match(benchmark::State& state) {
  auto request = signed_request();
  for (auto _ : state) benchmark::DoNotOptimize(house().router.match(request));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Match);

void BM_MatchDecodeEncode(benchmark::State& state) {
  auto request = signed_request();
  auto result = configuration();
  for (auto _ : state) {
    auto match = house().router.match(request);
    auto value = wire::decode_request(*match, request);
    benchmark::DoNotOptimize(wire::encode_result(*match, &result, "7b2e1d0e-6b0f-4c44-9c4f-1f6f6d6d6d6d"));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_MatchDecodeEncode);

void BM_DecodePutLogEvents(benchmark::State& state) {
  std::string body = R"({"logGroupName":"/aws/lambda/hello","logStreamName":"2026/01/31/[$LATEST]0","logEvents":[)";
  for (int i = 0; i < 100; ++i)
    body +=
        (i ? "," : "") + std::string(R"({"timestamp":1769817600000,"message":"START RequestId: 7b2e1d0e Version: $LATEST\n"})");
  body += "]}";
  http::Request request;
  request.method = "POST";
  request.headers.add("X-Amz-Target", "Logs_20140328.PutLogEvents");
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  for (auto _ : state) {
    request.body = body;
    auto match = house().router.match(request);
    benchmark::DoNotOptimize(wire::decode_request(*match, request));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(BM_DecodePutLogEvents);

void BM_VerifySignature(benchmark::State& state) {
  auto request = signed_request();
  for (auto _ : state) {
    auto as = wire::read_signature(request);
    wire::verify_signature(request, *as, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", kNow);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_VerifySignature);

void BM_WholeCall(benchmark::State& state) {
  auto request = signed_request();
  auto result = configuration();
  for (auto _ : state) {
    auto match = house().router.match(request);
    auto as = wire::read_signature(request);
    wire::verify_signature(request, *as, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", kNow);
    auto value = wire::decode_request(*match, request);
    benchmark::DoNotOptimize(wire::encode_result(*match, &result, "7b2e1d0e-6b0f-4c44-9c4f-1f6f6d6d6d6d"));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_WholeCall);

}  // namespace
}  // namespace lambari

BENCHMARK_MAIN();
