// Generated from the pinned API model. Not edited, not committed.
#pragma once

#include "async/task.h"
#include "aws/sts/types.h"
#include "wire/service.h"

namespace lambari::aws::sts {

extern const wire::ServiceModel kModel;

// One function for each operation that models/services.json lists; the others answer 501.
class AbstractService : public wire::Service {
 public:
  const wire::ServiceModel& model() const override { return kModel; }

  virtual async::Task<::lambari::aws::sts::GetCallerIdentityResponse> GetCallerIdentity(const wire::Call& call, ::lambari::aws::sts::GetCallerIdentityRequest request) = 0;
  virtual async::Task<::lambari::aws::sts::AssumeRoleResponse> AssumeRole(const wire::Call& call, ::lambari::aws::sts::AssumeRoleRequest request) = 0;
  virtual async::Task<::lambari::aws::sts::GetSessionTokenResponse> GetSessionToken(const wire::Call& call, ::lambari::aws::sts::GetSessionTokenRequest request) = 0;
  virtual async::Task<::lambari::aws::sts::GetFederationTokenResponse> GetFederationToken(const wire::Call& call, ::lambari::aws::sts::GetFederationTokenRequest request) = 0;
  virtual async::Task<::lambari::aws::sts::GetAccessKeyInfoResponse> GetAccessKeyInfo(const wire::Call& call, ::lambari::aws::sts::GetAccessKeyInfoRequest request) = 0;
  virtual async::Task<::lambari::aws::sts::DecodeAuthorizationMessageResponse> DecodeAuthorizationMessage(const wire::Call& call, ::lambari::aws::sts::DecodeAuthorizationMessageRequest request) = 0;
};

}  // namespace lambari::aws::sts
