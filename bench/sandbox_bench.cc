// Cold and warm invocations of the sandbox alone: no API, no log service. One line a number.
//   sandbox_bench [RUNTIME...]     default: python3.11 nodejs20.x nodejs22.x
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "async/loops.h"
#include "http/server.h"
#include "sandbox/sandbox.h"

namespace {

using namespace lambari;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kCold = 40, kWarm = 3000, kRuns = 30'000;

async::Task<http::Response> nothing(http::Request) { co_return http::Response{}; }

double ms(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

void print(const std::string& what, std::vector<double> all) {
  std::sort(all.begin(), all.end());
  auto at = [&](double part) { return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))]; };
  std::cout << fmt::format("{:44} p50 {:8.3f} ms   p90 {:8.3f} ms   p99 {:8.3f} ms   max {:8.3f} ms\n", what, at(0.5), at(0.9),
                           at(0.99), at(1));
}

sandbox::Invocation invocation() {
  static std::atomic<int> last = 0;
  sandbox::Invocation made;
  made.request_id = fmt::format("00000000-0000-4000-8000-{:012}", ++last);
  made.payload = R"({"key1":"value1","key2":"value2"})";
  made.function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
  made.timeout = 30s;
  return made;
}

void drop(base::Timestamp, std::string) {}

void need(const sandbox::Outcome& outcome) {
  if (outcome.kind == sandbox::Outcome::Kind::success) return;
  std::cerr << "failed: " << static_cast<int>(outcome.kind) << " " << outcome.error_type << " " << outcome.payload << "\n";
  std::exit(1);
}

struct Cold {
  std::vector<double> whole, create, init;
};

async::Task<> cold(sandbox::Sandbox& sandbox, sandbox::FunctionSpec spec, std::chrono::milliseconds pause, Cold& times) {
  for (int i = 0; i < kCold; ++i) {
    co_await async::sleep_for(pause);
    auto began = Clock::now();
    auto environment = co_await sandbox.create(spec);
    auto created = Clock::now();
    auto outcome = co_await environment->invoke(invocation(), drop);
    times.whole.push_back(ms(Clock::now() - began));
    need(outcome);
    times.create.push_back(ms(created - began));
    times.init.push_back(static_cast<double>(outcome.init_duration->count()) / 1000);
  }
}

async::Task<> make(sandbox::Sandbox& sandbox, sandbox::FunctionSpec spec, std::unique_ptr<sandbox::Environment>& into) {
  into = co_await sandbox.create(std::move(spec));
  need(co_await into->invoke(invocation(), drop));
}

async::Task<> warm(sandbox::Environment& environment, int count, std::vector<double>& times) {
  for (int i = 0; i < count; ++i) {
    auto began = Clock::now();
    auto outcome = co_await environment.invoke(invocation(), drop);
    times.push_back(ms(Clock::now() - began));
    need(outcome);
  }
}

async::Task<> loop(sandbox::Environment& environment, int count, std::vector<double>& times, std::atomic<int>& running) {
  co_await warm(environment, count, times);
  --running;
}

void measure(async::Loops& loops, sandbox::Sandbox& sandbox, const std::string& runtime, const fs::path& code) {
  sandbox::FunctionSpec spec;
  spec.runtime = runtime;
  spec.handler = "app.handler";
  spec.code = code;
  spec.environment = {{"AWS_REGION", "us-east-1"},
                      {"AWS_LAMBDA_FUNCTION_NAME", "f"},
                      {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
                      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"},
                      {"AWS_LAMBDA_LOG_GROUP_NAME", "g"},
                      {"AWS_LAMBDA_LOG_STREAM_NAME", "s"}};
  std::unique_ptr<sandbox::Environment> first;
  auto began = Clock::now();
  loops.run(make(sandbox, spec, first));
  std::cout << fmt::format("{:44}     {:8.3f} ms\n", runtime + ": the very first, nothing prepared", ms(Clock::now() - began));
  for (auto pause : {200ms, 0ms}) {
    Cold times;
    loops.run(cold(sandbox, spec, pause, times));
    const auto name = fmt::format("{}: cold, {}", runtime, pause == 0ms ? "back to back" : "5 a second");
    print(name, times.whole);
    print(name + ", create", times.create);
    print(name + ", init", times.init);
  }
  std::vector<double> alone;
  loops.run(warm(*first, kWarm, alone));
  print(runtime + ": warm, 1 at a time", alone);

  constexpr int kMany = 64;
  std::vector<std::unique_ptr<sandbox::Environment>> all(kMany);
  for (auto& one : all) loops.run(make(sandbox, spec, one));
  std::vector<std::vector<double>> times(kMany);
  std::atomic<int> running = kMany;
  began = Clock::now();
  for (int i = 0; i < kMany; ++i)
    loops.spawn("bench", loop(*all[static_cast<std::size_t>(i)], kRuns / kMany, times[static_cast<std::size_t>(i)], running));
  while (running > 0) std::this_thread::sleep_for(1ms);
  const auto took = ms(Clock::now() - began);
  std::vector<double> together;
  for (auto& some : times) together.insert(together.end(), some.begin(), some.end());
  std::cout << fmt::format("{:44} {:8.0f} a second\n", runtime + ": warm, 64 at a time",
                           static_cast<double>(together.size()) * 1000 / took);
  print(runtime + ": warm, 64 at a time", together);
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> runtimes(arguments + 1, arguments + count);
  if (runtimes.empty()) runtimes = {"python3.11", "nodejs20.x", "nodejs22.x"};
  std::string pattern = "/tmp/lambari-sandbox-bench-XXXXXX";
  const fs::path code = mkdtemp(pattern.data());
  fs::permissions(code, fs::perms(0755));
  std::ofstream(code / "app.py") << "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n";
  std::ofstream(code / "app.js") << "exports.handler = async (event) => ({ statusCode: 200, body: 'ok' });\n";
  {
    async::Loops loops(2);
    http::Server endpoint(loops, nothing);
    sandbox::Options options;
    options.state_directory = code / "state";
    auto began = Clock::now();
    auto sandbox = sandbox::Sandbox::start(loops, endpoint, options);
    std::cout << fmt::format("{:44}     {:8.3f} ms\n", "start", ms(Clock::now() - began));
    for (const auto& runtime : runtimes) measure(loops, *sandbox, runtime, code);
    sandbox.reset();
    loops.stop();
  }
  fs::remove_all(code);
}
