// A Lambda room on a memory store, with a sandbox that runs C++ instead of a function. For tests.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/gate.h"
#include "async/run.h"
#include "base/ids.h"
#include "base/json.h"
#include "services/lambda/service.h"
#include "services/lambda/sources/fake_streams.h"
#include "services/lambda/zip_maker.h"
#include "store/engines.h"

namespace lambari::lambda::testing {

// What the "function" does; by default it answers its version and generation of code.
using Handler =
    std::function<sandbox::Outcome(const sandbox::FunctionSpec&, const sandbox::Invocation&, const sandbox::LineSink&)>;

// What loading the "function" does.
using Initializer = std::function<sandbox::Outcome(const sandbox::FunctionSpec&, const sandbox::LineSink&)>;

class FakeEnvironment final : public sandbox::Environment {
 public:
  FakeEnvironment(sandbox::FunctionSpec spec, Handler& handler, Initializer& initializer, std::atomic<int>& alive,
                  std::atomic<int>& freezes, std::string id, std::chrono::milliseconds& takes)
      : spec_(std::move(spec)),
        handler_(handler),
        initializer_(initializer),
        count_(alive),
        freezes_(freezes),
        id_(std::move(id)),
        takes_(takes) {
    ++count_;
  }
  ~FakeEnvironment() override { --count_; }
  const std::string& id() const override { return id_; }
  async::Task<sandbox::Outcome> initialize(sandbox::LineSink lines) override {
    EXPECT_TRUE(std::exchange(first_, false)) << "an environment is initialized once";
    auto outcome = initializer_(spec_, lines);
    if (outcome.kind != sandbox::Outcome::Kind::success) alive_ = false;
    co_return outcome;
  }
  async::Task<sandbox::Outcome> invoke(sandbox::Invocation invocation, sandbox::LineSink lines) override {
    EXPECT_FALSE(busy_.exchange(true)) << "an environment serves one request at a time";
    if (takes_.count() > 0) co_await async::sleep_for(takes_);
    using Kind = sandbox::Outcome::Kind;
    sandbox::Outcome outcome;
    if (std::exchange(first_, false)) {
      auto started = initializer_(spec_, lines);
      if (started.kind == Kind::success) {
        std::vector<std::pair<base::Timestamp, std::string>> said;
        outcome = handler_(spec_, invocation,
                           [&](base::Timestamp time, std::string line) { said.emplace_back(time, std::move(line)); });
        if (!outcome.init_failed && invocation.begun) invocation.begun(*started.init_duration);
        for (auto& [time, line] : said) lines(time, std::move(line));
        if (!spec_.init_within_invocation) outcome.init_duration = started.init_duration;
      } else {
        outcome = std::move(started);
        outcome.init_failed = true;
        outcome.duration = *outcome.init_duration;
      }
    } else {
      outcome = handler_(spec_, invocation, lines);
    }
    if (outcome.kind != Kind::success && outcome.kind != Kind::function_error) alive_ = false;
    busy_ = false;
    co_return outcome;
  }
  bool alive() const override { return alive_; }
  void freeze() override { ++freezes_; }

 private:
  const sandbox::FunctionSpec spec_;
  Handler& handler_;
  Initializer& initializer_;
  std::atomic<int>& count_;
  std::atomic<int>& freezes_;
  const std::string id_;
  std::chrono::milliseconds& takes_;
  bool first_ = true, alive_ = true;
  std::atomic<bool> busy_{false};
};

class FakeSandbox final : public sandbox::Sandbox {
 public:
  Handler handler = [](const sandbox::FunctionSpec& spec, const sandbox::Invocation& invocation, const sandbox::LineSink& lines) {
    lines({1}, "hello from " + spec.environment.at("AWS_LAMBDA_FUNCTION_VERSION"));
    sandbox::Outcome outcome;
    outcome.payload = "{\"version\":\"" + spec.environment.at("AWS_LAMBDA_FUNCTION_VERSION") + "\",\"arn\":\"" +
                      invocation.function_arn + "\",\"event\":" + invocation.payload + "}";
    outcome.duration = std::chrono::milliseconds(2);
    outcome.max_memory_bytes = 30 << 20;
    return outcome;
  };
  Initializer initializer = [](const sandbox::FunctionSpec&, const sandbox::LineSink&) {
    sandbox::Outcome outcome;
    outcome.init_duration = std::chrono::milliseconds(100);
    return outcome;
  };
  std::chrono::milliseconds takes{0};
  std::atomic<int> alive{0}, freezes{0};
  std::set<std::string> missing_runtimes;
  std::mutex mutex;
  std::vector<sandbox::FunctionSpec> specs;  // of all that were created
  std::vector<std::pair<std::string, int>> expected;

  async::Task<std::unique_ptr<sandbox::Environment>> create(sandbox::FunctionSpec spec) override {
    const std::lock_guard lock(mutex);
    specs.push_back(spec);
    co_return std::make_unique<FakeEnvironment>(std::move(spec), handler, initializer, alive, freezes,
                                                "env-" + std::to_string(specs.size()), takes);
  }
  void expect(const std::string& runtime, int memory_mb) override {
    const std::lock_guard lock(mutex);
    expected.emplace_back(runtime, memory_mb);
  }
  std::vector<sandbox::Capability> capabilities() const override { return {}; }
  sandbox::RuntimeInfo runtime(const std::string& asked) const override {
    if (missing_runtimes.contains(asked)) return {asked, "", "no interpreter was found"};
    return {asked, asked, ""};
  }
  std::vector<std::string> known_runtimes() const override { return {}; }
  sandbox::SandboxCounters counters() const override { return {}; }
};

class FakeCredentials final : public contracts::Credentials {
 public:
  base::Clock& clock;
  std::set<std::string> unusable_roles;
  std::chrono::milliseconds lifetime{3'600'000};
  explicit FakeCredentials(base::Clock& c) : clock(c) {}

  async::Task<std::optional<contracts::Secret>> find(const std::string&) override {
    contracts::Secret secret;
    secret.principal.kind = contracts::Principal::Kind::assumed_role;
    co_return secret;
  }
  async::Task<std::optional<contracts::TemporaryCredentials>> assume_for_service(const std::string& role,
                                                                                 const std::string& service,
                                                                                 const std::string&) override {
    EXPECT_EQ(service, "lambda.amazonaws.com");
    if (unusable_roles.contains(role)) co_return std::nullopt;
    co_return contracts::TemporaryCredentials{"ASIATEST", "secret", "token", {clock.now().ms + lifetime.count()}, role, "AROA:s"};
  }
};

// Allows everything but what is named.
class FakeAuthorizer final : public contracts::Authorizer {
 public:
  std::set<std::string> denied_actions;
  std::vector<contracts::AccessRequest> asked;
  std::mutex mutex;
  async::Task<contracts::Decision> authorize(const contracts::Principal&, const contracts::AccessRequest& request) override {
    const std::lock_guard lock(mutex);
    asked.push_back(request);
    const bool denied = denied_actions.contains(request.action);
    co_return contracts::Decision{!denied, denied ? "not authorized to perform: " + request.action : ""};
  }
  contracts::AccessRequest last(const std::string& action) {
    const std::lock_guard lock(mutex);
    for (auto it = asked.rbegin(); it != asked.rend(); ++it) {
      if (it->action == action) return *it;
    }
    return {};
  }
  int count(const std::string& action) {
    const std::lock_guard lock(mutex);
    return static_cast<int>(
        std::count_if(asked.begin(), asked.end(), [&](const auto& request) { return request.action == action; }));
  }
};

class FakeLogs final : public contracts::LogSink {
 public:
  std::mutex mutex;
  std::map<std::string, std::map<std::string, std::string>> text;  // group -> stream -> messages
  void write(const std::string&, const std::string&, const std::string& group, const std::string& stream,
             std::vector<contracts::LogEvent> events) override {
    const std::lock_guard lock(mutex);
    for (const auto& event : events) text[group][stream] += event.message;
  }
  async::Task<> flush() override { co_return; }
};

class FakeMeter final : public contracts::Meter {
 public:
  std::mutex mutex;
  std::map<std::string, std::uint64_t> counts;
  void count(std::string_view, std::string_view usage, std::string_view resource, std::uint64_t amount) override {
    const std::lock_guard lock(mutex);
    counts[std::string(usage) + " " + std::string(resource)] += amount;
  }
};

// Takes what is delivered, as its answer says.
class FakeTarget final : public contracts::Target {
 public:
  contracts::Delivery answer;
  std::vector<contracts::Parcel> parcels;
  std::mutex mutex;
  async::Task<contracts::Delivery> deliver(contracts::Parcel parcel) override {
    const std::lock_guard lock(mutex);
    parcels.push_back(std::move(parcel));
    co_return answer;
  }
  std::vector<contracts::Parcel> all() {
    const std::lock_guard lock(mutex);
    return parcels;
  }
};

// Queues in memory. Messages that are received are hidden until the test shows them again.
class FakeQueues final : public contracts::QueueSource {
 public:
  struct Message {
    std::string id, body;
    int receives = 0;
    bool hidden = false;
  };
  std::mutex mutex;
  async::Event arrived;
  std::map<std::string, std::vector<Message>> queues;  // by ARN
  std::chrono::seconds visibility{30};
  bool gone = false;

  async::Task<std::optional<contracts::SourceQueue>> describe(const std::string& arn) override {
    const std::lock_guard lock(mutex);
    if (gone) co_return std::nullopt;
    co_return contracts::SourceQueue{arn.ends_with(".fifo"), visibility};
  }
  async::Task<std::vector<contracts::SourceMessage>> receive(contracts::Principal, std::string arn, std::size_t count,
                                                             std::chrono::milliseconds wait) override {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
      const auto ticket = arrived.ticket();
      std::vector<contracts::SourceMessage> out;
      {
        const std::lock_guard lock(mutex);
        for (auto& m : queues[arn]) {
          if (m.hidden || out.size() == count) continue;
          m.hidden = true;
          ++m.receives;
          out.push_back({m.id, "handle-" + m.id, "",
                         R"({"messageId":")" + m.id + R"(","body":)" + base::to_json(base::json::value(m.body)) + "}"});
        }
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (!out.empty() || left.count() <= 0) co_return out;
      co_await arrived.wait(ticket, left);
    }
  }
  async::Task<> remove(contracts::Principal, std::string arn, std::vector<std::string> handles) override {
    const std::lock_guard lock(mutex);
    for (const auto& handle : handles) std::erase_if(queues[arn], [&](const auto& m) { return "handle-" + m.id == handle; });
    co_return;
  }
  async::Task<> hold(contracts::Principal, std::string, std::vector<std::string>, std::chrono::seconds) override { co_return; }

  void send(const std::string& arn, std::string id, std::string body) {
    {
      const std::lock_guard lock(mutex);
      queues[arn].push_back({std::move(id), std::move(body)});
    }
    arrived.notify_all();
  }
  std::size_t left(const std::string& arn) {
    const std::lock_guard lock(mutex);
    return queues[arn].size();
  }
  void show(const std::string& arn) {
    {
      const std::lock_guard lock(mutex);
      for (auto& m : queues[arn]) m.hidden = false;
    }
    arrived.notify_all();
  }
};

inline const std::string kRole = "arn:aws:iam::000000000000:role/lambda-role";

// Everything a room needs; restart() builds a new room on the same store and files.
class World {
 public:
  World()
      : scratch(std::filesystem::temp_directory_path() / ("lambari-lambda-" + base::random_text(12, base::kLowerAlphanumeric))),
        blobs(loops, scratch / "blobs"),
        credentials(clock) {
    call.account = "000000000000";
    call.region = "us-east-1";
    call.host = "localhost:4566";
    call.principal.kind = contracts::Principal::Kind::root;
    call.principal.account = call.account;
    call.time = clock.now();
    delivery_targets.add("sqs", queues);
    build();
  }
  ~World() {
    tear_down();
    std::error_code ignored;
    std::filesystem::remove_all(scratch, ignored);
  }

  void build() {
    room = std::make_unique<Lambda>(Dependencies{.loops = loops,
                                                 .clock = clock,
                                                 .store = *store,
                                                 .blobs = blobs,
                                                 .sandbox = &sandbox,
                                                 .credentials = credentials,
                                                 .logs = logs,
                                                 .meter = meter,
                                                 .authorizer = authorizer,
                                                 .directory = scratch / "code",
                                                 .images = scratch / "images",
                                                 .targets = &delivery_targets,
                                                 .queues = &queue_source,
                                                 .streams = &streams},
                                    settings);
    delivery_targets.add("lambda", *room);
    loops.run(room->start());
  }
  void tear_down() {
    if (room) loops.run(room->stop());
    room.reset();
  }
  void restart() {
    tear_down();
    build();
  }

  // Runs a task and gives its result; a fault comes out as itself.
  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops, std::move(task));
  }
  void run(async::Task<> task) { loops.run(std::move(task)); }

  template <class Result, class Request>
  Result call_api(async::Task<Result> (Lambda::*operation)(const wire::Call&, Request), Request request) {
    if constexpr (std::is_void_v<Result>) {
      run((room.get()->*operation)(call, std::move(request)));
    } else {
      return run((room.get()->*operation)(call, std::move(request)));
    }
  }

  template <class F>
  std::string fault_of(F f) {
    try {
      f();
    } catch (const wire::Fault& fault) {
      return fault.code() + ": " + fault.message();
    }
    return "none";
  }

  aws::lambda::CreateFunctionRequest create_request(const std::string& name) {
    aws::lambda::CreateFunctionRequest request;
    request.FunctionName = name;
    request.Runtime = "python3.12";
    request.Role = kRole;
    request.Handler = "index.handler";
    request.Code.ZipFile = hello_zip();
    return request;
  }
  aws::lambda::FunctionConfiguration create(const std::string& name) {
    return call_api(&Lambda::CreateFunction, create_request(name));
  }

  aws::lambda::FunctionConfiguration get(const std::string& name, std::optional<std::string> qualifier = {}) {
    return call_api(&Lambda::GetFunctionConfiguration, aws::lambda::GetFunctionConfigurationRequest{name, std::move(qualifier)});
  }
  // As the waiters do.
  aws::lambda::FunctionConfiguration wait(const std::string& name, std::optional<std::string> qualifier = {}) {
    for (int i = 0; i < 500; ++i) {
      auto now = get(name, qualifier);
      if (now.State == "Active" && now.LastUpdateStatus == "Successful") return now;
      if (now.State == "Failed" || now.LastUpdateStatus == "Failed") return now;
      run(async::sleep_for(std::chrono::milliseconds(5)));
    }
    ADD_FAILURE() << name << " was never settled";
    return get(name, qualifier);
  }
  aws::lambda::FunctionConfiguration create_active(const std::string& name) {
    create(name);
    return wait(name);
  }
  aws::lambda::FunctionConfiguration update_code(const std::string& name, const std::string& salt) {
    aws::lambda::UpdateFunctionCodeRequest request;
    request.FunctionName = name;
    request.ZipFile = hello_zip(salt);
    call_api(&Lambda::UpdateFunctionCode, request);
    return wait(name);
  }
  aws::lambda::FunctionConfiguration publish(const std::string& name) {
    aws::lambda::PublishVersionRequest request;
    request.FunctionName = name;
    return call_api(&Lambda::PublishVersion, request);
  }
  aws::lambda::InvocationResponse invoke(const std::string& name, std::optional<std::string> payload = {},
                                         std::optional<std::string> qualifier = {}) {
    aws::lambda::InvocationRequest request;
    request.FunctionName = name;
    request.Payload = std::move(payload);
    request.Qualifier = std::move(qualifier);
    return call_api(&Lambda::Invoke, request);
  }
  std::size_t code_directories() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(scratch / "code")) count += entry.is_directory();
    return count;
  }

  const std::filesystem::path scratch;
  async::Loops loops{2, 2};
  base::Clock clock;
  std::unique_ptr<store::Store> store = store::open_memory();
  blobs::Blobs blobs;
  FakeSandbox sandbox;
  FakeCredentials credentials;
  FakeAuthorizer authorizer;
  FakeLogs logs;
  FakeMeter meter;
  FakeTarget queues;
  FakeQueues queue_source;
  sources::testing::FakeStreams streams;
  delivery::Targets delivery_targets;
  Settings settings;
  wire::Call call;
  std::unique_ptr<Lambda> room;
};

// For tests of what happens in the background.
struct WorldTest : ::testing::Test {
  const std::string kQueue = "arn:aws:sqs:us-east-1:000000000000:q";
  const std::string kArn = "arn:aws:lambda:us-east-1:000000000000:function:";  // a name is to follow

  World w;

  template <class Condition>
  bool becomes(Condition condition) {
    for (int i = 0; i < 2'000; ++i) {
      if (condition()) return true;
      w.run(async::sleep_for(std::chrono::milliseconds(5)));
    }
    return false;
  }
};

}  // namespace lambari::lambda::testing
