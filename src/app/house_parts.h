// Everything the house holds, in order of construction. Private to app.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/directory.h"
#include "app/held_address.h"
#include "app/house.h"
#include "app/meter.h"
#include "app/meter_book.h"
#include "app/proxy.h"
#include "app/settings.h"
#include "app/signals.h"
#include "async/loops.h"
#include "base/clock.h"
#include "base/json.h"
#include "blobs/blobs.h"
#include "contracts/authorizer.h"
#include "delivery/targets.h"
#include "front/backstage.h"
#include "front/chain.h"
#include "front/door.h"
#include "http/client.h"
#include "http/server.h"
#include "sandbox/sandbox.h"
#include "services/apigateway/service.h"
#include "services/dynamodb/service.h"
#include "services/iam/service.h"
#include "services/lambda/service.h"
#include "services/logs/service.h"
#include "services/sns/service.h"
#include "services/sqs/service.h"
#include "store/engines.h"
#include "trust/authority.h"
#include "trust/bundle.h"
#include "wire/router.h"

namespace lambari::app {

// Deployed HTTP APIs, as a door of the front.
class ExecuteApi final : public front::Door {
 public:
  explicit ExecuteApi(apigateway::ApiGateway& gateway) : gateway_(gateway) {}
  bool owns(const http::Request& head) const override { return apigateway::ApiGateway::target_of(head).has_value(); }
  async::Task<http::Response> serve(http::Request request) override;
  std::size_t body_limit() const override { return apigateway::ApiGateway::kBodyLimit; }

 private:
  apigateway::ApiGateway& gateway_;
};

// The links in SNS messages, which are followed without a signature.
class SnsLinks final : public front::Door {
 public:
  explicit SnsLinks(sns::Sns& sns) : sns_(sns) {}
  bool owns(const http::Request& head) const override { return sns::Sns::is_link(head); }
  async::Task<http::Response> serve(http::Request request) override;
  std::size_t body_limit() const override { return 0; }

 private:
  sns::Sns& sns_;
};

// Function URLs, likewise.
class LambdaUrl final : public front::Door {
 public:
  explicit LambdaUrl(lambda::Lambda& lambda) : lambda_(lambda) {}
  bool owns(const http::Request& head) const override { return lambda::Lambda::url_place(head).has_value(); }
  async::Task<http::Response> serve(http::Request request) override;
  std::size_t body_limit() const override { return lambda::Lambda::kUrlBodyLimit; }

 private:
  lambda::Lambda& lambda_;
};

struct Service {
  wire::Service* api;
  contracts::Room* room;  // nullptr where another entry has it
};

struct House::Parts final : front::Backstage {
  Parts(Settings chosen, std::string version);
  ~Parts() override;

  const Settings settings;
  const std::string version;
  const std::chrono::steady_clock::time_point born = std::chrono::steady_clock::now();
  std::unique_ptr<HeldAddress> held;
  const std::uint16_t port;
  std::unique_ptr<HeldAddress> held_beside;  // [::1], beside 127.0.0.1, where there is IPv6
  const Directory directory;
  const std::unique_ptr<trust::Authority> authority_;
  const trust::Files trusted;  // what clients are given
  base::Clock clock;
  Meter meter;
  contracts::OpenAuthorizer open_authorizer;
  async::Loops loops;
  std::unique_ptr<store::Store> store;
  MeterBook book;
  Ending ending;
  blobs::Blobs function_blobs;
  blobs::Blobs message_blobs;
  http::Client client;
  std::unique_ptr<front::Chain> chain;  // made last; the servers ask it only once they listen
  http::Server server;
  http::Server inner;  // for functions: they call AWS until the last of them is done, after `server` took its last request
  std::unique_ptr<sandbox::Sandbox> sandbox;
  iam::Iam iam;
  logs::Logs logs;
  delivery::Targets targets;  // filled when the rooms are made
  sqs::Sqs sqs;
  dynamodb::DynamoDb dynamodb;
  lambda::Lambda lambda;
  apigateway::ApiGateway apigateway;
  ExecuteApi execute_api;
  LambdaUrl lambda_url;
  sns::Sns sns;
  SnsLinks sns_links;
  const std::vector<Service> services;
  wire::Router router;

  http::Handler handler();
  http::Handler public_handler();  // lambari as a proxy too
  ProxyRules proxy_rules() const { return {.any = settings.proxy_any, .own_port = port}; }
  std::function<std::size_t(const http::Request&)> body_limit();
  contracts::Authorizer& authorizer();
  std::vector<wire::Service*> apis() const;
  async::Task<> start_rooms();
  async::Task<> stop_rooms();

  // front::Backstage
  base::json::object health() const override;
  base::json::object status() const override;
  async::Task<base::json::object> doctor() override;
  base::json::object cost() const override;
  base::json::object outbox(std::size_t limit) override;
  std::string metrics() const override;
  std::string authority() const override { return authority_->pem(); }
  void stop() override;
  async::Task<> nuke() override;
  async::Task<std::optional<std::string>> package(const std::string& token) override;
};

sandbox::Options sandbox_options(const Settings& settings, const std::filesystem::path& directory, std::uint16_t port);
// Capabilities and runtimes, into the doctor's document.
void describe(const sandbox::Sandbox& sandbox, base::json::object& findings);
// What clients are told of exceptions that come from under the rooms.
std::optional<wire::Fault> explain(const std::exception& error);
async::Task<http::Response> no_requests(http::Request request);

}  // namespace lambari::app
