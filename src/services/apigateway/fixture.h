// What the room's tests share: a whole room over a memory store, with a function and a log that remember.
#pragma once

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "async/run.h"
#include "base/json.h"
#include "services/apigateway/model.h"
#include "services/apigateway/service.h"
#include "store/engines.h"

namespace lambari::apigateway::testing {

namespace aws2 = aws::apigatewayv2;

class FakeInvoker final : public contracts::Invoker {
 public:
  async::Task<contracts::InvocationResult> invoke(contracts::Invocation invocation) override {
    std::chrono::milliseconds wait{0};
    contracts::InvocationResult answer;
    {
      const std::lock_guard lock(mutex);
      calls.push_back(invocation);
      wait = delay;
      answer = result;
      if (echo) answer.payload = invocation.payload;
    }
    if (wait.count() > 0) co_await async::sleep_for(wait);
    co_return answer;
  }
  std::mutex mutex;
  std::vector<contracts::Invocation> calls;
  std::chrono::milliseconds delay{0};
  contracts::InvocationResult result;
  bool echo = true;
};

class FakeLogs final : public contracts::LogSink {
 public:
  void write(const std::string& account, const std::string& region, const std::string& group, const std::string& stream,
             std::vector<contracts::LogEvent> events) override {
    const std::lock_guard lock(mutex);
    for (auto& event : events) lines.push_back(account + " " + region + " " + group + " " + stream + " " + event.message);
  }
  async::Task<> flush() override { co_return; }
  std::mutex mutex;
  std::vector<std::string> lines;
};

class FakeMeter final : public contracts::Meter {
 public:
  void count(std::string_view service, std::string_view usage, std::string_view resource, std::uint64_t amount) override {
    const std::lock_guard lock(mutex);
    total += amount;
    last = std::string(service) + " " + std::string(usage) + " " + std::string(resource);
  }
  std::mutex mutex;
  std::uint64_t total = 0;
  std::string last;
};

class Room : public ::testing::Test {
 protected:
  explicit Room(unsigned threads = 1) : loops(threads) {
    call.account = "000000000000";
    call.region = "us-east-1";
    call.host = "localhost:4999";
    make();
  }

  ~Room() override { loops.stop(); }  // before what its coroutines use

  void make() { room = std::make_unique<ApiGateway>(Dependencies{loops, clock, *store, client, invoker, logs, meter}); }

  template <class T>
  T run(async::Task<T> task) {
    return async::run(loops, std::move(task));
  }
  void run(async::Task<> task) { loops.run(std::move(task)); }
  // The code and message of the fault that `task` ends with.
  template <class T>
  std::string fault(async::Task<T> task) {
    try {
      run(std::move(task));
      return "none";
    } catch (const wire::Fault& caught) {
      return caught.code() + ": " + caught.message();
    }
  }

  std::string create_api(std::optional<std::string> target = {}) {
    aws2::CreateApiRequest request;
    request.Name = "test";
    request.ProtocolType = "HTTP";
    request.Target = target;
    return *run(room->CreateApi(call, request)).ApiId;
  }
  std::string create_integration(const std::string& api, std::string format = "2.0") {
    aws2::CreateIntegrationRequest request;
    request.ApiId = api;
    request.IntegrationType = "AWS_PROXY";
    request.IntegrationUri = kFunction;
    request.PayloadFormatVersion = format;
    return *run(room->CreateIntegration(call, request)).IntegrationId;
  }
  std::string create_route(const std::string& api, const std::string& key, const std::string& integration = {}) {
    aws2::CreateRouteRequest request;
    request.ApiId = api;
    request.RouteKey = key;
    if (!integration.empty()) request.Target = "integrations/" + integration;
    return *run(room->CreateRoute(call, request)).RouteId;
  }
  void create_stage(const std::string& api, const std::string& name, bool automatic = true,
                    aws2::CreateStageRequest request = {}) {
    request.ApiId = api;
    request.StageName = name;
    request.AutoDeploy = automatic;
    run(room->CreateStage(call, request));
  }
  void deploy(const std::string& api, const std::string& stage) {
    aws2::CreateDeploymentRequest request;
    request.ApiId = api;
    request.StageName = stage;
    run(room->CreateDeployment(call, request));
  }

  static http::Request request_to(const std::string& api, const std::string& target, const std::string& method = "GET") {
    http::Request request;
    request.method = method;
    request.target = target;
    request.headers.add("Host", api + ".execute-api.localhost:4999");
    request.remote_address = "127.0.0.1";
    request.local_port = 4999;
    return request;
  }
  http::Response send(http::Request request) {
    const auto target = ApiGateway::target_of(request);
    if (!target) throw std::runtime_error("not a request to an API");
    return run(room->serve(std::move(request), *target));
  }
  http::Response get(const std::string& api, const std::string& target, const std::string& method = "GET") {
    return send(request_to(api, target, method));
  }

  static constexpr const char* kFunction = "arn:aws:lambda:us-east-1:000000000000:function:hello";

  async::Loops loops;
  base::Clock clock;
  std::unique_ptr<store::Store> store = store::open_memory();
  http::Client client{loops};
  FakeInvoker invoker;
  FakeLogs logs;
  FakeMeter meter;
  wire::Call call;
  std::unique_ptr<ApiGateway> room;
};

}  // namespace lambari::apigateway::testing
