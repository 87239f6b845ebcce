// The ordered chain a request passes, from parsed HTTP to an HTTP answer.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "contracts/authorizer.h"
#include "contracts/credentials.h"
#include "front/admin.h"
#include "front/authenticate.h"
#include "front/backstage.h"
#include "front/door.h"
#include "front/metrics.h"
#include "http/message.h"
#include "wire/router.h"

namespace lambari::front {

struct NamedDoor {
  std::string name;  // in metrics and logs: "execute-api"
  Door* door = nullptr;
};

struct Dependencies {
  const wire::Router& router;
  std::vector<NamedDoor> doors;  // asked in this order
  contracts::Credentials& credentials;
  contracts::Authorizer& authorizer;
  base::Clock& clock;
  Backstage& backstage;
  Auth auth = Auth::strict;
  std::string default_region = "us-east-1";
  std::string default_account = "000000000000";
  // Makes a fault of an exception that the front does not know (a full disk), or gives nothing.
  std::function<std::optional<wire::Fault>(const std::exception&)> explain = {};
};

// Thread-safe. What it is given outlives it.
class Chain {
 public:
  explicit Chain(Dependencies dependencies);

  async::Task<http::Response> serve(http::Request request);
  // For http::Server: how large the body behind this head may be.
  std::size_t body_limit(const http::Request& head) const;

  const Metrics& metrics() const { return metrics_; }

 private:
  struct Record;
  async::Task<http::Response> through_door(std::size_t index, http::Request request);
  async::Task<http::Response> api_call(http::Request request);
  async::Task<http::Response> answer(http::Request& request, const wire::Match& match, Record& record);
  wire::Fault fault_of(std::exception_ptr thrown, const Record& record) const;

  Dependencies given_;
  Metrics metrics_;
  Authenticator authenticator_;
  Admin admin_;
};

}  // namespace lambari::front
