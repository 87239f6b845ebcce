// Function URLs: their configuration, and the calls that come through them.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
#pragma once

#include <string>

#include "aws/lambda/types.h"
#include "http/message.h"
#include "services/lambda/house.h"
#include "services/lambda/operations.h"
#include "services/lambda/url_model.h"

namespace lambari::lambda {

// Thread-safe.
class FunctionUrls {
 public:
  FunctionUrls(House& house, Invocations& invocations) : house_(house), invocations_(invocations) {}

  async::Task<aws::lambda::CreateFunctionUrlConfigResponse> create(const wire::Call& call,
                                                                   aws::lambda::CreateFunctionUrlConfigRequest request);
  async::Task<aws::lambda::GetFunctionUrlConfigResponse> get(const wire::Call& call,
                                                             aws::lambda::GetFunctionUrlConfigRequest request);
  async::Task<aws::lambda::UpdateFunctionUrlConfigResponse> update(const wire::Call& call,
                                                                   aws::lambda::UpdateFunctionUrlConfigRequest request);
  async::Task<> remove(const wire::Call& call, aws::lambda::DeleteFunctionUrlConfigRequest request);
  async::Task<aws::lambda::ListFunctionUrlConfigsResponse> list(const wire::Call& call,
                                                                aws::lambda::ListFunctionUrlConfigsRequest request);

  // A call to the URL that `place` names: preflight, size, who calls, may they, the function, its answer as a response.
  async::Task<http::Response> serve(http::Request request, UrlPlace place);

 private:
  async::Task<http::Response> answer(http::Request& request, const UrlPlace& place, const FunctionUrl& url,
                                     const std::string& request_id);
  // Throws wire::Fault.
  async::Task<contracts::Principal> authenticate(http::Request& request, const FunctionUrl& url);
  async::Task<> authorize(const contracts::Principal& caller, const FunctionUrl& url, const Target& target);

  House& house_;
  Invocations& invocations_;
};

}  // namespace lambari::lambda
