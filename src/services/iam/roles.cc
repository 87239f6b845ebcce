// Roles.
#include <fmt/format.h>

#include "services/iam/iam_api.h"
#include "services/iam/rows.h"

namespace lambari::iam {

using namespace aws::iam;

namespace {

constexpr std::size_t kMaxTrustSize = 2048;  // characters, without spaces
constexpr std::string_view kServiceRolePath = "/aws-service-role/";

void check_trust(const std::string& document) {
  check_document(document, lang::PolicyKind::trust);
  if (size_without_spaces(document) > kMaxTrustSize)
    throw LimitExceededException(fmt::format("Cannot exceed quota for ACLSizePerRole: {}", kMaxTrustSize));
}

void require_own(const Entity& role) {
  if (!role.path.starts_with(kServiceRolePath)) return;
  throw UnmodifiableEntityException(
      fmt::format("Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS", role.name));
}

// A trust policy that names a role or user of the own account which is not there is refused, as AWS does.
void check_principals(store::Reader& reader, std::string_view account, const std::string& document) {
  for (const auto& principal : lang::Policy::parse(document, lang::PolicyKind::trust).aws_principals()) {
    const auto arn = parse_iam_arn(principal);
    if (!arn || arn->account != account || (arn->kind != "role" && arn->kind != "user")) continue;
    const auto kind = arn->kind == "role" ? Kind::role : Kind::user;
    const auto entity = find_entity(reader, account, kind, arn->name);
    if (!entity || entity->arn() != principal) {
      throw MalformedPolicyDocumentException(fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", principal));
    }
  }
}

// "ops.apigateway.amazonaws.com" -> "AWSServiceRoleForAPIGateway"
std::string service_role_name(std::string_view service) {
  static constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
      {"ops.apigateway.amazonaws.com", "APIGateway"},
      {"autoscaling.amazonaws.com", "AutoScaling"},
      {"dynamodb.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_DynamoDBTable"},
      {"lambda.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_LambdaConcurrency"},
      {"elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"},
      {"events.amazonaws.com", "CloudWatchEvents"},
      {"apidestinations.events.amazonaws.com", "AmazonEventBridgeApiDestinations"},
      {"lambda.amazonaws.com", "Lambda"},
      {"replicator.lambda.amazonaws.com", "LambdaReplicator"},
      {"rds.amazonaws.com", "RDS"},
      {"states.amazonaws.com", "StepFunctions"},
  };
  for (const auto& [name, suffix] : kKnown) {
    if (name == service) return "AWSServiceRoleFor" + std::string(suffix);
  }
  std::string out = "AWSServiceRoleFor";
  bool upper = true;
  for (const char c : service.substr(0, service.find('.'))) {
    if (c == '-') {
      upper = true;
    } else {
      out.push_back(upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c);
      upper = false;
    }
  }
  return out;
}

}  // namespace

async::Task<CreateRoleResponse> IamApi::CreateRole(const wire::Call& call, CreateRoleRequest request) {
  check_trust(request.AssumeRolePolicyDocument);
  Entity role;
  role.kind = Kind::role;
  role.account = call.account;
  role.name = request.RoleName;
  role.id = new_id("AROA");
  role.path = request.Path.value_or("/");
  role.created = call.time.ms;
  role.trust = request.AssumeRolePolicyDocument;
  role.description = request.Description.value_or("");
  role.max_session = request.MaxSessionDuration.value_or(3600);
  role.boundary = request.PermissionsBoundary.value_or("");
  if (request.Tags) add_tags(role.tags, *request.Tags);
  co_await commit(state_, [&](store::Transaction& t) {
    if (!role.boundary.empty() && !policy_exists(t, role.account, role.boundary)) {
      throw NoSuchEntityException(fmt::format("Scope ARN: {} does not exist or is not attachable.", role.boundary));
    }
    check_principals(t, role.account, role.trust);
    add_entity(t, role);
    if (!role.boundary.empty()) t.put(keys::attachment(role.account, role.boundary, "boundary", role.kind, role.name), "");
  });
  co_return CreateRoleResponse{to_role(role, true)};
}

async::Task<GetRoleResponse> IamApi::GetRole(const wire::Call& call, GetRoleRequest request) {
  auto role = to_role(require_entity(*state_.store.read(), call.account, Kind::role, request.RoleName), true);
  role.RoleLastUsed.emplace();  // AWS, too, gives it empty until the role was used; use is not tracked
  co_return GetRoleResponse{std::move(role)};
}

async::Task<ListRolesResponse> IamApi::ListRoles(const wire::Call& call, ListRolesRequest request) {
  ListRolesResponse out;
  page_of_entities(*state_.store.read(), call.account, Kind::role, request, out,
                   [&](const Entity& role) { out.Roles.push_back(to_role(role, false)); });
  co_return out;
}

async::Task<UpdateRoleResponse> IamApi::UpdateRole(const wire::Call& call, UpdateRoleRequest request) {
  co_await change_entity(state_, call.account, Kind::role, request.RoleName, [&](store::Transaction&, Entity& role) {
    require_own(role);
    if (request.Description) role.description = *request.Description;
    if (request.MaxSessionDuration) role.max_session = *request.MaxSessionDuration;
  });
  co_return UpdateRoleResponse{};
}

async::Task<UpdateRoleDescriptionResponse> IamApi::UpdateRoleDescription(const wire::Call& call,
                                                                         UpdateRoleDescriptionRequest request) {
  UpdateRoleDescriptionResponse out;
  co_await change_entity(state_, call.account, Kind::role, request.RoleName, [&](store::Transaction&, Entity& role) {
    role.description = request.Description;
    out.Role = to_role(role, true);
  });
  co_return out;
}

async::Task<> IamApi::UpdateAssumeRolePolicy(const wire::Call& call, UpdateAssumeRolePolicyRequest request) {
  check_trust(request.PolicyDocument);
  co_await change_entity(state_, call.account, Kind::role, request.RoleName, [&](store::Transaction& t, Entity& role) {
    require_own(role);
    check_principals(t, role.account, request.PolicyDocument);
    role.trust = request.PolicyDocument;
  });
}

async::Task<> IamApi::DeleteRole(const wire::Call& call, DeleteRoleRequest request) {
  co_await commit(state_, [&](store::Transaction& t) {
    const auto role = require_entity(t, call.account, Kind::role, request.RoleName);
    require_own(role);
    if (!role.attached.empty()) throw DeleteConflictException("Cannot delete entity, must detach all policies first.");
    if (!role.inline_policies.empty()) throw DeleteConflictException("Cannot delete entity, must delete policies first.");
    if (!role.boundary.empty()) t.erase(keys::attachment(role.account, role.boundary, "boundary", role.kind, role.name));
    t.erase(keys::entity(role.account, role.kind, role.name));
  });
}

async::Task<CreateServiceLinkedRoleResponse> IamApi::CreateServiceLinkedRole(const wire::Call& call,
                                                                             CreateServiceLinkedRoleRequest request) {
  Entity role;
  role.kind = Kind::role;
  role.account = call.account;
  role.name = service_role_name(request.AWSServiceName);
  if (request.CustomSuffix) role.name += "_" + *request.CustomSuffix;
  role.id = new_id("AROA");
  role.path = fmt::format("{}{}/", kServiceRolePath, request.AWSServiceName);
  role.created = call.time.ms;
  role.description = request.Description.value_or("");
  role.trust = fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{{"Service":["{}"]}}}}]}})",
      request.AWSServiceName);
  check_trust(role.trust);
  co_await commit(state_, [&](store::Transaction& t) {
    if (find_entity(t, role.account, role.kind, role.name)) {
      throw InvalidInputException(
          fmt::format("Service role name {} has been taken in this account, please try a different suffix.", role.name));
    }
    put_entity(t, role);
  });
  CreateServiceLinkedRoleResponse out;
  out.Role = to_role(role, true);
  co_return out;
}

async::Task<ListInstanceProfilesForRoleResponse> IamApi::ListInstanceProfilesForRole(const wire::Call& call,
                                                                                     ListInstanceProfilesForRoleRequest request) {
  require_entity(*state_.store.read(), call.account, Kind::role, request.RoleName);
  ListInstanceProfilesForRoleResponse out;  // instance profiles cannot be created: there is no EC2 to use them
  out.IsTruncated = false;
  co_return out;
}

}  // namespace lambari::iam
