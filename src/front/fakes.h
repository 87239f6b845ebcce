// What the tests of the front stand on: services made by hand, fixed keys, a backstage that counts. Not part of the program.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "contracts/authorizer.h"
#include "contracts/credentials.h"
#include "front/backstage.h"
#include "front/door.h"
#include "wire/service.h"

namespace lambari::front::fakes {

// The room behind every operation below: counts calls, remembers the last, throws what it is told to.
class Room final : public wire::Service {
 public:
  explicit Room(const wire::ServiceModel& model) : model_(model) {}
  const wire::ServiceModel& model() const override { return model_; }
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override {
    if (free) co_return contracts::AccessRequest{};
    co_return co_await wire::Service::access(call, operation, request);
  }

  int calls = 0;
  wire::Call last;
  bool free = false;  // its operations need no permission
  std::optional<wire::Fault> fault;
  bool break_down = false;

 private:
  const wire::ServiceModel& model_;
};

inline async::Task<wire::Value> run(wire::Service& service, const wire::Call& call, void*) {
  auto& room = static_cast<Room&>(service);
  ++room.calls;
  room.last = call;
  if (room.fault) throw *room.fault;
  if (room.break_down) throw std::runtime_error("/home/secret/path exploded");
  co_return wire::Value(nullptr, [](void*) {});
}

inline wire::Value nothing() {
  return wire::Value(nullptr, [](void*) {});
}

inline const wire::Operation kGetThing{
    .name = "GetThing", .method = "POST", .uri = "/", .served = true, .make_request = nothing, .invoke = run};
inline const std::vector<wire::Operation> kQueryOperations = {
    kGetThing,
    {.name = "OpenThing",
     .method = "POST",
     .uri = "/",
     .auth_type = "none",
     .served = true,
     .make_request = nothing,
     .invoke = run},
    {.name = "LaterThing", .method = "POST", .uri = "/"},
};
inline const std::vector<wire::Operation> kJsonOperations = {kGetThing};
inline const std::vector<wire::Operation> kRestOperations = {
    {.name = "GetLeaf", .method = "GET", .uri = "/2015-03-31/leaves", .served = true, .make_request = nothing, .invoke = run},
    {.name = "InvokeAsync", .method = "POST", .uri = "/2014-11-13/leaves/invoke-async"},
};
inline constexpr wire::Protocol kQuery[] = {wire::Protocol::query};
inline constexpr wire::Protocol kJson[] = {wire::Protocol::json_1_1};
inline constexpr wire::Protocol kRest[] = {wire::Protocol::rest_json};

inline const wire::ServiceModel kThings{.name = "things",
                                        .id = "Things",
                                        .endpoint_prefix = "things",
                                        .signing_name = "things",
                                        .api_version = "2011-06-15",
                                        .xml_namespace = "https://things/",
                                        .protocols = kQuery,
                                        .operations = kQueryOperations};
inline const wire::ServiceModel kRecords{.name = "records",
                                         .id = "Records",
                                         .endpoint_prefix = "records",
                                         .signing_name = "records",
                                         .api_version = "2014-03-28",
                                         .target_prefix = "Records_20140328",
                                         .protocols = kJson,
                                         .operations = kJsonOperations};
inline const wire::ServiceModel kLeaves{.name = "leaves",
                                        .id = "Leaves",
                                        .endpoint_prefix = "leaves",
                                        .signing_name = "leaves",
                                        .api_version = "2015-03-31",
                                        .protocols = kRest,
                                        .operations = kRestOperations};

class Keys final : public contracts::Credentials {
 public:
  std::map<std::string, contracts::Secret> keys;

  async::Task<std::optional<contracts::Secret>> find(const std::string& id) override {
    auto found = keys.find(id);
    if (found == keys.end()) co_return std::nullopt;
    co_return found->second;
  }
  async::Task<std::optional<contracts::TemporaryCredentials>> assume_for_service(const std::string&, const std::string&,
                                                                                 const std::string&) override {
    co_return std::nullopt;
  }
};

class Judge final : public contracts::Authorizer {
 public:
  bool allow = true;
  std::vector<std::string> asked;

  async::Task<contracts::Decision> authorize(const contracts::Principal&, const contracts::AccessRequest& request) override {
    asked.push_back(request.action);
    co_return contracts::Decision{allow, "User: nobody is not authorized to perform: " + request.action};
  }
};

class Scene final : public Backstage {
 public:
  int stops = 0, nukes = 0;

  base::json::object health() const override { return {{"services", {{"things", "running"}}}, {"version", "1"}}; }
  base::json::object status() const override { return {{"pid", 1}}; }
  async::Task<base::json::object> doctor() override { co_return base::json::object{{"capabilities", base::json::array()}}; }
  base::json::object outbox(std::size_t limit) override { return {{"messages", base::json::array()}, {"limit", limit}}; }
  base::json::object cost() const override { return {{"usage", base::json::array()}}; }
  std::string metrics() const override { return "extra 1\n"; }
  std::string authority() const override { return "-----BEGIN CERTIFICATE-----\n"; }
  void stop() override { ++stops; }
  async::Task<> nuke() override {
    ++nukes;
    co_return;
  }
  async::Task<std::optional<std::string>> package(const std::string& token) override {
    if (token == "good") co_return "zip";
    co_return std::nullopt;
  }
};

class OwnHost final : public Door {
 public:
  bool break_down = false;
  bool owns(const http::Request& head) const override { return head.host() == "api.execute-api.localhost"; }
  async::Task<http::Response> serve(http::Request request) override {
    if (break_down) throw std::runtime_error("/home/secret/path exploded");
    http::Response response;
    response.body = "door " + request.method + " " + request.target;
    co_return response;
  }
  std::size_t body_limit() const override { return 1234; }
};

}  // namespace lambari::front::fakes
