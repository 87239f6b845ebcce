// Generated from the pinned API model. Not edited, not committed.
#include "aws/sts/api.h"

namespace lambari::aws::sts {
namespace {

const wire::Shape* shape_GetCallerIdentityRequest();
const wire::Shape* shape_GetCallerIdentityResponse();
const wire::Shape* shape_arnType();
const wire::Shape* shape_accountType();
const wire::Shape* shape_userIdType();
const wire::Shape* shape_AssumeRoleRequest();
const wire::Shape* shape_minimumSessionTokenSizeType();
const wire::Shape* shape_ProvidedContextsListType();
const wire::Shape* shape_ProvidedContext();
const wire::Shape* shape_contextAssertionType();
const wire::Shape* shape_sourceIdentityType();
const wire::Shape* shape_tokenCodeType();
const wire::Shape* shape_serialNumberType();
const wire::Shape* shape_externalIdType();
const wire::Shape* shape_tagKeyListType();
const wire::Shape* shape_tagKeyType();
const wire::Shape* shape_tagListType();
const wire::Shape* shape_Tag();
const wire::Shape* shape_tagValueType();
const wire::Shape* shape_roleDurationSecondsType();
const wire::Shape* shape_unrestrictedSessionPolicyDocumentType();
const wire::Shape* shape_policyDescriptorListType();
const wire::Shape* shape_PolicyDescriptorType();
const wire::Shape* shape_roleSessionNameType();
const wire::Shape* shape_AssumeRoleResponse();
const wire::Shape* shape_sessionTokenSizeType();
const wire::Shape* shape_sessionTokenUtilizationType();
const wire::Shape* shape_nonNegativeIntegerType();
const wire::Shape* shape_AssumedRoleUser();
const wire::Shape* shape_assumedRoleIdType();
const wire::Shape* shape_Credentials();
const wire::Shape* shape_dateType();
const wire::Shape* shape_tokenType();
const wire::Shape* shape_accessKeySecretType();
const wire::Shape* shape_accessKeyIdType();
const wire::Shape* shape_MalformedPolicyDocumentException();
const wire::Shape* shape_malformedPolicyDocumentMessage();
const wire::Shape* shape_PackedPolicyTooLargeException();
const wire::Shape* shape_packedPolicyTooLargeMessage();
const wire::Shape* shape_RegionDisabledException();
const wire::Shape* shape_regionDisabledMessage();
const wire::Shape* shape_ExpiredTokenException();
const wire::Shape* shape_expiredIdentityTokenMessage();
const wire::Shape* shape_GetSessionTokenRequest();
const wire::Shape* shape_durationSecondsType();
const wire::Shape* shape_GetSessionTokenResponse();
const wire::Shape* shape_GetFederationTokenRequest();
const wire::Shape* shape_sessionPolicyDocumentType();
const wire::Shape* shape_userNameType();
const wire::Shape* shape_GetFederationTokenResponse();
const wire::Shape* shape_FederatedUser();
const wire::Shape* shape_federatedIdType();
const wire::Shape* shape_GetAccessKeyInfoRequest();
const wire::Shape* shape_GetAccessKeyInfoResponse();
const wire::Shape* shape_DecodeAuthorizationMessageRequest();
const wire::Shape* shape_encodedMessageType();
const wire::Shape* shape_DecodeAuthorizationMessageResponse();
const wire::Shape* shape_decodedMessageType();
const wire::Shape* shape_InvalidAuthorizationMessageException();
const wire::Shape* shape_invalidAuthorizationMessage();

const wire::Shape* shape_GetCallerIdentityRequest() {
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetCallerIdentityRequest"};
  return &shape;
}

const wire::Shape* shape_GetCallerIdentityResponse() {
  static const wire::Member members[] = {
      {.name = "UserId", .wire_name = "UserId", .shape = shape_userIdType, .mutate = wire::access::Of<&GetCallerIdentityResponse::UserId>::mutate, .read = wire::access::Of<&GetCallerIdentityResponse::UserId>::read},
      {.name = "Account", .wire_name = "Account", .shape = shape_accountType, .mutate = wire::access::Of<&GetCallerIdentityResponse::Account>::mutate, .read = wire::access::Of<&GetCallerIdentityResponse::Account>::read},
      {.name = "Arn", .wire_name = "Arn", .shape = shape_arnType, .mutate = wire::access::Of<&GetCallerIdentityResponse::Arn>::mutate, .read = wire::access::Of<&GetCallerIdentityResponse::Arn>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetCallerIdentityResponse", .members = members};
  return &shape;
}

const wire::Shape* shape_arnType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "arnType", .min = 20, .max = 2048, .pattern = R"~~~([\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+)~~~"};
  return &shape;
}

const wire::Shape* shape_accountType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "accountType"};
  return &shape;
}

const wire::Shape* shape_userIdType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "userIdType"};
  return &shape;
}

const wire::Shape* shape_AssumeRoleRequest() {
  static const wire::Member members[] = {
      {.name = "RoleArn", .wire_name = "RoleArn", .required = true, .shape = shape_arnType, .mutate = wire::access::Of<&AssumeRoleRequest::RoleArn>::mutate, .read = wire::access::Of<&AssumeRoleRequest::RoleArn>::read},
      {.name = "RoleSessionName", .wire_name = "RoleSessionName", .required = true, .shape = shape_roleSessionNameType, .mutate = wire::access::Of<&AssumeRoleRequest::RoleSessionName>::mutate, .read = wire::access::Of<&AssumeRoleRequest::RoleSessionName>::read},
      {.name = "PolicyArns", .wire_name = "PolicyArns", .shape = shape_policyDescriptorListType, .mutate = wire::access::Of<&AssumeRoleRequest::PolicyArns>::mutate, .read = wire::access::Of<&AssumeRoleRequest::PolicyArns>::read},
      {.name = "Policy", .wire_name = "Policy", .shape = shape_unrestrictedSessionPolicyDocumentType, .mutate = wire::access::Of<&AssumeRoleRequest::Policy>::mutate, .read = wire::access::Of<&AssumeRoleRequest::Policy>::read},
      {.name = "DurationSeconds", .wire_name = "DurationSeconds", .shape = shape_roleDurationSecondsType, .mutate = wire::access::Of<&AssumeRoleRequest::DurationSeconds>::mutate, .read = wire::access::Of<&AssumeRoleRequest::DurationSeconds>::read},
      {.name = "Tags", .wire_name = "Tags", .shape = shape_tagListType, .mutate = wire::access::Of<&AssumeRoleRequest::Tags>::mutate, .read = wire::access::Of<&AssumeRoleRequest::Tags>::read},
      {.name = "TransitiveTagKeys", .wire_name = "TransitiveTagKeys", .shape = shape_tagKeyListType, .mutate = wire::access::Of<&AssumeRoleRequest::TransitiveTagKeys>::mutate, .read = wire::access::Of<&AssumeRoleRequest::TransitiveTagKeys>::read},
      {.name = "ExternalId", .wire_name = "ExternalId", .shape = shape_externalIdType, .mutate = wire::access::Of<&AssumeRoleRequest::ExternalId>::mutate, .read = wire::access::Of<&AssumeRoleRequest::ExternalId>::read},
      {.name = "SerialNumber", .wire_name = "SerialNumber", .shape = shape_serialNumberType, .mutate = wire::access::Of<&AssumeRoleRequest::SerialNumber>::mutate, .read = wire::access::Of<&AssumeRoleRequest::SerialNumber>::read},
      {.name = "TokenCode", .wire_name = "TokenCode", .shape = shape_tokenCodeType, .mutate = wire::access::Of<&AssumeRoleRequest::TokenCode>::mutate, .read = wire::access::Of<&AssumeRoleRequest::TokenCode>::read},
      {.name = "SourceIdentity", .wire_name = "SourceIdentity", .shape = shape_sourceIdentityType, .mutate = wire::access::Of<&AssumeRoleRequest::SourceIdentity>::mutate, .read = wire::access::Of<&AssumeRoleRequest::SourceIdentity>::read},
      {.name = "ProvidedContexts", .wire_name = "ProvidedContexts", .shape = shape_ProvidedContextsListType, .mutate = wire::access::Of<&AssumeRoleRequest::ProvidedContexts>::mutate, .read = wire::access::Of<&AssumeRoleRequest::ProvidedContexts>::read},
      {.name = "MinimumSessionTokenSize", .wire_name = "MinimumSessionTokenSize", .shape = shape_minimumSessionTokenSizeType, .mutate = wire::access::Of<&AssumeRoleRequest::MinimumSessionTokenSize>::mutate, .read = wire::access::Of<&AssumeRoleRequest::MinimumSessionTokenSize>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "AssumeRoleRequest", .members = members};
  return &shape;
}

const wire::Shape* shape_minimumSessionTokenSizeType() {
  static const wire::Shape shape = {.kind = wire::Kind::integer, .name = "minimumSessionTokenSizeType", .min = 0, .max = 4096};
  return &shape;
}

const wire::Shape* shape_ProvidedContextsListType() {
  static const wire::Member element = {.name = "member", .wire_name = "member", .shape = shape_ProvidedContext};
  static const wire::Shape shape = {.kind = wire::Kind::list, .name = "ProvidedContextsListType", .element = &element, .min = 1, .max = 5, .count = wire::access::List<::lambari::aws::sts::ProvidedContext>::count, .append = wire::access::List<::lambari::aws::sts::ProvidedContext>::append, .at = wire::access::List<::lambari::aws::sts::ProvidedContext>::at};
  return &shape;
}

const wire::Shape* shape_ProvidedContext() {
  static const wire::Member members[] = {
      {.name = "ProviderArn", .wire_name = "ProviderArn", .shape = shape_arnType, .mutate = wire::access::Of<&ProvidedContext::ProviderArn>::mutate, .read = wire::access::Of<&ProvidedContext::ProviderArn>::read},
      {.name = "ContextAssertion", .wire_name = "ContextAssertion", .shape = shape_contextAssertionType, .mutate = wire::access::Of<&ProvidedContext::ContextAssertion>::mutate, .read = wire::access::Of<&ProvidedContext::ContextAssertion>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "ProvidedContext", .members = members};
  return &shape;
}

const wire::Shape* shape_contextAssertionType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "contextAssertionType", .min = 4, .max = 2048};
  return &shape;
}

const wire::Shape* shape_sourceIdentityType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "sourceIdentityType", .min = 2, .max = 64, .pattern = R"~~~([\w+=,.@-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_tokenCodeType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "tokenCodeType", .min = 6, .max = 6, .pattern = R"~~~([\d]*)~~~"};
  return &shape;
}

const wire::Shape* shape_serialNumberType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "serialNumberType", .min = 9, .max = 256, .pattern = R"~~~([\w+=/:,.@-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_externalIdType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "externalIdType", .min = 2, .max = 1224, .pattern = R"~~~([\w+=,.@:\/-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_tagKeyListType() {
  static const wire::Member element = {.name = "member", .wire_name = "member", .shape = shape_tagKeyType};
  static const wire::Shape shape = {.kind = wire::Kind::list, .name = "tagKeyListType", .element = &element, .max = 50, .count = wire::access::List<std::string>::count, .append = wire::access::List<std::string>::append, .at = wire::access::List<std::string>::at};
  return &shape;
}

const wire::Shape* shape_tagKeyType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "tagKeyType", .min = 1, .max = 128, .pattern = R"~~~([\p{L}\p{Z}\p{N}_.:/=+\-@]+)~~~"};
  return &shape;
}

const wire::Shape* shape_tagListType() {
  static const wire::Member element = {.name = "member", .wire_name = "member", .shape = shape_Tag};
  static const wire::Shape shape = {.kind = wire::Kind::list, .name = "tagListType", .element = &element, .max = 50, .count = wire::access::List<::lambari::aws::sts::Tag>::count, .append = wire::access::List<::lambari::aws::sts::Tag>::append, .at = wire::access::List<::lambari::aws::sts::Tag>::at};
  return &shape;
}

const wire::Shape* shape_Tag() {
  static const wire::Member members[] = {
      {.name = "Key", .wire_name = "Key", .required = true, .shape = shape_tagKeyType, .mutate = wire::access::Of<&Tag::Key>::mutate, .read = wire::access::Of<&Tag::Key>::read},
      {.name = "Value", .wire_name = "Value", .required = true, .shape = shape_tagValueType, .mutate = wire::access::Of<&Tag::Value>::mutate, .read = wire::access::Of<&Tag::Value>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "Tag", .members = members};
  return &shape;
}

const wire::Shape* shape_tagValueType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "tagValueType", .min = 0, .max = 256, .pattern = R"~~~([\p{L}\p{Z}\p{N}_.:/=+\-@]*)~~~"};
  return &shape;
}

const wire::Shape* shape_roleDurationSecondsType() {
  static const wire::Shape shape = {.kind = wire::Kind::integer, .name = "roleDurationSecondsType", .min = 900, .max = 43200};
  return &shape;
}

const wire::Shape* shape_unrestrictedSessionPolicyDocumentType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "unrestrictedSessionPolicyDocumentType", .min = 1, .pattern = R"~~~([\u0009\u000A\u000D\u0020-\u00FF]+)~~~"};
  return &shape;
}

const wire::Shape* shape_policyDescriptorListType() {
  static const wire::Member element = {.name = "member", .wire_name = "member", .shape = shape_PolicyDescriptorType};
  static const wire::Shape shape = {.kind = wire::Kind::list, .name = "policyDescriptorListType", .element = &element, .count = wire::access::List<::lambari::aws::sts::PolicyDescriptorType>::count, .append = wire::access::List<::lambari::aws::sts::PolicyDescriptorType>::append, .at = wire::access::List<::lambari::aws::sts::PolicyDescriptorType>::at};
  return &shape;
}

const wire::Shape* shape_PolicyDescriptorType() {
  static const wire::Member members[] = {
      {.name = "arn", .wire_name = "arn", .shape = shape_arnType, .mutate = wire::access::Of<&PolicyDescriptorType::arn>::mutate, .read = wire::access::Of<&PolicyDescriptorType::arn>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "PolicyDescriptorType", .members = members};
  return &shape;
}

const wire::Shape* shape_roleSessionNameType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "roleSessionNameType", .min = 2, .max = 64, .pattern = R"~~~([\w+=,.@-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_AssumeRoleResponse() {
  static const wire::Member members[] = {
      {.name = "Credentials", .wire_name = "Credentials", .shape = shape_Credentials, .mutate = wire::access::Of<&AssumeRoleResponse::Credentials>::mutate, .read = wire::access::Of<&AssumeRoleResponse::Credentials>::read},
      {.name = "AssumedRoleUser", .wire_name = "AssumedRoleUser", .shape = shape_AssumedRoleUser, .mutate = wire::access::Of<&AssumeRoleResponse::AssumedRoleUser>::mutate, .read = wire::access::Of<&AssumeRoleResponse::AssumedRoleUser>::read},
      {.name = "PackedPolicySize", .wire_name = "PackedPolicySize", .shape = shape_nonNegativeIntegerType, .mutate = wire::access::Of<&AssumeRoleResponse::PackedPolicySize>::mutate, .read = wire::access::Of<&AssumeRoleResponse::PackedPolicySize>::read},
      {.name = "SourceIdentity", .wire_name = "SourceIdentity", .shape = shape_sourceIdentityType, .mutate = wire::access::Of<&AssumeRoleResponse::SourceIdentity>::mutate, .read = wire::access::Of<&AssumeRoleResponse::SourceIdentity>::read},
      {.name = "SessionTokenUtilization", .wire_name = "SessionTokenUtilization", .shape = shape_sessionTokenUtilizationType, .mutate = wire::access::Of<&AssumeRoleResponse::SessionTokenUtilization>::mutate, .read = wire::access::Of<&AssumeRoleResponse::SessionTokenUtilization>::read},
      {.name = "SessionTokenSize", .wire_name = "SessionTokenSize", .shape = shape_sessionTokenSizeType, .mutate = wire::access::Of<&AssumeRoleResponse::SessionTokenSize>::mutate, .read = wire::access::Of<&AssumeRoleResponse::SessionTokenSize>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "AssumeRoleResponse", .members = members};
  return &shape;
}

const wire::Shape* shape_sessionTokenSizeType() {
  static const wire::Shape shape = {.kind = wire::Kind::integer, .name = "sessionTokenSizeType", .min = 0};
  return &shape;
}

const wire::Shape* shape_sessionTokenUtilizationType() {
  static const wire::Shape shape = {.kind = wire::Kind::integer, .name = "sessionTokenUtilizationType", .min = 0};
  return &shape;
}

const wire::Shape* shape_nonNegativeIntegerType() {
  static const wire::Shape shape = {.kind = wire::Kind::integer, .name = "nonNegativeIntegerType", .min = 0};
  return &shape;
}

const wire::Shape* shape_AssumedRoleUser() {
  static const wire::Member members[] = {
      {.name = "AssumedRoleId", .wire_name = "AssumedRoleId", .required = true, .shape = shape_assumedRoleIdType, .mutate = wire::access::Of<&AssumedRoleUser::AssumedRoleId>::mutate, .read = wire::access::Of<&AssumedRoleUser::AssumedRoleId>::read},
      {.name = "Arn", .wire_name = "Arn", .required = true, .shape = shape_arnType, .mutate = wire::access::Of<&AssumedRoleUser::Arn>::mutate, .read = wire::access::Of<&AssumedRoleUser::Arn>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "AssumedRoleUser", .members = members};
  return &shape;
}

const wire::Shape* shape_assumedRoleIdType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "assumedRoleIdType", .min = 2, .max = 193, .pattern = R"~~~([\w+=,.@:-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_Credentials() {
  static const wire::Member members[] = {
      {.name = "AccessKeyId", .wire_name = "AccessKeyId", .required = true, .shape = shape_accessKeyIdType, .mutate = wire::access::Of<&Credentials::AccessKeyId>::mutate, .read = wire::access::Of<&Credentials::AccessKeyId>::read},
      {.name = "SecretAccessKey", .wire_name = "SecretAccessKey", .required = true, .shape = shape_accessKeySecretType, .mutate = wire::access::Of<&Credentials::SecretAccessKey>::mutate, .read = wire::access::Of<&Credentials::SecretAccessKey>::read},
      {.name = "SessionToken", .wire_name = "SessionToken", .required = true, .shape = shape_tokenType, .mutate = wire::access::Of<&Credentials::SessionToken>::mutate, .read = wire::access::Of<&Credentials::SessionToken>::read},
      {.name = "Expiration", .wire_name = "Expiration", .required = true, .shape = shape_dateType, .mutate = wire::access::Of<&Credentials::Expiration>::mutate, .read = wire::access::Of<&Credentials::Expiration>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "Credentials", .members = members};
  return &shape;
}

const wire::Shape* shape_dateType() {
  static const wire::Shape shape = {.kind = wire::Kind::timestamp, .name = "dateType"};
  return &shape;
}

const wire::Shape* shape_tokenType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "tokenType"};
  return &shape;
}

const wire::Shape* shape_accessKeySecretType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "accessKeySecretType", .sensitive = true};
  return &shape;
}

const wire::Shape* shape_accessKeyIdType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "accessKeyIdType", .min = 16, .max = 128, .pattern = R"~~~([\w]*)~~~"};
  return &shape;
}

const wire::Shape* shape_MalformedPolicyDocumentException() {
  static const wire::Member members[] = {
      {.name = "message", .wire_name = "message", .shape = shape_malformedPolicyDocumentMessage, .mutate = wire::access::Of<&MalformedPolicyDocumentExceptionFields::message>::mutate, .read = wire::access::Of<&MalformedPolicyDocumentExceptionFields::message>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "MalformedPolicyDocumentException", .members = members};
  return &shape;
}

const wire::Shape* shape_malformedPolicyDocumentMessage() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "malformedPolicyDocumentMessage"};
  return &shape;
}

const wire::Shape* shape_PackedPolicyTooLargeException() {
  static const wire::Member members[] = {
      {.name = "message", .wire_name = "message", .shape = shape_packedPolicyTooLargeMessage, .mutate = wire::access::Of<&PackedPolicyTooLargeExceptionFields::message>::mutate, .read = wire::access::Of<&PackedPolicyTooLargeExceptionFields::message>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "PackedPolicyTooLargeException", .members = members};
  return &shape;
}

const wire::Shape* shape_packedPolicyTooLargeMessage() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "packedPolicyTooLargeMessage"};
  return &shape;
}

const wire::Shape* shape_RegionDisabledException() {
  static const wire::Member members[] = {
      {.name = "message", .wire_name = "message", .shape = shape_regionDisabledMessage, .mutate = wire::access::Of<&RegionDisabledExceptionFields::message>::mutate, .read = wire::access::Of<&RegionDisabledExceptionFields::message>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "RegionDisabledException", .members = members};
  return &shape;
}

const wire::Shape* shape_regionDisabledMessage() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "regionDisabledMessage"};
  return &shape;
}

const wire::Shape* shape_ExpiredTokenException() {
  static const wire::Member members[] = {
      {.name = "message", .wire_name = "message", .shape = shape_expiredIdentityTokenMessage, .mutate = wire::access::Of<&ExpiredTokenExceptionFields::message>::mutate, .read = wire::access::Of<&ExpiredTokenExceptionFields::message>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "ExpiredTokenException", .members = members};
  return &shape;
}

const wire::Shape* shape_expiredIdentityTokenMessage() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "expiredIdentityTokenMessage"};
  return &shape;
}

const wire::Shape* shape_GetSessionTokenRequest() {
  static const wire::Member members[] = {
      {.name = "DurationSeconds", .wire_name = "DurationSeconds", .shape = shape_durationSecondsType, .mutate = wire::access::Of<&GetSessionTokenRequest::DurationSeconds>::mutate, .read = wire::access::Of<&GetSessionTokenRequest::DurationSeconds>::read},
      {.name = "SerialNumber", .wire_name = "SerialNumber", .shape = shape_serialNumberType, .mutate = wire::access::Of<&GetSessionTokenRequest::SerialNumber>::mutate, .read = wire::access::Of<&GetSessionTokenRequest::SerialNumber>::read},
      {.name = "TokenCode", .wire_name = "TokenCode", .shape = shape_tokenCodeType, .mutate = wire::access::Of<&GetSessionTokenRequest::TokenCode>::mutate, .read = wire::access::Of<&GetSessionTokenRequest::TokenCode>::read},
      {.name = "MinimumSessionTokenSize", .wire_name = "MinimumSessionTokenSize", .shape = shape_minimumSessionTokenSizeType, .mutate = wire::access::Of<&GetSessionTokenRequest::MinimumSessionTokenSize>::mutate, .read = wire::access::Of<&GetSessionTokenRequest::MinimumSessionTokenSize>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetSessionTokenRequest", .members = members};
  return &shape;
}

const wire::Shape* shape_durationSecondsType() {
  static const wire::Shape shape = {.kind = wire::Kind::integer, .name = "durationSecondsType", .min = 900, .max = 129600};
  return &shape;
}

const wire::Shape* shape_GetSessionTokenResponse() {
  static const wire::Member members[] = {
      {.name = "Credentials", .wire_name = "Credentials", .shape = shape_Credentials, .mutate = wire::access::Of<&GetSessionTokenResponse::Credentials>::mutate, .read = wire::access::Of<&GetSessionTokenResponse::Credentials>::read},
      {.name = "SessionTokenUtilization", .wire_name = "SessionTokenUtilization", .shape = shape_sessionTokenUtilizationType, .mutate = wire::access::Of<&GetSessionTokenResponse::SessionTokenUtilization>::mutate, .read = wire::access::Of<&GetSessionTokenResponse::SessionTokenUtilization>::read},
      {.name = "SessionTokenSize", .wire_name = "SessionTokenSize", .shape = shape_sessionTokenSizeType, .mutate = wire::access::Of<&GetSessionTokenResponse::SessionTokenSize>::mutate, .read = wire::access::Of<&GetSessionTokenResponse::SessionTokenSize>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetSessionTokenResponse", .members = members};
  return &shape;
}

const wire::Shape* shape_GetFederationTokenRequest() {
  static const wire::Member members[] = {
      {.name = "Name", .wire_name = "Name", .required = true, .shape = shape_userNameType, .mutate = wire::access::Of<&GetFederationTokenRequest::Name>::mutate, .read = wire::access::Of<&GetFederationTokenRequest::Name>::read},
      {.name = "Policy", .wire_name = "Policy", .shape = shape_sessionPolicyDocumentType, .mutate = wire::access::Of<&GetFederationTokenRequest::Policy>::mutate, .read = wire::access::Of<&GetFederationTokenRequest::Policy>::read},
      {.name = "PolicyArns", .wire_name = "PolicyArns", .shape = shape_policyDescriptorListType, .mutate = wire::access::Of<&GetFederationTokenRequest::PolicyArns>::mutate, .read = wire::access::Of<&GetFederationTokenRequest::PolicyArns>::read},
      {.name = "DurationSeconds", .wire_name = "DurationSeconds", .shape = shape_durationSecondsType, .mutate = wire::access::Of<&GetFederationTokenRequest::DurationSeconds>::mutate, .read = wire::access::Of<&GetFederationTokenRequest::DurationSeconds>::read},
      {.name = "Tags", .wire_name = "Tags", .shape = shape_tagListType, .mutate = wire::access::Of<&GetFederationTokenRequest::Tags>::mutate, .read = wire::access::Of<&GetFederationTokenRequest::Tags>::read},
      {.name = "MinimumSessionTokenSize", .wire_name = "MinimumSessionTokenSize", .shape = shape_minimumSessionTokenSizeType, .mutate = wire::access::Of<&GetFederationTokenRequest::MinimumSessionTokenSize>::mutate, .read = wire::access::Of<&GetFederationTokenRequest::MinimumSessionTokenSize>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetFederationTokenRequest", .members = members};
  return &shape;
}

const wire::Shape* shape_sessionPolicyDocumentType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "sessionPolicyDocumentType", .min = 1, .max = 2048, .pattern = R"~~~([\u0009\u000A\u000D\u0020-\u00FF]+)~~~"};
  return &shape;
}

const wire::Shape* shape_userNameType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "userNameType", .min = 2, .max = 32, .pattern = R"~~~([\w+=,.@-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_GetFederationTokenResponse() {
  static const wire::Member members[] = {
      {.name = "Credentials", .wire_name = "Credentials", .shape = shape_Credentials, .mutate = wire::access::Of<&GetFederationTokenResponse::Credentials>::mutate, .read = wire::access::Of<&GetFederationTokenResponse::Credentials>::read},
      {.name = "FederatedUser", .wire_name = "FederatedUser", .shape = shape_FederatedUser, .mutate = wire::access::Of<&GetFederationTokenResponse::FederatedUser>::mutate, .read = wire::access::Of<&GetFederationTokenResponse::FederatedUser>::read},
      {.name = "PackedPolicySize", .wire_name = "PackedPolicySize", .shape = shape_nonNegativeIntegerType, .mutate = wire::access::Of<&GetFederationTokenResponse::PackedPolicySize>::mutate, .read = wire::access::Of<&GetFederationTokenResponse::PackedPolicySize>::read},
      {.name = "SessionTokenUtilization", .wire_name = "SessionTokenUtilization", .shape = shape_sessionTokenUtilizationType, .mutate = wire::access::Of<&GetFederationTokenResponse::SessionTokenUtilization>::mutate, .read = wire::access::Of<&GetFederationTokenResponse::SessionTokenUtilization>::read},
      {.name = "SessionTokenSize", .wire_name = "SessionTokenSize", .shape = shape_sessionTokenSizeType, .mutate = wire::access::Of<&GetFederationTokenResponse::SessionTokenSize>::mutate, .read = wire::access::Of<&GetFederationTokenResponse::SessionTokenSize>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetFederationTokenResponse", .members = members};
  return &shape;
}

const wire::Shape* shape_FederatedUser() {
  static const wire::Member members[] = {
      {.name = "FederatedUserId", .wire_name = "FederatedUserId", .required = true, .shape = shape_federatedIdType, .mutate = wire::access::Of<&FederatedUser::FederatedUserId>::mutate, .read = wire::access::Of<&FederatedUser::FederatedUserId>::read},
      {.name = "Arn", .wire_name = "Arn", .required = true, .shape = shape_arnType, .mutate = wire::access::Of<&FederatedUser::Arn>::mutate, .read = wire::access::Of<&FederatedUser::Arn>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "FederatedUser", .members = members};
  return &shape;
}

const wire::Shape* shape_federatedIdType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "federatedIdType", .min = 2, .max = 193, .pattern = R"~~~([\w+=,.@\:-]*)~~~"};
  return &shape;
}

const wire::Shape* shape_GetAccessKeyInfoRequest() {
  static const wire::Member members[] = {
      {.name = "AccessKeyId", .wire_name = "AccessKeyId", .required = true, .shape = shape_accessKeyIdType, .mutate = wire::access::Of<&GetAccessKeyInfoRequest::AccessKeyId>::mutate, .read = wire::access::Of<&GetAccessKeyInfoRequest::AccessKeyId>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetAccessKeyInfoRequest", .members = members};
  return &shape;
}

const wire::Shape* shape_GetAccessKeyInfoResponse() {
  static const wire::Member members[] = {
      {.name = "Account", .wire_name = "Account", .shape = shape_accountType, .mutate = wire::access::Of<&GetAccessKeyInfoResponse::Account>::mutate, .read = wire::access::Of<&GetAccessKeyInfoResponse::Account>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "GetAccessKeyInfoResponse", .members = members};
  return &shape;
}

const wire::Shape* shape_DecodeAuthorizationMessageRequest() {
  static const wire::Member members[] = {
      {.name = "EncodedMessage", .wire_name = "EncodedMessage", .required = true, .shape = shape_encodedMessageType, .mutate = wire::access::Of<&DecodeAuthorizationMessageRequest::EncodedMessage>::mutate, .read = wire::access::Of<&DecodeAuthorizationMessageRequest::EncodedMessage>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "DecodeAuthorizationMessageRequest", .members = members};
  return &shape;
}

const wire::Shape* shape_encodedMessageType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "encodedMessageType", .min = 1, .max = 10240};
  return &shape;
}

const wire::Shape* shape_DecodeAuthorizationMessageResponse() {
  static const wire::Member members[] = {
      {.name = "DecodedMessage", .wire_name = "DecodedMessage", .shape = shape_decodedMessageType, .mutate = wire::access::Of<&DecodeAuthorizationMessageResponse::DecodedMessage>::mutate, .read = wire::access::Of<&DecodeAuthorizationMessageResponse::DecodedMessage>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "DecodeAuthorizationMessageResponse", .members = members};
  return &shape;
}

const wire::Shape* shape_decodedMessageType() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "decodedMessageType"};
  return &shape;
}

const wire::Shape* shape_InvalidAuthorizationMessageException() {
  static const wire::Member members[] = {
      {.name = "message", .wire_name = "message", .shape = shape_invalidAuthorizationMessage, .mutate = wire::access::Of<&InvalidAuthorizationMessageExceptionFields::message>::mutate, .read = wire::access::Of<&InvalidAuthorizationMessageExceptionFields::message>::read}};
  static const wire::Shape shape = {.kind = wire::Kind::structure, .name = "InvalidAuthorizationMessageException", .members = members};
  return &shape;
}

const wire::Shape* shape_invalidAuthorizationMessage() {
  static const wire::Shape shape = {.kind = wire::Kind::string, .name = "invalidAuthorizationMessage"};
  return &shape;
}

async::Task<wire::Value> invoke_GetCallerIdentity(wire::Service& service, const wire::Call& call, void* request) {
  co_return wire::make_value(co_await static_cast<AbstractService&>(service).GetCallerIdentity(call, std::move(*static_cast<::lambari::aws::sts::GetCallerIdentityRequest*>(request))));
}

async::Task<wire::Value> invoke_AssumeRole(wire::Service& service, const wire::Call& call, void* request) {
  co_return wire::make_value(co_await static_cast<AbstractService&>(service).AssumeRole(call, std::move(*static_cast<::lambari::aws::sts::AssumeRoleRequest*>(request))));
}

async::Task<wire::Value> invoke_GetSessionToken(wire::Service& service, const wire::Call& call, void* request) {
  co_return wire::make_value(co_await static_cast<AbstractService&>(service).GetSessionToken(call, std::move(*static_cast<::lambari::aws::sts::GetSessionTokenRequest*>(request))));
}

async::Task<wire::Value> invoke_GetFederationToken(wire::Service& service, const wire::Call& call, void* request) {
  co_return wire::make_value(co_await static_cast<AbstractService&>(service).GetFederationToken(call, std::move(*static_cast<::lambari::aws::sts::GetFederationTokenRequest*>(request))));
}

async::Task<wire::Value> invoke_GetAccessKeyInfo(wire::Service& service, const wire::Call& call, void* request) {
  co_return wire::make_value(co_await static_cast<AbstractService&>(service).GetAccessKeyInfo(call, std::move(*static_cast<::lambari::aws::sts::GetAccessKeyInfoRequest*>(request))));
}

async::Task<wire::Value> invoke_DecodeAuthorizationMessage(wire::Service& service, const wire::Call& call, void* request) {
  co_return wire::make_value(co_await static_cast<AbstractService&>(service).DecodeAuthorizationMessage(call, std::move(*static_cast<::lambari::aws::sts::DecodeAuthorizationMessageRequest*>(request))));
}

const wire::Shape* const errors_AssumeRole[] = {shape_MalformedPolicyDocumentException(), shape_PackedPolicyTooLargeException(), shape_RegionDisabledException(), shape_ExpiredTokenException()};
const wire::Shape* const errors_GetSessionToken[] = {shape_RegionDisabledException()};
const wire::Shape* const errors_GetFederationToken[] = {shape_MalformedPolicyDocumentException(), shape_PackedPolicyTooLargeException(), shape_RegionDisabledException()};
const wire::Shape* const errors_DecodeAuthorizationMessage[] = {shape_InvalidAuthorizationMessageException()};

const wire::Operation kOperations[] = {
    {.name = "AssumeRole", .method = "POST", .uri = "/", .input = shape_AssumeRoleRequest(), .output = shape_AssumeRoleResponse(), .result_wrapper = "AssumeRoleResult", .errors = errors_AssumeRole, .served = true, .make_request = [] { return wire::make_value(::lambari::aws::sts::AssumeRoleRequest{}); }, .invoke = invoke_AssumeRole},
    {.name = "AssumeRoleWithSAML", .method = "POST", .uri = "/"},
    {.name = "AssumeRoleWithWebIdentity", .method = "POST", .uri = "/"},
    {.name = "AssumeRoot", .method = "POST", .uri = "/"},
    {.name = "DecodeAuthorizationMessage", .method = "POST", .uri = "/", .input = shape_DecodeAuthorizationMessageRequest(), .output = shape_DecodeAuthorizationMessageResponse(), .result_wrapper = "DecodeAuthorizationMessageResult", .errors = errors_DecodeAuthorizationMessage, .served = true, .make_request = [] { return wire::make_value(::lambari::aws::sts::DecodeAuthorizationMessageRequest{}); }, .invoke = invoke_DecodeAuthorizationMessage},
    {.name = "GetAccessKeyInfo", .method = "POST", .uri = "/", .input = shape_GetAccessKeyInfoRequest(), .output = shape_GetAccessKeyInfoResponse(), .result_wrapper = "GetAccessKeyInfoResult", .served = true, .make_request = [] { return wire::make_value(::lambari::aws::sts::GetAccessKeyInfoRequest{}); }, .invoke = invoke_GetAccessKeyInfo},
    {.name = "GetCallerIdentity", .method = "POST", .uri = "/", .input = shape_GetCallerIdentityRequest(), .output = shape_GetCallerIdentityResponse(), .result_wrapper = "GetCallerIdentityResult", .served = true, .make_request = [] { return wire::make_value(::lambari::aws::sts::GetCallerIdentityRequest{}); }, .invoke = invoke_GetCallerIdentity},
    {.name = "GetDelegatedAccessToken", .method = "POST", .uri = "/"},
    {.name = "GetFederationToken", .method = "POST", .uri = "/", .input = shape_GetFederationTokenRequest(), .output = shape_GetFederationTokenResponse(), .result_wrapper = "GetFederationTokenResult", .errors = errors_GetFederationToken, .served = true, .make_request = [] { return wire::make_value(::lambari::aws::sts::GetFederationTokenRequest{}); }, .invoke = invoke_GetFederationToken},
    {.name = "GetSessionToken", .method = "POST", .uri = "/", .input = shape_GetSessionTokenRequest(), .output = shape_GetSessionTokenResponse(), .result_wrapper = "GetSessionTokenResult", .errors = errors_GetSessionToken, .served = true, .make_request = [] { return wire::make_value(::lambari::aws::sts::GetSessionTokenRequest{}); }, .invoke = invoke_GetSessionToken},
    {.name = "GetWebIdentityToken", .method = "POST", .uri = "/"},
};
const wire::Protocol kProtocols[] = {wire::Protocol::query};

}  // namespace

const wire::Shape* MalformedPolicyDocumentException::shape() const { return shape_MalformedPolicyDocumentException(); }
const wire::Shape* PackedPolicyTooLargeException::shape() const { return shape_PackedPolicyTooLargeException(); }
const wire::Shape* RegionDisabledException::shape() const { return shape_RegionDisabledException(); }
const wire::Shape* ExpiredTokenException::shape() const { return shape_ExpiredTokenException(); }
const wire::Shape* InvalidAuthorizationMessageException::shape() const { return shape_InvalidAuthorizationMessageException(); }

const wire::ServiceModel kModel = {
    .name = "sts", .id = "STS", .full_name = "AWS Security Token Service",
    .endpoint_prefix = "sts", .signing_name = "sts",
    .api_version = "2011-06-15", .target_prefix = "",
    .xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
    .query_compatible = false, .protocols = kProtocols, .operations = kOperations};

}  // namespace lambari::aws::sts
