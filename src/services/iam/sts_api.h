// The operations of STS, over the room's state.
#pragma once

#include "aws/sts/api.h"
#include "services/iam/state.h"

namespace lambari::iam {

class StsApi final : public aws::sts::AbstractService {
 public:
  explicit StsApi(State& state) : state_(state) {}

  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  async::Task<aws::sts::GetCallerIdentityResponse> GetCallerIdentity(const wire::Call& call,
                                                                     aws::sts::GetCallerIdentityRequest request) override;
  async::Task<aws::sts::AssumeRoleResponse> AssumeRole(const wire::Call& call, aws::sts::AssumeRoleRequest request) override;
  async::Task<aws::sts::GetSessionTokenResponse> GetSessionToken(const wire::Call& call,
                                                                 aws::sts::GetSessionTokenRequest request) override;
  async::Task<aws::sts::GetFederationTokenResponse> GetFederationToken(const wire::Call& call,
                                                                       aws::sts::GetFederationTokenRequest request) override;
  async::Task<aws::sts::GetAccessKeyInfoResponse> GetAccessKeyInfo(const wire::Call& call,
                                                                   aws::sts::GetAccessKeyInfoRequest request) override;
  async::Task<aws::sts::DecodeAuthorizationMessageResponse> DecodeAuthorizationMessage(
      const wire::Call& call, aws::sts::DecodeAuthorizationMessageRequest request) override;

 private:
  State& state_;
};

}  // namespace lambari::iam
