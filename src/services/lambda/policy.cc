#include <cctype>

#include "base/json.h"
#include "base/text.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

namespace json = base::json;
using aws::lambda::ResourceNotFoundException;

// The qualifier that a policy is kept under; throws when the version or alias is not there.
void check_qualifier(store::Reader& reader, const FunctionRef& ref) {
  if (ref.unqualified()) return;
  if (is_alias(ref.qualifier)) {
    if (!rows::alias(reader, ref.key, ref.qualifier)) {
      refuse<ResourceNotFoundException>("Cannot find alias arn: " + function_arn(ref.key, ref.qualifier));
    }
  } else if (!is_version(ref.qualifier) || ref.qualifier.size() > 18 ||
             !rows::version(reader, ref.key, version_number(ref.qualifier))) {
    function_not_found(ref.key, ref.qualifier);
  }
}

// The row whose RevisionId stands for the whole resource while it has no policy.
std::string revision_of(store::Reader& reader, const FunctionRef& ref) {
  if (is_alias(ref.qualifier)) {
    const auto alias = rows::alias(reader, ref.key, ref.qualifier);
    return alias ? alias->revision : "";
  }
  const auto version = rows::version(reader, ref.key, is_version(ref.qualifier) ? version_number(ref.qualifier) : 0);
  return version ? version->revision : "";
}

void check_policy_revision(store::Reader& reader, const FunctionRef& ref, const std::optional<Policy>& policy,
                           const std::optional<std::string>& asked) {
  if (!asked || asked->empty()) return;
  if ((policy && policy->revision == *asked) || revision_of(reader, ref) == *asked) return;
  refuse<aws::lambda::PreconditionFailedException>(
      "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision "
      "Id");
}

// Granting and revoking change the resource's own revision as well.
void touch(store::Transaction& t, const FunctionRef& ref, const std::string& revision) {
  if (is_alias(ref.qualifier)) {
    auto alias = rows::alias(t, ref.key, ref.qualifier);
    if (!alias) return;
    alias->revision = revision;
    rows::put(t, ref.key, *alias);
    return;
  }
  auto version = rows::version(t, ref.key, is_version(ref.qualifier) ? version_number(ref.qualifier) : 0);
  if (!version) return;
  version->revision = revision;
  std::vector<std::string> none;
  rows::put(t, *version, none);
}

json::object conditions_of(const aws::lambda::AddPermissionRequest& r) {
  json::object equals, like, boolean;
  if (r.SourceAccount) equals["AWS:SourceAccount"] = *r.SourceAccount;
  if (r.EventSourceToken) equals["lambda:EventSourceToken"] = *r.EventSourceToken;
  if (r.FunctionUrlAuthType) equals["lambda:FunctionUrlAuthType"] = *r.FunctionUrlAuthType;
  if (r.PrincipalOrgID) equals["aws:PrincipalOrgID"] = *r.PrincipalOrgID;
  if (r.SourceArn) like["AWS:SourceArn"] = *r.SourceArn;
  if (r.InvokedViaFunctionUrl) boolean["lambda:InvokedViaFunctionUrl"] = *r.InvokedViaFunctionUrl ? "true" : "false";
  json::object out;
  if (!equals.empty()) out["StringEquals"] = std::move(equals);
  if (!like.empty()) out["ArnLike"] = std::move(like);
  if (!boolean.empty()) out["Bool"] = std::move(boolean);
  return out;
}

}  // namespace

json::value principal_element(std::string_view principal) {
  if (principal == "*") return "*";
  if (principal.size() == 12 && base::parse_int(principal)) {
    return json::object{{"AWS", "arn:aws:iam::" + std::string(principal) + ":root"}};
  }
  const auto parts = base::split(principal, ':');
  if (parts.size() == 6 && parts[0] == "arn" && (parts[2] == "iam" || parts[2] == "sts") && parts[4].size() == 12 &&
      !parts[5].empty()) {
    return json::object{{"AWS", principal}};
  }
  const auto dot = principal.find('.');
  bool host = dot != principal.npos && dot > 0 && principal.back() != '.';
  for (const unsigned char c : principal) host = host && (std::isalnum(c) || c == '.' || c == '-');
  if (host &&
      (principal.ends_with(".amazonaws.com") || principal.ends_with(".amazon.com") || principal.ends_with(".amazonaws.com.cn"))) {
    return json::object{{"Service", principal}};
  }
  invalid("The provided principal was invalid. Please check the principal and try again.");
}

std::string statement_id(std::string_view statement) {
  const auto value = base::parse_json(statement);
  if (!value || !value->is_object()) return {};
  const auto* sid = value->as_object().if_contains("Sid");
  return sid && sid->is_string() ? std::string(sid->as_string()) : std::string();
}

async::Task<aws::lambda::AddPermissionResponse> Permissions::add(const wire::Call& call,
                                                                 aws::lambda::AddPermissionRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  if (ref.qualifier == "$LATEST") invalid("We currently do not support adding policies for $LATEST.");
  json::object statement{{"Sid", request.StatementId},
                         {"Effect", "Allow"},
                         {"Principal", principal_element(request.Principal)},
                         {"Action", request.Action},
                         {"Resource", function_arn(ref.key, ref.qualifier)}};
  if (auto conditions = conditions_of(request); !conditions.empty()) statement["Condition"] = std::move(conditions);
  const auto text = base::to_json(statement);
  co_await house_.d.store.commit([&](store::Transaction& t) {
    if (!rows::function(t, ref.key)) function_not_found(ref.key);
    check_qualifier(t, ref);
    const auto before = rows::policy(t, ref.key, ref.qualifier);
    auto policy = before.value_or(Policy{});
    for (const auto& each : policy.statements) {
      if (statement_id(each) == request.StatementId) {
        refuse<aws::lambda::ResourceConflictException>(
            "The statement id (" + request.StatementId +
            ") provided already exists. Please provide a new statement id, or remove the existing "
            "statement.");
      }
    }
    check_policy_revision(t, ref, before, request.RevisionId);
    policy.statements.push_back(text);
    policy.revision = base::uuid();
    if (policy_document(policy).size() > kMaxPolicy) {
      refuse<aws::lambda::PolicyLengthExceededException>("The final policy size is bigger than the limit (" +
                                                         std::to_string(kMaxPolicy) + ").");
    }
    rows::put_policy(t, ref.key, ref.qualifier, policy);
    touch(t, ref, policy.revision);
  });
  house_.changed(ref.key);
  co_return aws::lambda::AddPermissionResponse{text};
}

async::Task<> Permissions::remove(const wire::Call& call, aws::lambda::RemovePermissionRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  co_await house_.d.store.commit([&](store::Transaction& t) {
    if (!rows::function(t, ref.key)) refuse<ResourceNotFoundException>("No policy found for: " + function_arn(ref.key));
    check_qualifier(t, ref.qualifier == "$LATEST" ? FunctionRef{ref.key, {}} : ref);
    auto policy = rows::policy(t, ref.key, ref.qualifier);
    if (!policy) refuse<ResourceNotFoundException>("No policy is associated with the given resource.");
    const auto before = *policy;
    if (std::erase_if(policy->statements, [&](const auto& s) { return statement_id(s) == request.StatementId; }) == 0) {
      refuse<ResourceNotFoundException>("Statement " + request.StatementId + " is not found in resource policy.");
    }
    check_policy_revision(t, ref, before, request.RevisionId);
    policy->revision = base::uuid();
    rows::put_policy(t, ref.key, ref.qualifier, *policy);
    touch(t, ref, policy->revision);
  });
  house_.changed(ref.key);
}

async::Task<aws::lambda::GetPolicyResponse> Permissions::get(const wire::Call& call, aws::lambda::GetPolicyRequest request) {
  const auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  const auto reader = house_.d.store.read();
  if (!rows::function(*reader, ref.key)) function_not_found(ref.key);
  const auto policy = rows::policy(*reader, ref.key, ref.qualifier);
  if (!policy) refuse<ResourceNotFoundException>("The resource you requested does not exist.");
  co_return aws::lambda::GetPolicyResponse{policy_document(policy), policy->revision};
}

}  // namespace lambari::lambda
