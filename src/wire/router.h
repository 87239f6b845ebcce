// Which service and operation an HTTP request means: from X-Amz-Target, rpc-v2 path, Action parameter, credential scope, host
// (queue.localhost, lambda.us-east-1.amazonaws.com) and method plus path, in the way each protocol says.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/message.h"
#include "wire/service.h"

namespace lambari::wire {

struct Match {
  Service* service = nullptr;
  const ServiceModel* model = nullptr;
  const Operation* operation = nullptr;  // nullptr: the service is known, the operation is not: answer UnknownOperationException
  Protocol protocol = Protocol::rest_json;
  // Labels of the URI template, percent-decoded: {FunctionName} -> "hello".
  std::vector<std::pair<std::string, std::string>> labels;
  std::string region;  // from scope or host; empty when neither tells
};

// Immutable after construction; thread-safe.
class Router {
 public:
  // `services` outlive the router.
  explicit Router(std::vector<Service*> services);
  ~Router();

  // Nothing when no service is meant. Services that share a path (lambda, apigateway) are told apart by the signing name in
  // the credential scope, then by host; a path that only one of them has needs neither.
  std::optional<Match> match(const http::Request& request) const;

  // Call-by-name, for integrations inside the program. nullptr when there is none.
  Service* service(std::string_view name) const;
  static const Operation* operation(const ServiceModel& model, std::string_view name);
  const std::vector<Service*>& services() const;

 private:
  struct Table;
  std::unique_ptr<const Table> table_;
};

}  // namespace lambari::wire
