// Generated from the pinned API model. Not edited, not committed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "wire/fault.h"
#include "wire/shape.h"

namespace lambari::aws::sts {

struct GetCallerIdentityRequest;
struct GetCallerIdentityResponse;
struct PolicyDescriptorType;
struct Tag;
struct ProvidedContext;
struct AssumeRoleRequest;
struct Credentials;
struct AssumedRoleUser;
struct AssumeRoleResponse;
struct MalformedPolicyDocumentExceptionFields;
struct PackedPolicyTooLargeExceptionFields;
struct RegionDisabledExceptionFields;
struct ExpiredTokenExceptionFields;
struct GetSessionTokenRequest;
struct GetSessionTokenResponse;
struct GetFederationTokenRequest;
struct FederatedUser;
struct GetFederationTokenResponse;
struct GetAccessKeyInfoRequest;
struct GetAccessKeyInfoResponse;
struct DecodeAuthorizationMessageRequest;
struct DecodeAuthorizationMessageResponse;
struct InvalidAuthorizationMessageExceptionFields;

struct GetCallerIdentityRequest {
};

struct GetCallerIdentityResponse {
  std::optional<std::string> UserId;
  std::optional<std::string> Account;
  std::optional<std::string> Arn;
};

struct PolicyDescriptorType {
  std::optional<std::string> arn;
};

struct Tag {
  std::string Key;
  std::string Value;
};

struct ProvidedContext {
  std::optional<std::string> ProviderArn;
  std::optional<std::string> ContextAssertion;
};

struct AssumeRoleRequest {
  std::string RoleArn;
  std::string RoleSessionName;
  std::optional<std::vector<::lambari::aws::sts::PolicyDescriptorType>> PolicyArns;
  std::optional<std::string> Policy;
  std::optional<std::int32_t> DurationSeconds;
  std::optional<std::vector<::lambari::aws::sts::Tag>> Tags;
  std::optional<std::vector<std::string>> TransitiveTagKeys;
  std::optional<std::string> ExternalId;
  std::optional<std::string> SerialNumber;
  std::optional<std::string> TokenCode;
  std::optional<std::string> SourceIdentity;
  std::optional<std::vector<::lambari::aws::sts::ProvidedContext>> ProvidedContexts;
  std::optional<std::int32_t> MinimumSessionTokenSize;
};

struct Credentials {
  std::string AccessKeyId;
  std::string SecretAccessKey;
  std::string SessionToken;
  base::Timestamp Expiration;
};

struct AssumedRoleUser {
  std::string AssumedRoleId;
  std::string Arn;
};

struct AssumeRoleResponse {
  std::optional<::lambari::aws::sts::Credentials> Credentials;
  std::optional<::lambari::aws::sts::AssumedRoleUser> AssumedRoleUser;
  std::optional<std::int32_t> PackedPolicySize;
  std::optional<std::string> SourceIdentity;
  std::optional<std::int32_t> SessionTokenUtilization;
  std::optional<std::int32_t> SessionTokenSize;
};

struct MalformedPolicyDocumentExceptionFields {
  std::optional<std::string> message;
};

struct PackedPolicyTooLargeExceptionFields {
  std::optional<std::string> message;
};

struct RegionDisabledExceptionFields {
  std::optional<std::string> message;
};

struct ExpiredTokenExceptionFields {
  std::optional<std::string> message;
};

struct GetSessionTokenRequest {
  std::optional<std::int32_t> DurationSeconds;
  std::optional<std::string> SerialNumber;
  std::optional<std::string> TokenCode;
  std::optional<std::int32_t> MinimumSessionTokenSize;
};

struct GetSessionTokenResponse {
  std::optional<::lambari::aws::sts::Credentials> Credentials;
  std::optional<std::int32_t> SessionTokenUtilization;
  std::optional<std::int32_t> SessionTokenSize;
};

struct GetFederationTokenRequest {
  std::string Name;
  std::optional<std::string> Policy;
  std::optional<std::vector<::lambari::aws::sts::PolicyDescriptorType>> PolicyArns;
  std::optional<std::int32_t> DurationSeconds;
  std::optional<std::vector<::lambari::aws::sts::Tag>> Tags;
  std::optional<std::int32_t> MinimumSessionTokenSize;
};

struct FederatedUser {
  std::string FederatedUserId;
  std::string Arn;
};

struct GetFederationTokenResponse {
  std::optional<::lambari::aws::sts::Credentials> Credentials;
  std::optional<::lambari::aws::sts::FederatedUser> FederatedUser;
  std::optional<std::int32_t> PackedPolicySize;
  std::optional<std::int32_t> SessionTokenUtilization;
  std::optional<std::int32_t> SessionTokenSize;
};

struct GetAccessKeyInfoRequest {
  std::string AccessKeyId;
};

struct GetAccessKeyInfoResponse {
  std::optional<std::string> Account;
};

struct DecodeAuthorizationMessageRequest {
  std::string EncodedMessage;
};

struct DecodeAuthorizationMessageResponse {
  std::optional<std::string> DecodedMessage;
};

struct InvalidAuthorizationMessageExceptionFields {
  std::optional<std::string> message;
};

struct MalformedPolicyDocumentException : wire::Fault {
  explicit MalformedPolicyDocumentException(std::string message) : wire::Fault("MalformedPolicyDocument", std::move(message), 400) {
    fields.message = this->message();
  }
  const wire::Shape* shape() const override;
  const void* value() const override { return &fields; }
  MalformedPolicyDocumentExceptionFields fields;
};

struct PackedPolicyTooLargeException : wire::Fault {
  explicit PackedPolicyTooLargeException(std::string message) : wire::Fault("PackedPolicyTooLarge", std::move(message), 400) {
    fields.message = this->message();
  }
  const wire::Shape* shape() const override;
  const void* value() const override { return &fields; }
  PackedPolicyTooLargeExceptionFields fields;
};

struct RegionDisabledException : wire::Fault {
  explicit RegionDisabledException(std::string message) : wire::Fault("RegionDisabledException", std::move(message), 403) {
    fields.message = this->message();
  }
  const wire::Shape* shape() const override;
  const void* value() const override { return &fields; }
  RegionDisabledExceptionFields fields;
};

struct ExpiredTokenException : wire::Fault {
  explicit ExpiredTokenException(std::string message) : wire::Fault("ExpiredTokenException", std::move(message), 400) {
    fields.message = this->message();
  }
  const wire::Shape* shape() const override;
  const void* value() const override { return &fields; }
  ExpiredTokenExceptionFields fields;
};

struct InvalidAuthorizationMessageException : wire::Fault {
  explicit InvalidAuthorizationMessageException(std::string message) : wire::Fault("InvalidAuthorizationMessageException", std::move(message), 400) {
    fields.message = this->message();
  }
  const wire::Shape* shape() const override;
  const void* value() const override { return &fields; }
  InvalidAuthorizationMessageExceptionFields fields;
};

}  // namespace lambari::aws::sts
