#include "wire/service.h"

#include <fmt/format.h>

#include "wire/call.h"

namespace lambari::wire {

std::string Call::arn(std::string_view service, std::string_view rest) const {
  return fmt::format("arn:aws:{}:{}:{}:{}", service, region, account, rest);
}

async::Task<contracts::AccessRequest> Service::access(const Call&, const Operation& operation, const void*) {
  contracts::AccessRequest request;
  request.action = fmt::format("{}:{}", model().signing_name, operation.name);
  request.resources = {"*"};
  co_return request;
}

}  // namespace lambari::wire
