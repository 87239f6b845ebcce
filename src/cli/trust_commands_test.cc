#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "async/loops.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/surroundings.h"
#include "http/server.h"
#include "trust/files.h"

namespace lambari::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPem = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n";

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class TrustCommands : public testing::Test {
 protected:
  TrustCommands() : server_(loops_, answer), port_(server_.listen("127.0.0.1", 0)) {
    std::string pattern = fs::temp_directory_path() / "lambari-cli-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    url_ = "http://127.0.0.1:" + std::to_string(port_);
    program_.data = folder_ / "data";
    program_.environment = {{"XDG_CACHE_HOME", folder_ / "cache"}, {"PATH", "/usr/bin"}, {"AWS_PROFILE", "work"}};
    program_.become = [this](const std::vector<std::string>& command, const Values& environment) {
      ran_ = command;
      around_ = environment;
      return 42;
    };
    program_.system.root = folder_ / "root";
    program_.system.run = [this](const std::string& command) {
      system_ran_ = command;
      return 0;
    };
  }
  ~TrustCommands() override {
    loops_.stop();
    fs::remove_all(folder_);
  }

  static async::Task<http::Response> answer(http::Request request) {
    http::Response response;
    if (request.target == "/_lambari/ca.pem")
      response.body = kPem;
    else if (request.target == "/_lambari/status")
      response.body = R"({"data":"/nonexistent/data"})";
    else
      response.status = 404;
    co_return response;
  }

  int run(std::vector<std::string> arguments) {
    std::istringstream in;
    std::ostringstream o, e;
    int code = cli::run(std::move(arguments), program_, in, o, e);
    out_ = o.str();
    err_ = e.str();
    return code;
  }

  fs::path folder_;
  async::Loops loops_{1, 1};
  http::Server server_;
  std::uint16_t port_;
  std::string url_, out_, err_, system_ran_;
  Program program_;
  std::vector<std::string> ran_;
  Values around_;
};

TEST_F(TrustCommands, RunSurroundsAProgram) {
  EXPECT_EQ(run({"run", "--endpoint", url_, "--", "aws", "--region", "x", "--", "run", "--help"}), 42) << err_;
  EXPECT_EQ(ran_, (std::vector<std::string>{"aws", "--region", "x", "--", "run", "--help"}));
  EXPECT_EQ(around_["AWS_ENDPOINT_URL"], url_);
  EXPECT_EQ(around_["AWS_ACCESS_KEY_ID"], "test");
  EXPECT_EQ(around_["AWS_REGION"], "us-east-1");
  EXPECT_FALSE(around_.contains("AWS_PROFILE"));
  EXPECT_EQ(around_["PATH"], "/usr/bin");
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) EXPECT_EQ(around_[name], url_);
  EXPECT_EQ(around_["NO_PROXY"], "localhost,.localhost,127.0.0.1,::1");
  for (const char* name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}) {
    auto bundle = trust::read_small_file(around_[name]);
    ASSERT_TRUE(bundle) << name;
    EXPECT_TRUE(bundle->ends_with(kPem)) << name;
  }
  EXPECT_TRUE(around_["JAVA_TOOL_OPTIONS"].starts_with("-Djavax.net.ssl.trustStore=")) << around_["JAVA_TOOL_OPTIONS"];
  EXPECT_TRUE(around_["NODE_OPTIONS"].starts_with("--require \"" + folder_.string())) << around_["NODE_OPTIONS"];
  EXPECT_EQ(fs::status(fs::path(around_["AWS_CA_BUNDLE"]).parent_path()).permissions(), fs::perms::owner_all);

  EXPECT_EQ(run({"--endpoint", url_, "run", "true"}), 42);  // needs no "--"
  EXPECT_EQ(ran_, std::vector<std::string>{"true"});
}

TEST_F(TrustCommands, RunKeepsWhatTheUserSet) {
  std::ofstream(folder_ / "corporate.pem") << "-----BEGIN CERTIFICATE-----\ncorporate\n-----END CERTIFICATE-----\n";
  program_.environment["SSL_CERT_FILE"] = folder_ / "corporate.pem";
  program_.environment["AWS_ACCESS_KEY_ID"] = "AKIA";
  program_.environment["AWS_SECRET_ACCESS_KEY"] = "secret";
  program_.environment["AWS_DEFAULT_REGION"] = "sa-east-1";
  program_.environment["NO_PROXY"] = "intranet";
  program_.environment["NODE_OPTIONS"] = "--no-warnings";
  program_.environment["JAVA_TOOL_OPTIONS"] = "-Xmx1g";
  EXPECT_EQ(run({"run", "--endpoint", url_, "true"}), 42) << err_;
  EXPECT_EQ(around_["AWS_ACCESS_KEY_ID"], "AKIA");
  EXPECT_EQ(around_["AWS_PROFILE"], "work");
  EXPECT_EQ(around_["AWS_REGION"], "sa-east-1");
  EXPECT_TRUE(around_["NO_PROXY"].starts_with("intranet,localhost,"));
  EXPECT_TRUE(around_["NODE_OPTIONS"].starts_with("--no-warnings --require "));
  EXPECT_TRUE(around_["JAVA_TOOL_OPTIONS"].starts_with("-Xmx1g -D"));
  auto bundle = trust::read_small_file(around_["SSL_CERT_FILE"]);
  EXPECT_TRUE(says(*bundle, "corporate") && says(*bundle, "ours"));
  // A run inside a run adds nothing again.
  auto outer = around_;
  program_.environment = outer;
  EXPECT_EQ(run({"run", "--endpoint", url_, "true"}), 42) << err_;
  EXPECT_EQ(around_["NO_PROXY"], outer["NO_PROXY"]);
}

TEST_F(TrustCommands, RunSaysWhatIsWrong) {
  EXPECT_EQ(run({"run", "--endpoint", url_}), kUsage);
  EXPECT_TRUE(says(err_, "lambari run -- COMMAND")) << err_;
  EXPECT_EQ(run({"run", "--endpoint", "http://127.0.0.1:1", "--", "true"}), kFailed);
  EXPECT_TRUE(says(err_, "nothing listens")) << err_;
  EXPECT_EQ(run({"run", "--help"}), kDone);
  EXPECT_TRUE(says(out_, "HTTPS_PROXY")) << out_;
  EXPECT_TRUE(ran_.empty());
}

TEST_F(TrustCommands, EnvTrustsToo) {
  EXPECT_EQ(run({"env", "--endpoint", url_}), kDone);
  EXPECT_TRUE(says(out_, "export AWS_CA_BUNDLE='" + folder_.string())) << out_;
  EXPECT_FALSE(says(out_, "PROXY"));
  EXPECT_EQ(run({"env", "--all", "--endpoint", url_}), kDone);
  EXPECT_TRUE(says(out_, "export HTTPS_PROXY='" + url_ + "'\n")) << out_;
  EXPECT_TRUE(says(out_, "unset AWS_PROFILE\n"));
  EXPECT_FALSE(says(out_, "export PATH"));
  EXPECT_EQ(run({"env", "--all", "--endpoint", "http://127.0.0.1:1"}), kFailed);
}

TEST_F(TrustCommands, ShellsReadExports) {
  EXPECT_EQ(exports({{"A", "1"}, {"B", "2"}, {"C", "3"}}, {{"A", "1"}, {"B", "it's"}, {"D", "4"}}),
            (std::vector<std::string>{"unset C", "export B='it'\\''s'", "export D='4'"}));
}

TEST_F(TrustCommands, CaPrintsTheCertificate) {
  EXPECT_EQ(run({"ca", "--endpoint", url_}), kDone);
  EXPECT_EQ(out_, kPem);
  EXPECT_EQ(run({"ca", "--path", "--endpoint", url_}), kFailed);  // another machine's
  // Without a server, the data directory's.
  EXPECT_EQ(run({"ca", "--endpoint", "http://127.0.0.1:1"}), kFailed);
  EXPECT_TRUE(says(err_, "lambari start makes one")) << err_;
  fs::create_directories(program_.data / "tls");
  std::ofstream(program_.data / "tls" / "ca.pem") << "stopped";
  EXPECT_EQ(run({"ca", "--endpoint", "http://127.0.0.1:1"}), kDone);
  EXPECT_EQ(out_, "stopped");
  EXPECT_EQ(run({"ca", "--path", "--endpoint", "http://127.0.0.1:1"}), kDone);
  EXPECT_EQ(out_, (program_.data / "tls" / "ca.pem").string() + "\n");
}

TEST_F(TrustCommands, CaIsInstalledOnlyWhenAskedAndAllowed) {
  EXPECT_EQ(run({"ca", "--install", "--endpoint", url_}), kFailed);
  EXPECT_TRUE(says(err_, "no system store")) << err_;
  const auto store = program_.system.root / "usr/local/share/ca-certificates";
  fs::create_directories(store);
  EXPECT_EQ(run({"ca", "--install", "--endpoint", url_}), kFailed);
  EXPECT_TRUE(says(out_, "sudo update-ca-certificates")) << out_;
  EXPECT_FALSE(fs::exists(store / "lambari.crt"));
  program_.system.allowed = true;
  EXPECT_EQ(run({"ca", "--install", "--endpoint", url_}), kDone) << err_;
  EXPECT_EQ(trust::read_small_file(store / "lambari.crt"), kPem);
  EXPECT_EQ(system_ran_, "update-ca-certificates");
}

TEST_F(TrustCommands, TheNodeScriptNamesTheServer) {
  EXPECT_TRUE(says(node_script("http://localhost:4566"), "host: 'localhost', port: 4566"));
  EXPECT_TRUE(says(node_script("http://[::1]:4566/"), "host: '::1', port: 4566"));
  EXPECT_TRUE(says(node_script("https://lambari"), "host: 'lambari', port: 443"));
}

}  // namespace
}  // namespace lambari::cli
