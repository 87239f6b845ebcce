// The operations of asynchronous invocation: how a function's events are retried, and where their ends are told.
#pragma once

#include <string>

#include "aws/lambda/types.h"
#include "services/lambda/house.h"

namespace lambari::lambda {

// async_config.cc
class EventInvokeConfigs {
 public:
  explicit EventInvokeConfigs(House& house) : house_(house) {}
  async::Task<aws::lambda::FunctionEventInvokeConfig> put(const wire::Call& call,
                                                          aws::lambda::PutFunctionEventInvokeConfigRequest request);
  async::Task<aws::lambda::FunctionEventInvokeConfig> update(const wire::Call& call,
                                                             aws::lambda::UpdateFunctionEventInvokeConfigRequest request);
  async::Task<aws::lambda::FunctionEventInvokeConfig> get(const wire::Call& call,
                                                          aws::lambda::GetFunctionEventInvokeConfigRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::DeleteFunctionEventInvokeConfigRequest request);
  async::Task<aws::lambda::ListFunctionEventInvokeConfigsResponse> list(
      const wire::Call& call, aws::lambda::ListFunctionEventInvokeConfigsRequest request);

 private:
  House& house_;
};

// Of DeadLetterConfig in a create or an update: "" or the ARN of a queue or topic. Throws InvalidParameterValueException.
std::string dead_letter_target(const std::optional<aws::lambda::DeadLetterConfig>& config);
// Throws InvalidParameterValueException when nothing here delivers to `arn`, or the role may not.
async::Task<> check_dead_letter(House& house, std::string role, std::string arn);
// Likewise of a destination of the function's records; "" is none.
async::Task<> check_destination(House& house, FunctionKey key, std::string role, std::string arn);

}  // namespace lambari::lambda
