// STS. https://docs.aws.amazon.com/STS/latest/APIReference/
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "services/iam/context.h"
#include "services/iam/keys.h"
#include "services/iam/sts_api.h"

namespace lambari::iam {

using namespace aws::sts;
using Who = contracts::Principal::Kind;

namespace {

constexpr std::size_t kMaxSessionPolicies = 10;
constexpr std::int64_t kRootSeconds = 3600;  // root's sessions are an hour at most
constexpr std::int64_t kDefaultUserSeconds = 43'200;

[[noreturn]] void invalid(const std::string& message) { throw wire::Fault("ValidationError", message, 400); }
[[noreturn]] void refuse(const std::string& message) { throw wire::Fault("AccessDenied", message, 403); }

void check_session_policy(const std::optional<std::string>& document,
                          const std::optional<std::vector<PolicyDescriptorType>>& arns) {
  if (arns && arns->size() > kMaxSessionPolicies) {
    throw PackedPolicyTooLargeException("The number of managed session policies exceeds the limit of 10.");
  }
  if (!document) return;
  try {
    lang::Policy::parse(*document, lang::PolicyKind::identity);
  } catch (const lang::PolicyError& error) {
    throw MalformedPolicyDocumentException(error.what());
  }
}

std::vector<std::string> policy_arns(const std::optional<std::vector<PolicyDescriptorType>>& descriptors) {
  std::vector<std::string> out;
  if (!descriptors) return out;
  for (const auto& descriptor : *descriptors) {
    if (descriptor.arn) out.push_back(*descriptor.arn);
  }
  return out;
}

std::map<std::string, std::string> tags_of(const std::optional<std::vector<Tag>>& tags) {
  std::map<std::string, std::string> out;
  if (!tags) return out;
  for (const auto& tag : *tags) {
    const auto same = std::ranges::find_if(out, [&](const auto& pair) { return base::iequals(pair.first, tag.Key); });
    if (same != out.end())
      throw wire::Fault("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                        400);
    if (base::lower(tag.Key).starts_with("aws:")) {
      throw wire::Fault("InvalidParameterValue", "aws: prefixed tag key names are not allowed for external use.", 400);
    }
    out[tag.Key] = tag.Value;
  }
  return out;
}

Credentials to_credentials(const contracts::TemporaryCredentials& made) {
  return {made.access_key_id, made.secret_access_key, made.session_token, made.expires};
}

// The share of the packed size that session policies and tags take, in percent.
std::optional<std::int32_t> packed_size(const contracts::Principal& principal) {
  std::size_t size = principal.session_policy.size();
  for (const auto& arn : principal.session_policy_arns) size += arn.size();
  for (const auto& [key, value] : principal.session_tags) size += key.size() + value.size();
  if (!size) return std::nullopt;
  constexpr std::size_t kWhole = 8192;
  const auto percent = static_cast<std::int32_t>((size * 100 + kWhole - 1) / kWhole);
  if (percent > 100)
    throw PackedPolicyTooLargeException(
        fmt::format("Packed size of session policies and tags consumes {}% of allotted space.", percent));
  return percent;
}

contracts::AccessRequest assume_request(State& state, const AssumeRoleRequest& request, std::string action) {
  contracts::AccessRequest out;
  out.action = std::move(action);
  out.resources = {request.RoleArn};
  if (const auto role = find_grants(state, request.RoleArn)) out.resource_policy = role->entity.trust;
  out.context["sts:RoleSessionName"] = {request.RoleSessionName};
  if (request.ExternalId) out.context["sts:ExternalId"] = {*request.ExternalId};
  if (request.SourceIdentity) out.context["sts:SourceIdentity"] = {*request.SourceIdentity};
  if (request.Tags) {
    for (const auto& tag : *request.Tags) {
      out.context["aws:RequestTag/" + tag.Key] = {tag.Value};
      out.context["aws:TagKeys"].push_back(tag.Key);
    }
  }
  if (request.TransitiveTagKeys) out.context["sts:TransitiveTagKeys"] = *request.TransitiveTagKeys;
  return out;
}

}  // namespace

async::Task<contracts::AccessRequest> StsApi::access(const wire::Call& call, const wire::Operation& operation,
                                                     const void* request) {
  contracts::AccessRequest out;
  if (operation.name == "AssumeRole" && request) {
    co_return assume_request(state_, *static_cast<const AssumeRoleRequest*>(request), "sts:AssumeRole");
  }
  out.action = fmt::format("sts:{}", operation.name);
  out.resources = {"*"};
  if (operation.name == "GetFederationToken" && request) {
    out.resources = {fmt::format("arn:aws:sts::{}:federated-user/{}", call.account,
                                 static_cast<const GetFederationTokenRequest*>(request)->Name)};
  }
  co_return out;
}

async::Task<GetCallerIdentityResponse> StsApi::GetCallerIdentity(const wire::Call& call, GetCallerIdentityRequest) {
  GetCallerIdentityResponse out;
  out.UserId = call.principal.user_id;
  out.Account = call.principal.account;
  out.Arn = call.principal.arn;
  co_return out;
}

async::Task<AssumeRoleResponse> StsApi::AssumeRole(const wire::Call& call, AssumeRoleRequest request) {
  check_session_policy(request.Policy, request.PolicyArns);
  if (request.SerialNumber || request.TokenCode) refuse("MultiFactorAuthentication failed with invalid MFA one time pass code.");
  const auto grants = find_grants(state_, request.RoleArn);
  auto authorized = [&](std::string action) {
    const auto decision = authorize(state_, call.principal, assume_request(state_, request, std::move(action)));
    if (!decision.allowed) refuse(decision.reason);
  };
  // The front asked already; a room that calls this by name did not, and a role may have gone meanwhile.
  authorized("sts:AssumeRole");
  if (!grants)
    refuse(fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}", call.principal.arn,
                       request.RoleArn));
  auto tags = tags_of(request.Tags);
  if (!tags.empty()) authorized("sts:TagSession");
  if (request.SourceIdentity) authorized("sts:SetSourceIdentity");

  const auto& role = grants->entity;
  const auto seconds = request.DurationSeconds.value_or(3600);
  if (seconds > role.max_session) invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  // A role that assumes a role does so for an hour at most.
  if (call.principal.kind == Who::assumed_role && seconds > 3600) {
    invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  }
  SessionSpec spec;
  spec.principal = role_session(role, request.RoleSessionName);
  spec.principal.session_policy = request.Policy.value_or("");
  spec.principal.session_policy_arns = policy_arns(request.PolicyArns);
  spec.principal.session_tags = std::move(tags);
  // The source identity, once set, stays with the sessions that follow.
  spec.principal.source_identity = request.SourceIdentity.value_or(call.principal.source_identity);
  spec.seconds = seconds;
  AssumeRoleResponse out;
  out.PackedPolicySize = packed_size(spec.principal);
  if (!spec.principal.source_identity.empty()) out.SourceIdentity = spec.principal.source_identity;
  const auto made = co_await make_session(state_, std::move(spec));
  out.Credentials = to_credentials(made);
  out.AssumedRoleUser = AssumedRoleUser{made.assumed_role_id, made.assumed_role_arn};
  co_return out;
}

async::Task<GetSessionTokenResponse> StsApi::GetSessionToken(const wire::Call& call, GetSessionTokenRequest request) {
  if (call.principal.session_issued.ms) refuse("Cannot call GetSessionToken with session credentials");
  if (request.SerialNumber || request.TokenCode) refuse("MultiFactorAuthentication failed with invalid MFA one time pass code.");
  SessionSpec spec;
  spec.principal = call.principal;
  spec.seconds = request.DurationSeconds.value_or(kDefaultUserSeconds);
  if (call.principal.kind == Who::root) spec.seconds = std::min(spec.seconds, kRootSeconds);
  GetSessionTokenResponse out;
  out.Credentials = to_credentials(co_await make_session(state_, std::move(spec)));
  co_return out;
}

async::Task<GetFederationTokenResponse> StsApi::GetFederationToken(const wire::Call& call, GetFederationTokenRequest request) {
  if (call.principal.session_issued.ms) refuse("Cannot call GetFederationToken with session credentials");
  check_session_policy(request.Policy, request.PolicyArns);
  SessionSpec spec;
  auto& p = spec.principal;
  p.kind = Who::federated_user;
  p.account = call.account;
  p.arn = fmt::format("arn:aws:sts::{}:federated-user/{}", call.account, request.Name);
  p.user_id = fmt::format("{}:{}", call.account, request.Name);
  p.role_arn = call.principal.arn;
  p.session_policy = request.Policy.value_or("");
  p.session_policy_arns = policy_arns(request.PolicyArns);
  p.session_tags = tags_of(request.Tags);
  spec.seconds = request.DurationSeconds.value_or(kDefaultUserSeconds);
  if (call.principal.kind == Who::root) spec.seconds = std::min(spec.seconds, kRootSeconds);
  GetFederationTokenResponse out;
  out.PackedPolicySize = packed_size(p);
  out.FederatedUser = FederatedUser{p.user_id, p.arn};
  out.Credentials = to_credentials(co_await make_session(state_, std::move(spec)));
  co_return out;
}

async::Task<GetAccessKeyInfoResponse> StsApi::GetAccessKeyInfo(const wire::Call& call, GetAccessKeyInfoRequest request) {
  GetAccessKeyInfoResponse out;
  if (auto row = state_.store.read()->get(keys::access_key(request.AccessKeyId))) {
    out.Account = decode_key(*row).account;
  } else if (auto secret = co_await find_key(state_, request.AccessKeyId)) {
    out.Account = secret->principal.account;
  } else {
    invalid(fmt::format("Invalid Access Key: {}", request.AccessKeyId));
  }
  co_return out;
}

async::Task<DecodeAuthorizationMessageResponse> StsApi::DecodeAuthorizationMessage(const wire::Call& call,
                                                                                   DecodeAuthorizationMessageRequest request) {
  // No service here answers with an encoded message, so none can be genuine.
  throw InvalidAuthorizationMessageException("Message is not valid");
  co_return DecodeAuthorizationMessageResponse{};
}

}  // namespace lambari::iam
