// Starts the real sandbox and runs real functions in it. Needs root or unprivileged user namespaces, and the runtime packs.
#pragma once

#include "sandbox/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "sandbox/runtimes.h"

namespace lambari::sandbox {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace fs = std::filesystem;
using Kind = Outcome::Kind;

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = fs::temp_directory_path() / "lambari-sandbox-XXXXXX";
    path_ = mkdtemp(pattern.data());
    fs::permissions(path_, fs::perms(0755));
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  Folder& add(const std::string& name, const std::string& text, int mode = 0644) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    fs::permissions(path_ / name, fs::perms(mode));
    return *this;
  }

 private:
  fs::path path_;
};

inline async::Task<http::Response> answer_endpoint(http::Request request) {
  http::Response response;
  response.body = request.listener + " " + std::string(request.path());
  co_return response;
}

inline std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

struct Result {
  Outcome outcome;
  std::vector<std::string> lines;
};

// What came of a streamed answer. `slow` keeps the writer waiting before each piece is taken.
struct Heard : ResponseSink {
  void begin(std::string type) override {
    ++begun;
    content_type = std::move(type);
  }
  async::Task<bool> write(std::string piece) override {
    if (slow > 0ms) co_await async::sleep_for(slow);
    pieces.push_back(std::move(piece));
    co_return true;
  }
  std::string all() const {
    std::string text;
    for (const auto& piece : pieces) text += piece;
    return text;
  }
  int begun = 0;
  std::string content_type;
  std::vector<std::string> pieces;
  std::chrono::milliseconds slow{0};
};

class SandboxTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    loops_ = new async::Loops(2);
    endpoint_ = new http::Server(*loops_, answer_endpoint);
    state_ = new Folder;
    Options options;
    options.state_directory = state_->path() / "state";
    options.warm_slots = 1;
    sandbox_ = Sandbox::start(*loops_, *endpoint_, options).release();
  }
  static void TearDownTestSuite() {
    const auto first = keeper();
    EXPECT_NE(first, "");
    delete sandbox_;
    EXPECT_THAT(leftovers(first), IsEmpty());
    delete endpoint_;
    loops_->stop();
    delete loops_;
    delete state_;
  }

  // The executable's first process, which names the control groups.
  static std::string keeper() {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/proc", none))
      if (read(entry.path() / "status").find("PPid:\t" + std::to_string(getpid()) + "\n") != std::string::npos &&
          read(entry.path() / "comm") == "lambari-sandbox\n")
        return entry.path().filename();
    return {};
  }

  static bool runs(const std::string& program, const std::string& argument) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/proc", none))
      if (read(entry.path() / "cmdline") == program + '\0' + argument + '\0') return true;
    return false;
  }

  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(10ms))
      if (condition()) return true;
    return false;
  }

  // What of the run is still there.
  static std::vector<std::string> leftovers(const std::string& keeper) {
    std::vector<std::string> found;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/proc", none))
      if (auto status = read(entry.path() / "status"); status.find("PPid:\t" + keeper + "\n") != std::string::npos)
        found.push_back("process " + status);
    if (fs::exists("/proc/" + keeper)) found.push_back("the keeper");
    for (auto it = fs::recursive_directory_iterator("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, none);
         it != fs::recursive_directory_iterator(); it.increment(none))
      if (it->path().filename() == "lambari-" + keeper) found.push_back(it->path());
    if (read("/proc/self/mountinfo").find(state_->path().string()) != std::string::npos) found.push_back("a mount");
    return found;
  }

  void SetUp() override {
    if (packs().empty()) FAIL() << "there are no runtime packs; run scripts/build-runtimes";
  }

  static fs::path packs_folder() {
    for (auto at = fs::read_symlink("/proc/self/exe").parent_path(); at.has_relative_path(); at = at.parent_path())
      if (fs::is_directory(at / ".cache/runtimes")) return at / ".cache/runtimes";
    return {};
  }
  static std::string packs() {
    for (const auto& one : sandbox_->capabilities())
      if (one.name == "runtime packs" && one.available) return one.detail;
    return {};
  }
  static bool has(const std::string& capability) {
    for (const auto& one : sandbox_->capabilities())
      if (one.name == capability) return one.available;
    return false;
  }

  static FunctionSpec python(const Folder& code, std::string handler = "app.handler") {
    FunctionSpec spec;
    spec.runtime = "python3.11";
    spec.handler = std::move(handler);
    spec.code = code.path();
    spec.memory_mb = 256;
    spec.environment = {{"AWS_REGION", "eu-west-1"},
                        {"AWS_LAMBDA_FUNCTION_NAME", "f"},
                        {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
                        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"},
                        {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"},
                        {"AWS_LAMBDA_LOG_STREAM_NAME", "stream"},
                        {"AWS_ACCESS_KEY_ID", "test"},
                        {"AWS_SECRET_ACCESS_KEY", "test"}};
    return spec;
  }
  // Compiles app/Main.java first.
  static FunctionSpec java(const Folder& code, std::string handler) {
    const auto jar = packs_folder() / "java17/runtime/lib/aws-lambda-java-core.jar";
    const auto folder = code.path().string();
    EXPECT_EQ(std::system(("javac -cp " + jar.string() + " -d " + folder + " " + folder + "/app/Main.java").c_str()), 0);
    auto spec = python(code, std::move(handler));
    spec.runtime = "java17";
    return spec;
  }
  static FunctionSpec node(const Folder& code, std::string runtime, std::string handler = "app.handler") {
    auto spec = python(code, std::move(handler));
    spec.runtime = std::move(runtime);
    return spec;
  }

  static std::unique_ptr<Environment> create(FunctionSpec spec) {
    std::unique_ptr<Environment> made;
    loops_->run(create_into(std::move(spec), made));
    return made;
  }
  static async::Task<> create_into(FunctionSpec spec, std::unique_ptr<Environment>& into) {
    into = co_await sandbox_->create(std::move(spec));
  }

  static Result invoke(Environment& environment, std::string payload = "{}", std::chrono::milliseconds timeout = 10s) {
    static int last = 0;
    Invocation invocation;
    invocation.request_id = "request-" + std::to_string(++last);
    invocation.payload = std::move(payload);
    invocation.function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:f";
    invocation.timeout = timeout;
    Result result;
    loops_->run(invoke_into(environment, std::move(invocation), result));
    return result;
  }
  static async::Task<> invoke_into(Environment& environment, Invocation invocation, Result& into) {
    auto lines = std::make_shared<std::vector<std::string>>();
    into.outcome = co_await environment.invoke(std::move(invocation),
                                               [lines](base::Timestamp, std::string line) { lines->push_back(line); });
    into.lines = *lines;
  }
  // The same, its answer told as it comes.
  static Result stream(Environment& environment, std::shared_ptr<Heard> heard, std::string payload = "{}",
                       std::chrono::milliseconds timeout = 10s) {
    Invocation invocation;
    invocation.request_id = "streamed";
    invocation.payload = std::move(payload);
    invocation.function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:f";
    invocation.timeout = timeout;
    invocation.sink = std::move(heard);
    Result result;
    loops_->run(invoke_into(environment, std::move(invocation), result));
    return result;
  }

  // One invocation of a new environment of inline Python.
  static Result run(const std::string& source, std::string payload = "{}", std::function<void(FunctionSpec&)> change = {},
                    std::chrono::milliseconds timeout = 10s) {
    Folder code;
    code.add("app.py", source);
    auto spec = python(code);
    if (change) change(spec);
    auto environment = create(spec);
    return invoke(*environment, std::move(payload), timeout);
  }

  static inline async::Loops* loops_ = nullptr;
  static inline http::Server* endpoint_ = nullptr;
  static inline Folder* state_ = nullptr;
  static inline Sandbox* sandbox_ = nullptr;
};

}  // namespace lambari::sandbox
