#include "cli/cli.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <mutex>
#include <sstream>

#include "async/loops.h"
#include "base/bytes.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/run_file.h"
#include "http/server.h"

namespace lambari::cli {
namespace {

// Answers by path; remembers what was asked.
class FakeServer {
 public:
  FakeServer()
      : server_(loops_, [this](http::Request request) { return answer(std::move(request)); }),
        port_(server_.listen("127.0.0.1", 0)) {}
  ~FakeServer() { loops_.stop(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void give(const std::string& path, http::Response response) {
    std::lock_guard lock(mutex_);
    answers_[path].push_back(std::move(response));
  }
  void give(const std::string& path, std::string body, int status = 200) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    give(path, std::move(response));
  }
  std::vector<http::Request> asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  // The last answer for a path repeats.
  async::Task<http::Response> answer(http::Request request) {
    std::lock_guard lock(mutex_);
    asked_.push_back(request);
    auto& queue = answers_[std::string(request.path())];
    http::Response response;
    response.status = 404;
    response.body = R"({"message":"no such page"})";
    if (!queue.empty()) {
      response = queue.front();
      if (queue.size() > 1) queue.erase(queue.begin());
    }
    co_return response;
  }

  std::mutex mutex_;
  std::map<std::string, std::vector<http::Response>> answers_;
  std::vector<http::Request> asked_;
  async::Loops loops_{1, 1};
  http::Server server_;
  std::uint16_t port_;
};

class CliTest : public testing::Test {
 protected:
  CliTest() {
    program.version = "1.2.3";
    program.start_flags = {{"port", "0..65535", "4566", "0 picks a free one"}, {"strict-runtimes", "", "false", "refuse"}};
    program.start = [this](const Values& flags) {
      started = flags;
      return 0;
    };
    program.probe = [] {
      return R"({"capabilities":[{"name":"user namespaces","available":false,"detail":"off","remedy":"turn it on"}]})";
    };
    program.data = "/nonexistent";
  }

  int run(std::vector<std::string> arguments, const std::string& input = {}) {
    std::istringstream in(input);
    std::ostringstream o, e;
    int code = cli::run(std::move(arguments), program, in, o, e);
    out = o.str();
    err = e.str();
    return code;
  }
  int run_at(const FakeServer& server, std::vector<std::string> arguments, const std::string& input = {}) {
    program.environment["AWS_ENDPOINT_URL"] = server.url();
    return run(std::move(arguments), input);
  }

  Program program;
  std::optional<Values> started;
  std::string out, err;
};

TEST_F(CliTest, TeachesAndRefuses) {
  EXPECT_EQ(run({"--help"}), kDone);
  EXPECT_NE(out.find("eval \"$(lambari env)\""), std::string::npos) << out;
  EXPECT_EQ(run({"help", "invoke"}), kDone);
  EXPECT_NE(out.find("lambari invoke hello"), std::string::npos) << out;
  EXPECT_EQ(run({"help", "fly"}), kUsage);
  EXPECT_EQ(run({"version"}), kDone);
  EXPECT_EQ(out, "lambari 1.2.3\n");
  EXPECT_EQ(run({}), kUsage);
  EXPECT_EQ(run({"fly"}), kUsage);
  EXPECT_NE(err.find("no command is called \"fly\""), std::string::npos) << err;
  EXPECT_EQ(run({"invoke"}), kUsage);
  EXPECT_EQ(run({"clock"}), kUsage);
  EXPECT_EQ(run({"clock", "advance"}), kUsage);
}

TEST_F(CliTest, StartGetsItsFlags) {
  EXPECT_EQ(run({"start", "--port", "5000", "--strict-runtimes", "--config", "a.conf"}), kDone);
  EXPECT_EQ(started, (Values{{"port", "5000"}, {"strict-runtimes", "true"}, {"config", "a.conf"}}));
  EXPECT_EQ(run({"start", "--prot=5000"}), kDone);
  EXPECT_EQ(started, (Values{{"prot", ""}}));  // the settings refuse it, with a hint
  started.reset();
  EXPECT_EQ(run({"start", "--help"}), kDone);
  EXPECT_NE(out.find("LAMBARI_<NAME>"), std::string::npos) << out;
  EXPECT_NE(out.find("0 picks a free one [4566]"), std::string::npos) << out;
  EXPECT_NE(out.find("refuse [false]"), std::string::npos) << out;
  EXPECT_FALSE(started);
}

TEST_F(CliTest, NothingListens) {
  for (auto command : {"status", "stop", "cost"}) {
    EXPECT_EQ(run({"--endpoint", "http://127.0.0.1:1", command}), kFailed);
    EXPECT_NE(err.find("nothing listens at http://127.0.0.1:1 (start it with: lambari start"), std::string::npos) << err;
  }
  EXPECT_EQ(run({"doctor", "--endpoint", "http://127.0.0.1:1"}), kFailed);
  EXPECT_NE(out.find("remedy: turn it on"), std::string::npos) << out;
}

TEST_F(CliTest, EndpointIsFound) {
  EXPECT_EQ(find_endpoint("http://a:1", program), "http://a:1");
  EXPECT_EQ(find_endpoint("", program), "http://127.0.0.1:4566");
  program.environment = {{"LAMBARI_PORT", "5000"}, {"LAMBARI_ADDRESS", "0.0.0.0"}};
  EXPECT_EQ(find_endpoint("", program), "http://127.0.0.1:5000");

  auto directory = std::filesystem::temp_directory_path() / ("lambari-cli-test-" + std::to_string(getpid()));
  std::filesystem::create_directory(directory);
  program.data = directory;
  EXPECT_TRUE(write_run_file(directory, {getpid(), "http://127.0.0.1:5001"}));
  EXPECT_EQ(find_endpoint("", program), "http://127.0.0.1:5001");
  program.environment["AWS_ENDPOINT_URL"] = "http://b:2";
  EXPECT_EQ(find_endpoint("", program), "http://b:2");
  EXPECT_EQ(run({"env"}), kDone);  // does not believe what an earlier `env` exported
  EXPECT_NE(out.find("export AWS_ENDPOINT_URL=http://127.0.0.1:5001\n"), std::string::npos) << out;
  EXPECT_NE(out.find("export AWS_ACCESS_KEY_ID=test\n"), std::string::npos);

  EXPECT_TRUE(write_run_file(directory, {999'999'999, "http://127.0.0.1:5001"}));
  EXPECT_FALSE(read_run_file(directory));  // that process is gone
  remove_run_file(directory);
  EXPECT_FALSE(read_run_file(directory));
  std::filesystem::remove_all(directory);
}

TEST_F(CliTest, Status) {
  FakeServer server;
  server.give(
      "/_lambari/status",
      R"({"address":"127.0.0.1:4566","pid":7,"uptime_seconds":3725,"requests":12,"environments":3,"idle_environments":1})");
  EXPECT_EQ(run_at(server, {"status"}), kDone) << err;
  for (auto text : {"127.0.0.1:4566", "1 h 2 min", "3 (1 idle)", "12"})
    EXPECT_NE(out.find(text), std::string::npos) << text << "\n" << out;
}

TEST_F(CliTest, Clock) {
  FakeServer server;
  server.give("/_lambari/clock", R"({"now":"2026-01-01T06:00:00.000Z","offset_seconds":21600})");
  EXPECT_EQ(run_at(server, {"clock", "now"}), kDone);
  EXPECT_EQ(out, "2026-01-01T06:00:00.000Z (6 h 0 min ahead)\n");
  EXPECT_EQ(run_at(server, {"clock", "advance", "6h"}), kDone);
  EXPECT_EQ(run_at(server, {"clock", "reset"}), kDone);
  auto asked = server.asked();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[1].method, "POST");
  EXPECT_EQ(asked[1].headers.get("X-Lambari"), "1");
  EXPECT_EQ(asked[1].body, R"({"advance":"6h"})");
  EXPECT_EQ(asked[2].body, R"({"reset":true})");
}

TEST_F(CliTest, NukeAsks) {
  FakeServer server;
  server.give("/_lambari/nuke", R"({"message":"everything is gone"})");
  EXPECT_EQ(run_at(server, {"nuke"}), kUsage);  // nobody to ask
  program.terminal = true;
  EXPECT_EQ(run_at(server, {"nuke"}, "no\n"), kFailed);
  EXPECT_TRUE(server.asked().empty());
  EXPECT_EQ(run_at(server, {"nuke"}, "yes\n"), kDone);
  EXPECT_EQ(run_at(server, {"nuke", "--yes"}), kDone);
  EXPECT_EQ(server.asked().size(), 2u);
}

TEST_F(CliTest, InvokePrintsTheAnswer) {
  FakeServer server;
  http::Response answer;
  answer.body = R"({"hello":"Ana"})";
  answer.headers.set("X-Amz-Log-Result", base::base64("START\nEND"));
  server.give("/2015-03-31/functions/hello/invocations", answer);
  program.environment["AWS_DEFAULT_REGION"] = "sa-east-1";
  EXPECT_EQ(run_at(server, {"invoke", "hello", "--payload", R"({"name":"Ana"})", "--qualifier", "live", "--log"}), kDone) << err;
  EXPECT_EQ(out, "{\"hello\":\"Ana\"}\n");
  EXPECT_EQ(err, "START\nEND\n");
  auto asked = server.asked().at(0);
  EXPECT_EQ(asked.body, R"({"name":"Ana"})");
  EXPECT_EQ(asked.query(), "Qualifier=live");
  EXPECT_NE(asked.headers.get("Authorization").find("Credential=test/"), std::string_view::npos);
  EXPECT_NE(asked.headers.get("Authorization").find("/sa-east-1/lambda/aws4_request"), std::string_view::npos);

  EXPECT_EQ(run_at(server, {"invoke", "hello", "--payload-file", "-"}, "[1]"), kDone);
  EXPECT_EQ(server.asked().at(1).body, "[1]");
  EXPECT_EQ(run_at(server, {"invoke", "hello", "--payload-file", "/nonexistent/file"}), kFailed);
  EXPECT_EQ(run_at(server, {"invoke", "hello", "--payload-file", "x", "--payload", "{}"}), kUsage);
}

TEST_F(CliTest, InvokeFails) {
  FakeServer server;
  http::Response failed;
  failed.headers.set("X-Amz-Function-Error", "Unhandled");
  failed.body = R"({"errorMessage":"boom"})";
  server.give("/2015-03-31/functions/bad/invocations", failed);
  EXPECT_EQ(run_at(server, {"invoke", "bad"}), kFailed);
  EXPECT_NE(out.find("boom"), std::string::npos);
  EXPECT_NE(err.find("Unhandled"), std::string::npos);

  http::Response missing;
  missing.status = 404;
  missing.headers.set("x-amzn-ErrorType", "ResourceNotFoundException");
  missing.body = R"({"Message":"Function not found: none"})";
  server.give("/2015-03-31/functions/none/invocations", missing);
  EXPECT_EQ(run_at(server, {"invoke", "none"}), kFailed);
  EXPECT_EQ(err, "lambari: ResourceNotFoundException: Function not found: none\n");
}

TEST_F(CliTest, LogsReadEveryPage) {
  FakeServer server;
  server.give("/_lambari/clock", R"({"now":"2026-01-01T00:10:00.000Z","offset_seconds":0})");
  server.give("/", R"({"events":[{"eventId":"1","timestamp":1767225600000,"message":"one\n"}],"nextToken":"t"})");
  server.give("/", R"({"events":[{"eventId":"2","timestamp":1767225600001,"message":"two"}]})");
  EXPECT_EQ(run_at(server, {"logs", "hello", "--since", "5m", "--filter", "o"}), kDone) << err;
  EXPECT_EQ(out, "2026-01-01T00:00:00.000Z one\n2026-01-01T00:00:00.001Z two\n");
  auto asked = server.asked();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[1].headers.get("X-Amz-Target"), "Logs_20140328.FilterLogEvents");
  auto first = base::parse_json(asked[1].body)->get_object();
  EXPECT_EQ(first["logGroupName"], "/aws/lambda/hello");
  EXPECT_EQ(first["startTime"], 1767225900000);
  EXPECT_EQ(first["filterPattern"], "o");
  EXPECT_EQ(base::parse_json(asked[2].body)->get_object()["nextToken"], "t");
  EXPECT_EQ(run_at(server, {"logs", "hello", "--since", "soon"}), kUsage);
}

TEST_F(CliTest, FollowingWaitsForTheGroupAndShowsEachEventOnce) {
  FakeServer server;
  server.give("/_lambari/clock", R"({"now":"2026-01-01T00:00:00.000Z","offset_seconds":0})");
  server.give("/", R"({"__type":"ResourceNotFoundException","message":"no group"})", 400);
  server.give("/", R"({"events":[{"eventId":"1","timestamp":1767225600000,"message":"one"}]})");
  server.give(
      "/",
      R"({"events":[{"eventId":"1","timestamp":1767225600000,"message":"one"},{"eventId":"2","timestamp":1767225600000,"message":"two"}]})");
  Connection connection(server.url(), {});
  std::istringstream in;
  std::ostringstream o, e;
  LogsOptions options;
  options.function = "hello";
  options.follow = true;
  options.polls = 3;
  EXPECT_EQ(show_logs(connection, options, {in, o, e}), kDone);
  EXPECT_EQ(o.str(), "2026-01-01T00:00:00.000Z one\n2026-01-01T00:00:00.000Z two\n");
  EXPECT_NE(e.str().find("waiting for it"), std::string::npos);
}

TEST(Follower, LooksBackAndForgets) {
  Follower follower(1'000);
  EXPECT_EQ(follower.from(), 1'000);
  EXPECT_EQ(follower.fresh({{"a", 50'000, ""}, {"b", 50'000, ""}}).size(), 2u);
  EXPECT_EQ(follower.from(), 40'000);
  auto late = follower.fresh({{"c", 45'000, ""}, {"a", 50'000, ""}, {"b", 50'000, ""}});
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].id, "c");
  EXPECT_EQ(follower.from(), 40'000);
  EXPECT_EQ(follower.fresh({{"d", 90'000, ""}}).size(), 1u);
  EXPECT_EQ(follower.from(), 80'000);
}

}  // namespace
}  // namespace lambari::cli
