// The Init phase by itself, in a real sandbox: it ends well, or says how it ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sandbox/sandbox.h"

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;
using Kind = Outcome::Kind;

async::Task<http::Response> nobody(http::Request) { co_return http::Response{}; }

class Init : public testing::Test {
 protected:
  Init() {
    std::string pattern = fs::temp_directory_path() / "lambari-init-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    fs::permissions(folder_, fs::perms(0755));
    Options options;
    options.state_directory = folder_ / "state";
    options.warm_slots = 1;
    sandbox_ = Sandbox::start(loops_, endpoint_, options);
  }
  ~Init() override {
    environment_.reset();
    sandbox_.reset();
    loops_.stop();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  // Of a new environment of this Python.
  Outcome initialize(const std::string& source, std::chrono::milliseconds patience = 10s) {
    const auto code = folder_ / ("code-" + std::to_string(++count_));
    fs::create_directory(code);
    std::ofstream(code / "app.py") << source;
    FunctionSpec spec;
    spec.runtime = "python3.11";
    spec.handler = "app.handler";
    spec.code = code;
    spec.init_timeout = patience;
    spec.provisioned = true;
    lines_.clear();
    Outcome outcome;
    loops_.run(initialize_into(*this, std::move(spec), outcome));
    return outcome;
  }
  static async::Task<> initialize_into(Init& self, FunctionSpec spec, Outcome& into) {
    self.environment_ = co_await self.sandbox_->create(std::move(spec));
    into = co_await self.environment_->initialize([&self](base::Timestamp, std::string line) { self.lines_.push_back(line); });
  }
  Outcome invoke() {
    Invocation invocation;
    invocation.request_id = "1";
    invocation.payload = "{}";
    Outcome outcome;
    lines_.clear();
    loops_.run(invoke_into(*this, std::move(invocation), outcome));
    return outcome;
  }
  static async::Task<> invoke_into(Init& self, Invocation invocation, Outcome& into) {
    into = co_await self.environment_->invoke(std::move(invocation),
                                              [&self](base::Timestamp, std::string line) { self.lines_.push_back(line); });
  }

  fs::path folder_;
  async::Loops loops_{2};
  http::Server endpoint_{loops_, nobody};
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<Environment> environment_;
  std::vector<std::string> lines_;
  int count_ = 0;
};

TEST_F(Init, IsAPhaseOfItsOwn) {
  auto started = initialize(
      "import os\nprint('loading')\ndef handler(event, context):\n  print('called')\n"
      "  return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n");
  EXPECT_EQ(started.kind, Kind::success);
  EXPECT_TRUE(started.init_duration);
  EXPECT_THAT(lines_, ElementsAre("loading"));
  environment_->freeze();
  const auto first = invoke();
  EXPECT_EQ(first.payload, "\"provisioned-concurrency\"");
  EXPECT_FALSE(first.init_duration) << "the handler was started before";
  EXPECT_THAT(lines_, ElementsAre("called"));

  started = initialize("raise ValueError('not today')\n");
  EXPECT_EQ(started.kind, Kind::init_error);
  EXPECT_THAT(started.payload, HasSubstr("not today"));
  EXPECT_FALSE(environment_->alive());

  started = initialize("import os\nos._exit(3)\n");
  EXPECT_EQ(started.kind, Kind::crash);
  EXPECT_EQ(started.exit_status, 3);

  started = initialize("import time\ntime.sleep(60)\n", 200ms);
  EXPECT_EQ(started.kind, Kind::timeout);
  EXPECT_FALSE(environment_->alive());
}

}  // namespace
}  // namespace lambari::sandbox
