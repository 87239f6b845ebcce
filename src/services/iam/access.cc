// What IAM is asked for its own operations.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
#include <fmt/format.h>

#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

template <class Request>
void put_requested_tags(contracts::AccessRequest& out, const void* request) {
  const auto& tags = static_cast<const Request*>(request)->Tags;
  auto put = [&](const std::vector<Tag>& list) {
    for (const auto& tag : list) {
      out.context["aws:RequestTag/" + tag.Key] = {tag.Value};
      out.context["aws:TagKeys"].push_back(tag.Key);
    }
  };
  if constexpr (requires { tags.has_value(); }) {
    if (tags) put(*tags);
  } else {
    put(tags);
  }
}

void put_resource_tags(contracts::AccessRequest& out, const Tags& tags) {
  for (const auto& [key, value] : tags) {
    out.context["aws:ResourceTag/" + key] = {value};
    out.context["iam:ResourceTag/" + key] = {value};
  }
}

}  // namespace

async::Task<contracts::AccessRequest> IamApi::access(const wire::Call& call, const wire::Operation& operation,
                                                     const void* request) {
  using Who = contracts::Principal::Kind;
  const auto& who = call.principal;
  if (who.session_issued.ms && (who.kind == Who::user || who.kind == Who::root || who.kind == Who::federated_user)) {
    // Credentials of GetSessionToken (without MFA) and GetFederationToken cannot call IAM.
    throw wire::Fault("InvalidClientTokenId", "The security token included in the request is invalid", 403);
  }
  const auto op = operation.name;
  contracts::AccessRequest out;
  out.action = fmt::format("iam:{}", op);
  auto member = [&](std::string_view name) -> std::optional<std::string> {
    return operation.input && request ? wire::string_member(*operation.input, request, name) : std::nullopt;
  };
  auto reader = state_.store.read();
  auto entity = [&](Kind kind, const std::string& name, const std::string& path) {
    if (auto found = find_entity(*reader, call.account, kind, name)) {
      put_resource_tags(out, found->tags);
      return found->arn();
    }
    return iam_arn(call.account, word(kind), path, name);
  };

  const auto path = member("Path").value_or("/");
  if (auto role = member("RoleName")) {
    out.resources = {entity(Kind::role, *role, path)};
  } else if (auto group = member("GroupName")) {
    out.resources = {entity(Kind::group, *group, path)};
  } else if (auto user = member("UserName")) {
    out.resources = {entity(Kind::user, *user, path)};
  } else if (auto name = member("PolicyName"); name && op == "CreatePolicy") {
    out.resources = {iam_arn(call.account, "policy", path, *name)};
  } else if (auto arn = member("PolicyArn")) {
    out.resources = {*arn};
    const auto parsed = parse_iam_arn(*arn);
    if (parsed && parsed->account == call.account) {
      if (auto row = reader->get(keys::policy(call.account, parsed->name))) put_resource_tags(out, decode_policy(*row).tags);
    }
  } else if (auto source = member("PolicySourceArn")) {
    out.resources = {*source};
  } else if (who.kind == Who::user && (op == "GetUser" || op.find("AccessKey") != op.npos)) {
    out.resources = {who.arn};  // one's own
  } else if (op == "ListRoles") {
    out.resources = {iam_arn(call.account, "role", "/", "")};
  } else if (op == "ListUsers") {
    out.resources = {iam_arn(call.account, "user", "/", "")};
  } else if (op == "ListGroups") {
    out.resources = {iam_arn(call.account, "group", "/", "")};
  } else if (auto service = member("AWSServiceName")) {
    out.resources = {fmt::format("arn:aws:iam::{}:role/aws-service-role/{}/*", call.account, *service)};
    out.context["iam:AWSServiceName"] = {*service};
  } else {
    out.resources = {"*"};
  }

  if (op.starts_with("Attach") || op.starts_with("Detach")) out.context["iam:PolicyARN"] = {member("PolicyArn").value_or("")};
  if (auto boundary = member("PermissionsBoundary")) out.context["iam:PermissionsBoundary"] = {*boundary};
  if (op == "CreateRole") put_requested_tags<CreateRoleRequest>(out, request);
  if (op == "CreateUser") put_requested_tags<CreateUserRequest>(out, request);
  if (op == "CreatePolicy") put_requested_tags<CreatePolicyRequest>(out, request);
  if (op == "TagRole") put_requested_tags<TagRoleRequest>(out, request);
  if (op == "TagUser") put_requested_tags<TagUserRequest>(out, request);
  if (op == "TagPolicy") put_requested_tags<TagPolicyRequest>(out, request);
  if (op == "UntagRole") out.context["aws:TagKeys"] = static_cast<const UntagRoleRequest*>(request)->TagKeys;
  if (op == "UntagUser") out.context["aws:TagKeys"] = static_cast<const UntagUserRequest*>(request)->TagKeys;
  if (op == "UntagPolicy") out.context["aws:TagKeys"] = static_cast<const UntagPolicyRequest*>(request)->TagKeys;
  co_return out;
}

}  // namespace lambari::iam
