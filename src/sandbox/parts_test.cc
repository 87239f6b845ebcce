// The server's pure parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sandbox/exchange.h"
#include "sandbox/layers.h"
#include "sandbox/output.h"
#include "sandbox/runtime_api.h"
#include "sandbox/runtimes.h"

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;
using protocol::Mode;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Runtimes, NearestNewerElseNewestOlder) {
  const std::vector<std::string> packs{"nodejs20.x", "nodejs22.x", "python3.11", "python3.13"};
  EXPECT_EQ(choose_runtime("python3.11", packs, true).actual, "python3.11");
  EXPECT_EQ(choose_runtime("python3.8", packs, false).actual, "python3.11");
  EXPECT_EQ(choose_runtime("python3.12", packs, false).actual, "python3.13");
  EXPECT_EQ(choose_runtime("python3.14", packs, false).actual, "python3.13");
  EXPECT_EQ(choose_runtime("python3.12", packs, true).actual, "");
  EXPECT_EQ(choose_runtime("nodejs16.x", packs, false).actual, "nodejs20.x");
  EXPECT_EQ(choose_runtime("nodejs24.x", packs, false).actual, "nodejs22.x");
  EXPECT_EQ(choose_runtime("provided.al2", {}, true).actual, "provided.al2");
  for (const char* name :
       {"python3.7", "python3.99", "python3.", "python2.7", "nodejs21.x", "java21", "provided.al3", "", "python3.11\n"})
    EXPECT_EQ(choose_runtime(name, packs, false).actual, "") << name;
  EXPECT_THAT(choose_runtime("python3.12", {}, false).detail, HasSubstr("scripts/build-runtimes"));
}

Start start(const std::string& pack, const std::map<std::string, std::string>& environment = {}, int memory_mb = 128) {
  return choose_start(pack, environment, memory_mb, {.authorities = "/all"});
}

TEST(Runtimes, StartedAheadUnlessAVariableIsReadAtTheStart) {
  EXPECT_EQ(start("python3.11", {{"PYTHONPATH", "x"}, {"NODE_OPTIONS", "x"}}).mode, Mode::zygote);
  EXPECT_EQ(start("python3.11", {{"PYTHONHASHSEED", "0"}}).mode, Mode::launch);
  EXPECT_EQ(start("python3.11", {{"AWS_LAMBDA_EXEC_WRAPPER", "/opt/w"}}).mode, Mode::launch);
  EXPECT_EQ(start("python3.11", {{"LD_PRELOAD", "x"}}).mode, Mode::launch);
  EXPECT_EQ(start("python3.11", {{"AWS_LAMBDA_LOG_FORMAT", "JSON"}}).mode, Mode::zygote);
  EXPECT_NE(start("nodejs20.x", {{"NODE_ENV", "production"}}).primer, "");
  EXPECT_EQ(start("nodejs20.x", {{"NODE_OPTIONS", "-r x"}}).primer, "");
  EXPECT_EQ(start("nodejs20.x", {{"SSL_CERT_FILE", "/x"}}).primer, "");
  EXPECT_NE(start("java17", {{"TZ", "America/Sao_Paulo"}}).primer, "");
  EXPECT_EQ(start("java17", {{"JAVA_TOOL_OPTIONS", "-Xint"}}).primer, "");
  EXPECT_EQ(start("java17", {{"LANG", "C"}}).primer, "");
  EXPECT_EQ(start("provided.al2023").pack, "provided");
  EXPECT_EQ(start("provided.al2023").primer, "");
}

TEST(Runtimes, WhatStartsAheadIsToldWhatItCannotLearnLater) {
  const auto node = start("nodejs20.x").primer;
  EXPECT_TRUE(node.starts_with(std::string("prime\0/var/task\0/var/lang/bin/node\0--use-openssl-ca\0", 52))) << node;
  EXPECT_NE(node.find("SSL_CERT_FILE=/all"), std::string::npos);
  EXPECT_EQ(node.find("NODE_EXTRA_CA_CERTS"), std::string::npos);
  EXPECT_EQ(node, start("nodejs20.x", {}, 1024).primer);
  const auto java = start("java17", {}, 512).primer;
  EXPECT_NE(java.find("-Xmx395m"), std::string::npos);
  EXPECT_NE(java, start("java17", {}, 1024).primer);
}

TEST(Runtimes, VariablesAndCommand) {
  FunctionSpec spec;
  spec.runtime = "nodejs18.x";
  spec.handler = "index.handler";
  spec.environment = {{"PATH", "/mine"}, {"LAMBDA_TASK_ROOT", "/other"}, {"AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrap"}};
  auto all = variables(spec, Family::node, "nodejs20.x", {});
  EXPECT_EQ(all["PATH"], "/mine");
  EXPECT_EQ(all["LAMBDA_TASK_ROOT"], "/var/task");
  EXPECT_EQ(all["AWS_EXECUTION_ENV"], "AWS_Lambda_nodejs18.x");
  EXPECT_THAT(all["NODE_PATH"], testing::StartsWith("/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:"));
  EXPECT_THAT(command(Family::node, all, 128, {}),
              ElementsAre("/opt/wrap", "/var/lang/bin/node", "--expose-gc", "--max-http-header-size=81920",
                          "/var/runtime/lambari-node.mjs", "run"));
  EXPECT_FALSE(all.contains("AWS_CA_BUNDLE"));
  spec.environment["SSL_CERT_FILE"] = "/mine";
  auto trusting = variables(spec, Family::node, "nodejs20.x", {.authorities = "/all", .authority = "/ours"});
  EXPECT_EQ(trusting["AWS_CA_BUNDLE"], "/all");
  EXPECT_EQ(trusting["NODE_EXTRA_CA_CERTS"], "/ours");
  EXPECT_EQ(trusting["SSL_CERT_FILE"], "/mine");
  auto custom = variables(spec, Family::custom, "provided", {});
  EXPECT_FALSE(custom.contains("AWS_EXECUTION_ENV"));
  EXPECT_TRUE(command(Family::custom, custom, 128, {}).empty());
}

TEST(Runtimes, Assignment) {
  EXPECT_EQ(assignment("/t", {"a"}, {{"B", "c"}}), std::string("/t\0a\0\0B=c\0\0", 11));
  EXPECT_EQ(assignment("/t", {}, {}), std::string("/t\0\0\0", 5));
  EXPECT_THROW(assignment("/t", {}, {{"B", std::string("a\0b", 3)}}), SandboxFailed);
  EXPECT_THROW(assignment("/t", {}, {{"B", std::string(300'000, 'x')}}), SandboxFailed);
}

std::vector<std::string> lines_of(std::string_view bytes, std::size_t step, bool flush = true) {
  std::vector<std::string> all;
  auto sink = [&](std::string line) { all.push_back(std::move(line)); };
  Lines lines;
  for (std::size_t at = 0; at < bytes.size(); at += step) lines.feed(bytes.substr(at, step), sink);
  if (flush) lines.flush(sink);
  return all;
}

std::string frame(std::string_view text) {
  std::string head("\xa5\x5a\x00\x03", 4);
  for (int shift : {24, 16, 8, 0}) head += static_cast<char>(text.size() >> shift & 0xff);
  return head + std::string(8, 't') + std::string(text);
}

TEST(Output, TextAndFramesInPiecesOfAnySize) {
  const auto bytes = "one\r\n\ntwo" + frame("a\nb\n") + frame("") + "three\nhäß\xe2\x82\xac¥\n" + frame("c") + "end";
  for (std::size_t step : {1, 2, 3, 5, 7, 16, 1000})
    EXPECT_THAT(lines_of(bytes, step), ElementsAre("one", "", "two", "a\nb", "three", "häß\xe2\x82\xac¥", "c", "end")) << step;
  EXPECT_THAT(lines_of("a\nb", 1, false), ElementsAre("a"));
}

TEST(Output, LongLinesAndFalseFrames) {
  auto cut = lines_of(std::string(kMaxLine - 1, 'x') + "ä" + "\n", 4096);
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_EQ(cut[0].size(), kMaxLine - 1);  // not inside the character
  EXPECT_EQ(cut[1], "ä");
  EXPECT_EQ(lines_of(std::string(3 * kMaxLine, 'x'), 1 << 20).size(), 3U);
  EXPECT_THAT(lines_of("\xa5\x5aQ\n", 1), ElementsAre("\xa5\x5aQ"));
  const std::string huge("\xa5\x5a\x00\x03\xff\xff\xff\xff........\n", 17);
  EXPECT_THAT(lines_of(huge, 3), ElementsAre(huge.substr(0, 16)));
}

http::Request request(std::string method, std::string target, std::string body = {}) {
  http::Request made;
  made.method = std::move(method);
  made.target = "/2018-06-01/runtime/" + std::move(target);
  made.body = std::move(body);
  return made;
}

class RuntimeApi : public testing::Test {
 protected:
  http::Response call(http::Request request) {
    http::Response response;
    loops.run(into(exchange, std::move(request), response));
    return response;
  }
  static async::Task<> into(std::shared_ptr<Exchange> exchange, http::Request request, http::Response& response) {
    response = co_await answer_runtime(std::move(exchange), std::move(request));
  }
  void offer(const std::string& id) {
    Invocation invocation;
    invocation.request_id = id;
    invocation.payload = "{}";
    invocation.function_arn = "arn";
    invocation.trace_header = "Root=1";
    exchange->offer(invocation);
  }
  async::Loops loops{1};
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>(
      std::vector<std::string>(),
      std::make_shared<Telemetry>(loops.context(0), [](std::uint16_t) -> async::Task<Descriptor> { co_return Descriptor(); }));
};

TEST_F(RuntimeApi, AnInvocation) {
  offer("r1");
  auto next = call(request("GET", "invocation/next"));
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(next.body, "{}");
  EXPECT_EQ(next.headers.get("Lambda-Runtime-Aws-Request-Id"), "r1");
  EXPECT_EQ(next.headers.get("Lambda-Runtime-Trace-Id"), "Root=1");
  EXPECT_FALSE(next.headers.has("Lambda-Runtime-Client-Context"));
  EXPECT_GT(std::stoll(std::string(next.headers.get("Lambda-Runtime-Deadline-Ms"))), 1'700'000'000'000);
  auto wrong = call(request("POST", "invocation/r2/response", "1"));
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.body, R"({"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"})");
  EXPECT_FALSE(exchange->take_answer());
  EXPECT_EQ(call(request("POST", "invocation/r1/response", "1")).status, 202);
  EXPECT_EQ(exchange->take_answer()->payload, "1");
  auto twice = call(request("POST", "invocation/r1/response", "1"));
  EXPECT_EQ(twice.status, 403);
  EXPECT_THAT(twice.body, testing::HasSubstr("InvalidStateTransition"));
}

TEST_F(RuntimeApi, CallsInTheWrongStateAreRefused) {
  offer("r1");
  EXPECT_EQ(call(request("GET", "invocation/next")).status, 200);
  EXPECT_EQ(call(request("GET", "invocation/next")).status, 403);  // r1 is not answered
  auto late = call(request("POST", "init/error", "{}"));
  EXPECT_EQ(late.status, 403);
  EXPECT_EQ(late.body,
            R"({"errorMessage":"Transition from Ready to InitError failed for runtime. Error: State transition is not allowed",)"
            R"("errorType":"InvalidStateTransition"})");
  auto strange = request("POST", "invocation/r1/response", "1");
  strange.headers.add("Lambda-Runtime-Function-Response-Mode", "telepathic");
  auto refused = call(strange);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, testing::HasSubstr("InvalidFunctionResponseMode"));
  EXPECT_EQ(exchange->take_answer()->error_type, "Runtime.InvalidResponseModeHeader");
}

TEST_F(RuntimeApi, ExtensionsInTheWrongStateAreRefused) {
  auto ask = [&](std::string method, std::string path, std::string body, std::string name, std::string id) {
    http::Request asked;
    asked.method = std::move(method);
    asked.target = "/2020-01-01/extension/" + path;
    asked.body = std::move(body);
    if (!name.empty()) asked.headers.add("Lambda-Extension-Name", name);
    if (!id.empty()) asked.headers.add("Lambda-Extension-Identifier", id);
    return call(std::move(asked));
  };
  const std::string nobody = "00000000-0000-0000-0000-000000000000";
  using testing::HasSubstr;
  EXPECT_THAT(ask("POST", "register", "{}", "", "").body, HasSubstr("Extension.InvalidExtensionName"));
  EXPECT_THAT(ask("POST", "register", "nonsense", "a", "").body, HasSubstr("InvalidRequestFormat"));
  EXPECT_THAT(ask("POST", "register", R"({"events":["BIRTHDAY"]})", "a", "").body, HasSubstr("Extension.InvalidEventType"));
  EXPECT_THAT(ask("GET", "event/next", "", "", "").body, HasSubstr("Extension.MissingExtensionIdentifier"));
  EXPECT_THAT(ask("GET", "event/next", "", "", "x").body, HasSubstr("Extension.InvalidExtensionIdentifier"));
  EXPECT_THAT(ask("GET", "event/next", "", "", nobody).body, HasSubstr("Extension.UnknownExtensionIdentifier"));
  auto registered = ask("POST", "register", R"({"events":["INVOKE"]})", "a", "");
  EXPECT_EQ(registered.status, 200);
  const std::string id(registered.headers.get("Lambda-Extension-Identifier"));
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(ask("POST", "register", "{}", "a", "").status, 403);  // again
  EXPECT_THAT(ask("POST", "init/error", "", "", id).body, HasSubstr("Extension.MissingHeader"));
  for (int i = 0; i < 9; ++i) EXPECT_EQ(ask("POST", "register", "{}", "b" + std::to_string(i), "").status, 200);
  EXPECT_THAT(ask("POST", "register", "{}", "one-too-many", "").body, HasSubstr("Extension.TooManyExtensions"));
  EXPECT_EQ(ask("PATCH", "register", "{}", "c", "").status, 404);
}

TEST_F(RuntimeApi, ErrorsAndLimits) {
  auto failed = request("POST", "init/error", R"({"errorMessage":"x"})");
  failed.headers.add("Lambda-Runtime-Function-Error-Type", "Runtime.Bad");
  EXPECT_EQ(call(failed).status, 202);
  auto answer = exchange->take_answer();
  EXPECT_EQ(answer->kind, Outcome::Kind::init_error);
  EXPECT_EQ(answer->error_type, "Runtime.Bad");
  offer("r1");
  call(request("GET", "invocation/next"));
  EXPECT_EQ(call(request("POST", "invocation/r1/error", "{}")).status, 202);
  EXPECT_EQ(exchange->take_answer()->kind, Outcome::Kind::function_error);
  offer("r2");
  call(request("GET", "invocation/next"));
  auto large = call(request("POST", "invocation/r2/response", std::string(kMaxResponse + 1, 'x')));
  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(large.body, HasSubstr("RequestEntityTooLarge"));
  EXPECT_EQ(exchange->take_answer()->bytes, kMaxResponse + 1);
  for (auto [method, target] : {std::pair("POST", "invocation/next"), std::pair("GET", "invocation/r1/response"),
                                std::pair("GET", ""), std::pair("POST", "invocation/r1/nothing")})
    EXPECT_EQ(call(request(method, target)).status, 404) << target;
  exchange->close();
  EXPECT_EQ(call(request("GET", "invocation/next")).status, 410);
}

TEST(Layers, AreMergedWithoutFollowingLinks) {
  std::string pattern = fs::temp_directory_path() / "lambari-layers-XXXXXX";
  const fs::path top = mkdtemp(pattern.data());
  auto add = [&](const std::string& name, const std::string& text) {
    fs::create_directories((top / name).parent_path());
    std::ofstream(top / name) << text;
  };
  add("host/file", "host");
  add("a/dir/x", "ax");
  add("a/dir/y", "ay");
  add("a/thing/inside", "a");
  add("b/dir/y", "by");
  add("b/thing", "now a file");
  add("b/other/z", "z");
  fs::create_symlink(top / "host", top / "a/other");  // a layer's link must not lead the next layer out
  auto merged = merge_layers(top / "cache", {top / "a", top / "b"});
  auto read = [&](const std::string& name) {
    std::ifstream file(merged / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(read("dir/x"), "ax");
  EXPECT_EQ(read("dir/y"), "by");
  EXPECT_EQ(read("thing"), "now a file");
  EXPECT_EQ(read("other/z"), "z");
  EXPECT_FALSE(fs::exists(top / "host/z"));
  EXPECT_FALSE(fs::is_symlink(merged / "other"));
  EXPECT_EQ(merge_layers(top / "cache", {top / "a", top / "b"}), merged);
  EXPECT_NE(merge_layers(top / "cache", {top / "b", top / "a"}), merged);
  std::ifstream untouched(top / "a/dir/y");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(untouched), {}), "ay");
  fs::remove_all(top);
}

}  // namespace
}  // namespace lambari::sandbox
