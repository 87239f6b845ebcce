#include "app/house.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/text.h"
#include "cli/connection.h"
#include "cli/run_file.h"

namespace lambari::app {
namespace {

// Whole servers on loopback, on ports of their own.
class HouseTest : public testing::Test {
 protected:
  HouseTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "lambari-house-test-XXXXXX";
    directory = mkdtemp(pattern.data());
    settings.port = 0;
    settings.data = directory / "data";
    settings.process_isolation = true;
    settings.threads = 2;
    settings.log_level = base::LogLevel::error;
    base::set_log_level(base::LogLevel::error);
  }
  ~HouseTest() override { std::filesystem::remove_all(directory); }

  static std::string refusal(const Settings& settings) {
    try {
      House house(settings, "test");
    } catch (const StartError& error) {
      return error.what();
    }
    return "started";
  }

  static std::string call(House& house, const std::string& service, const std::string& form, const std::string& secret = "test") {
    cli::Connection connection(house.url(), {{"AWS_SECRET_ACCESS_KEY", secret}});
    http::Request request;
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = form;
    return connection.aws(service, std::move(request)).body;
  }

  static constexpr auto kMakeUser = "Action=CreateUser&Version=2010-05-08&UserName=ana";
  static constexpr auto kGetUser = "Action=GetUser&Version=2010-05-08&UserName=ana";

  std::filesystem::path directory;
  Settings settings;
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_F(HouseTest, ServesAwsCallsAndItsOwn) {
  settings.memory_store = true;
  House house(settings, "9.9.9");
  cli::Connection connection(house.url(), {});
  auto health = connection.get("health");
  EXPECT_EQ(health["version"], "9.9.9");
  for (auto name : {"sts", "iam", "logs", "lambda", "apigatewayv2"})
    EXPECT_EQ(health["services"].get_object()[name], "running") << name;
  EXPECT_TRUE(says(call(house, "sts", "Action=GetCallerIdentity&Version=2011-06-15"), "arn:aws:iam::000000000000:root"));
  EXPECT_THROW(call(house, "sts", "Action=GetCallerIdentity&Version=2011-06-15", "wrong"), cli::ServiceError);
  EXPECT_EQ(connection.get("status")["requests"].to_number<int>(), 2);
  http::Request metrics;
  metrics.target = "/_lambari/metrics";
  auto text = connection.send(metrics).body;
  for (auto name : {"lambari_requests_total{service=\"sts\"", "lambari_http_open", "lambari_store_commits_total",
                    "lambari_sandbox_alive", "lambari_resident_bytes"})
    EXPECT_TRUE(says(text, name)) << name;
  house.close();
}

TEST_F(HouseTest, StopPageEndsTheWait) {
  settings.memory_store = true;
  House house(settings, "test");
  std::thread asking([&] { cli::Connection(house.url(), {}).post("stop"); });
  house.wait();
  asking.join();
  house.close();
}

TEST_F(HouseTest, SignalEndsTheWait) {
  settings.memory_store = true;
  House house(settings, "test");
  kill(getpid(), SIGTERM);
  house.wait();
  house.close();
}

TEST_F(HouseTest, RestartKeepsWhatWasAcknowledgedAndNukeRemovesIt) {
  {
    House house(settings, "test");
    call(house, "iam", kMakeUser);
    auto note = cli::read_run_file(settings.data);
    ASSERT_TRUE(note);
    EXPECT_EQ(note->url, house.url());
    EXPECT_EQ(note->pid, getpid());
    house.close();
  }
  EXPECT_FALSE(cli::read_run_file(settings.data));
  House house(settings, "test");
  EXPECT_TRUE(says(call(house, "iam", kGetUser), "<UserName>ana</UserName>"));
  cli::Connection(house.url(), {}).post("nuke");
  EXPECT_THROW(call(house, "iam", kGetUser), cli::ServiceError);
  house.close();
}

TEST_F(HouseTest, DirectoryHasOneHouse) {
  House house(settings, "test");
  auto text = refusal(settings);
  EXPECT_TRUE(says(text, "is held by another lambari (pid " + std::to_string(getpid()) + ")")) << text;
  EXPECT_TRUE(says(call(house, "sts", "Action=GetCallerIdentity&Version=2011-06-15"), "root"));
  auto same_port = settings;
  same_port.port = static_cast<std::uint16_t>(*base::parse_int(house.url().substr(house.url().rfind(':') + 1)));
  text = refusal(same_port);
  EXPECT_TRUE(says(text, "lambari already runs at " + house.url())) << text;
  same_port.data = directory / "other";
  text = refusal(same_port);
  EXPECT_TRUE(says(text, "is in use")) << text;
  house.close();
}

TEST_F(HouseTest, NewerFormatIsLeftAlone) {
  {
    House house(settings, "test");
    house.close();
  }
  auto format = settings.data / "store" / "FORMAT";
  std::ofstream(format) << "lambari store 999\n";
  auto text = refusal(settings);
  EXPECT_TRUE(says(text, "was written by a newer lambari; nothing was changed")) << text;
  std::ostringstream kept;
  kept << std::ifstream(format).rdbuf();
  EXPECT_EQ(kept.str(), "lambari store 999\n");
}

TEST_F(HouseTest, ImpossiblePlacesAreRefused) {
  settings.address = "203.0.113.1";  // nobody's
  auto text = refusal(settings);
  EXPECT_TRUE(says(text, "cannot listen at 203.0.113.1:0")) << text;
  settings.address = "127.0.0.1";
  std::ofstream(directory / "file") << "x";
  settings.data = directory / "file" / "data";
  text = refusal(settings);
  EXPECT_TRUE(says(text, "cannot make the data directory")) << text;
}

TEST_F(HouseTest, WarningsSayWhatIsDegraded) {
  settings.memory_store = true;
  settings.open_auth = true;
  House house(settings, "test");
  auto warnings = house.warnings();
  auto warned = [&](std::string_view part) {
    return std::ranges::any_of(warnings, [&](const auto& text) { return says(text, part); });
  };
  EXPECT_TRUE(warned("auth = open"));
  EXPECT_TRUE(warned("isolation = process"));
  house.close();
}

TEST_F(HouseTest, ProbeLooksWithoutAServer) {
  auto findings = base::parse_json(probe(settings));
  ASSERT_TRUE(findings && findings->is_object());
  EXPECT_TRUE(findings->get_object().contains("capabilities") || findings->get_object().contains("problem"));
}

}  // namespace
}  // namespace lambari::app
