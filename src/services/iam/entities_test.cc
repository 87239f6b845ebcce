// Roles, users, groups, policies, keys: what the IAM operations answer.
#include "lang/policy.h"
#include "services/iam/managed.h"
#include "services/iam/model.h"
#include "services/iam/statement_places.h"
#include "services/iam/test_room.h"

namespace lambari::iam {
namespace {

using namespace aws::iam;

using EntitiesTest = RoomTest;
using Strings = std::vector<std::string>;

TEST_F(EntitiesTest, RoleIsMadeAsAwsMakesIt) {
  CreateRoleRequest r;
  r.RoleName = "r";
  r.Path = "/service/";
  r.AssumeRolePolicyDocument = kLambdaTrust;
  r.Tags = std::vector<Tag>{{"a", "1"}};
  const auto role = run(iam().CreateRole(call(), r)).Role;
  EXPECT_EQ(role.Arn, "arn:aws:iam::000000000000:role/service/r");
  EXPECT_TRUE(role.RoleId.starts_with("AROA"));
  EXPECT_EQ(role.RoleId.size(), 21u);
  EXPECT_TRUE(role.AssumeRolePolicyDocument->starts_with("%7B%22Version%22%3A%222012-10-17%22"));
  EXPECT_EQ(run(iam().GetRole(call(), {"R"})).Role.RoleName, "r");  // names are found without regard to case
  EXPECT_EQ(run(iam().ListRoleTags(call(), {"r"})).Tags.size(), 1u);
  expect_fault([&] { run(iam().CreateRole(call(), r)); }, "EntityAlreadyExists", "Role with name r already exists.");
  expect_fault([&] { run(iam().GetRole(call(), {"x"})); }, "NoSuchEntity", "The role with name x cannot be found.");
  r.RoleName = "bad";
  r.AssumeRolePolicyDocument = kAllowAll;
  expect_fault([&] { run(iam().CreateRole(call(), r)); }, "MalformedPolicyDocument", "Missing required field Principal");
  r.AssumeRolePolicyDocument =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/nobody"},"Action":"sts:AssumeRole"}})";
  expect_fault([&] { run(iam().CreateRole(call(), r)); }, "MalformedPolicyDocument",
               "Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:user/nobody\"");
}

TEST_F(EntitiesTest, RoleIsDeletedOnlyWhenBare) {
  create_role("r");
  run(iam().AttachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}));
  run(iam().AttachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}));
  run(iam().PutRolePolicy(call(), {"r", "p", kAllowAll}));
  EXPECT_EQ(run(iam().ListAttachedRolePolicies(call(), {"r"})).AttachedPolicies->size(), 1u);
  expect_fault([&] { run(iam().DeleteRole(call(), {"r"})); }, "DeleteConflict",
               "Cannot delete entity, must detach all policies first.");
  run(iam().DetachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}));
  expect_fault([&] { run(iam().DetachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/AdministratorAccess"})); }, "NoSuchEntity",
               "Policy arn:aws:iam::aws:policy/AdministratorAccess was not found.");
  expect_fault([&] { run(iam().DeleteRole(call(), {"r"})); }, "DeleteConflict",
               "Cannot delete entity, must delete policies first.");
  run(iam().DeleteRolePolicy(call(), {"r", "p"}));
  expect_fault([&] { run(iam().DeleteRolePolicy(call(), {"r", "p"})); }, "NoSuchEntity",
               "The role policy with name p cannot be found.");
  run(iam().DeleteRole(call(), {"r"}));
  expect_fault([&] { run(iam().DeleteRole(call(), {"r"})); }, "NoSuchEntity", "The role with name r cannot be found.");
}

TEST_F(EntitiesTest, AttachRefusesWhatIsNotThere) {
  create_role("r");
  expect_fault([&] { run(iam().AttachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/Nope"})); }, "NoSuchEntity",
               "Policy arn:aws:iam::aws:policy/Nope does not exist or is not attachable.");
  for (int i = 0; i < 10; ++i) run(iam().AttachRolePolicy(call(), {"r", create_policy(fmt::format("p{}", i), kAllowAll)}));
  expect_fault([&] { run(iam().AttachRolePolicy(call(), {"r", create_policy("p10", kAllowAll)})); }, "LimitExceeded",
               "Cannot exceed quota for PoliciesPerRole: 10");
}

TEST_F(EntitiesTest, ListsPageInOrder) {
  for (const auto* name : {"c", "a", "B", "d"}) create_role(name);
  ListRolesRequest r;
  r.MaxItems = 3;
  auto page = run(iam().ListRoles(call(), r));
  ASSERT_EQ(page.Roles.size(), 3u);
  EXPECT_EQ(page.Roles[1].RoleName, "B");
  EXPECT_EQ(page.IsTruncated, true);
  r.Marker = page.Marker;
  page = run(iam().ListRoles(call(), r));
  ASSERT_EQ(page.Roles.size(), 1u);
  EXPECT_EQ(page.Roles[0].RoleName, "d");
  EXPECT_EQ(page.IsTruncated, false);
  r.Marker.reset();
  r.PathPrefix = "/none/";
  EXPECT_TRUE(run(iam().ListRoles(call(), r)).Roles.empty());
}

TEST_F(EntitiesTest, InlinePoliciesAreBounded) {
  create_role("r");
  run(iam().PutRolePolicy(call(), {"r", "p", kAllowAll}));
  EXPECT_TRUE(run(iam().GetRolePolicy(call(), {"r", "p"})).PolicyDocument.starts_with("%7B"));
  EXPECT_EQ(run(iam().ListRolePolicies(call(), {"r"})).PolicyNames, Strings{"p"});
  const auto big = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::)" +
                   std::string(10'240, 'x') + "\"}}";
  expect_fault([&] { run(iam().PutRolePolicy(call(), {"r", "q", big})); }, "LimitExceeded",
               "Maximum policy size of 10240 bytes exceeded for role r");
  EXPECT_EQ(run(iam().ListRolePolicies(call(), {"r"})).PolicyNames, Strings{"p"});
}

TEST_F(EntitiesTest, PolicyVersions) {
  const auto arn = create_policy("p", kAllowAll);
  EXPECT_EQ(arn, "arn:aws:iam::000000000000:policy/p");
  expect_fault([&] { create_policy("P", kAllowAll); }, "EntityAlreadyExists",
               "A policy called P already exists. Duplicate names are not allowed.");
  for (int i = 0; i < 4; ++i) run(iam().CreatePolicyVersion(call(), {arn, kAllowAll, i == 3}));
  expect_fault(
      [&] { run(iam().CreatePolicyVersion(call(), {arn, kAllowAll})); }, "LimitExceeded",
      "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.");
  EXPECT_EQ(run(iam().GetPolicy(call(), {arn})).Policy->DefaultVersionId, "v5");
  expect_fault([&] { run(iam().DeletePolicyVersion(call(), {arn, "v5"})); }, "DeleteConflict",
               "Cannot delete the default version of a policy.");
  run(iam().DeletePolicyVersion(call(), {arn, "v1"}));
  expect_fault([&] { run(iam().GetPolicyVersion(call(), {arn, "v1"})); }, "NoSuchEntity",
               "Policy arn:aws:iam::000000000000:policy/p version v1 does not exist or is not attachable.");
  run(iam().SetDefaultPolicyVersion(call(), {arn, "v2"}));
  EXPECT_EQ(run(iam().ListPolicyVersions(call(), {arn})).Versions->size(), 4u);
  EXPECT_TRUE(run(iam().GetPolicyVersion(call(), {arn, "v2"})).PolicyVersion->IsDefaultVersion.value());
  EXPECT_THROW(run(iam().DeletePolicy(call(), {arn})), DeleteConflictException);

  create_role("r");
  const auto other = create_policy("q", kAllowAll);
  run(iam().AttachRolePolicy(call(), {"r", other}));
  expect_fault([&] { run(iam().DeletePolicy(call(), {other})); }, "DeleteConflict",
               "Cannot delete a policy attached to entities.");
  EXPECT_EQ(run(iam().GetPolicy(call(), {other})).Policy->AttachmentCount, 1);
  EXPECT_EQ(run(iam().ListEntitiesForPolicy(call(), {other})).PolicyRoles->size(), 1u);
  run(iam().DetachRolePolicy(call(), {"r", other}));
  run(iam().DeletePolicy(call(), {other}));
  expect_fault([&] { run(iam().GetPolicy(call(), {other})); }, "NoSuchEntity",
               "Policy arn:aws:iam::000000000000:policy/q was not found.");
}

TEST_F(EntitiesTest, AwsPoliciesAreThereAndParse) {
  ASSERT_TRUE(std::ranges::is_sorted(aws_policies(), {}, &AwsPolicy::name));
  for (const auto& policy : aws_policies()) {
    EXPECT_NO_THROW(lang::Policy::parse(policy.document, lang::PolicyKind::identity)) << policy.name;
    EXPECT_EQ(find_aws_policy(aws_policy_arn(policy)), &policy);
  }
  const std::string arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
  const auto policy = *run(iam().GetPolicy(call(), {arn})).Policy;
  EXPECT_EQ(policy.Path, "/service-role/");
  EXPECT_TRUE(run(iam().GetPolicyVersion(call(), {arn, "v1"})).PolicyVersion->Document->find("logs%3ACreateLogGroup") !=
              std::string::npos);
  EXPECT_FALSE(find_aws_policy("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"));  // the path belongs to it
  expect_fault([&] { run(iam().DeletePolicy(call(), {arn})); }, "AccessDenied",
               "User: arn:aws:iam::000000000000:root is not authorized to perform: iam:DeletePolicy on resource: policy " + arn);
  ListPoliciesRequest r;
  r.Scope = "AWS";
  r.MaxItems = 1000;
  EXPECT_EQ(run(iam().ListPolicies(call(), r)).Policies->size(), aws_policies().size());
}

TEST_F(EntitiesTest, UsersGroupsAndKeys) {
  create_user("ana");
  CreateGroupRequest g;
  g.GroupName = "devs";
  EXPECT_TRUE(run(iam().CreateGroup(call(), g)).Group.GroupId.starts_with("AGPA"));
  run(iam().AddUserToGroup(call(), {"devs", "ana"}));
  EXPECT_EQ(run(iam().GetGroup(call(), {"devs"})).Users.size(), 1u);
  EXPECT_EQ(run(iam().ListGroupsForUser(call(), {"ana"})).Groups.size(), 1u);
  expect_fault([&] { run(iam().DeleteGroup(call(), {"devs"})); }, "DeleteConflict",
               "Cannot delete entity, must remove users from group first.");

  CreateAccessKeyRequest k;
  k.UserName = "ana";
  const auto key = run(iam().CreateAccessKey(call(), k)).AccessKey;
  EXPECT_TRUE(key.AccessKeyId.starts_with("AKIA"));
  EXPECT_EQ(key.AccessKeyId.size(), 20u);
  EXPECT_EQ(key.SecretAccessKey.size(), 40u);
  run(iam().CreateAccessKey(call(), k));
  expect_fault([&] { run(iam().CreateAccessKey(call(), k)); }, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2");
  const auto found = run(room_->find(key.AccessKeyId));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_access_key, key.SecretAccessKey);
  EXPECT_EQ(found->principal.arn, "arn:aws:iam::000000000000:user/ana");
  run(iam().UpdateAccessKey(call(), {"ana", key.AccessKeyId, "Inactive"}));
  EXPECT_FALSE(run(room_->find(key.AccessKeyId)));
  run(iam().UpdateAccessKey(call(), {"ana", key.AccessKeyId, "Active"}));
  EXPECT_TRUE(run(room_->find(key.AccessKeyId)));

  UpdateUserRequest u;
  u.UserName = "ana";
  u.NewUserName = "maria";
  run(iam().UpdateUser(call(), u));
  EXPECT_EQ(run(room_->find(key.AccessKeyId))->principal.arn, "arn:aws:iam::000000000000:user/maria");
  EXPECT_EQ(run(iam().GetGroup(call(), {"devs"})).Users.front().UserName, "maria");
  expect_fault([&] { run(iam().DeleteUser(call(), {"maria"})); }, "DeleteConflict",
               "Cannot delete entity, must delete access keys first.");
  ListAccessKeysRequest l;
  l.UserName = "maria";
  for (const auto& item : run(iam().ListAccessKeys(call(), l)).AccessKeyMetadata)
    run(iam().DeleteAccessKey(call(), {"maria", *item.AccessKeyId}));
  expect_fault([&] { run(iam().DeleteUser(call(), {"maria"})); }, "DeleteConflict",
               "Cannot delete entity, must remove users from group first.");
  run(iam().RemoveUserFromGroup(call(), {"devs", "maria"}));
  run(iam().DeleteUser(call(), {"maria"}));
  run(iam().DeleteGroup(call(), {"devs"}));
  EXPECT_FALSE(run(room_->find(key.AccessKeyId)));
  EXPECT_EQ(run(iam().GetUser(call(), {})).User.Arn, "arn:aws:iam::000000000000:root");
}

TEST_F(EntitiesTest, TagsIgnoreCaseAndAreBounded) {
  create_user("ana");
  run(iam().TagUser(call(), {"ana", {{"Team", "a"}}}));
  run(iam().TagUser(call(), {"ana", {{"team", "b"}}}));
  const auto tags = run(iam().ListUserTags(call(), {"ana"})).Tags;
  ASSERT_EQ(tags.size(), 1u);
  EXPECT_EQ(tags[0].Value, "b");
  expect_fault([&] { run(iam().TagUser(call(), {"ana", {{"x", ""}, {"X", ""}}})); }, "InvalidInput",
               "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  run(iam().UntagUser(call(), {"ana", {"TEAM"}}));
  EXPECT_TRUE(run(iam().ListUserTags(call(), {"ana"})).Tags.empty());
}

TEST_F(EntitiesTest, ServiceLinkedRolesAreAwss) {
  CreateServiceLinkedRoleRequest r;
  r.AWSServiceName = "ops.apigateway.amazonaws.com";
  const auto role = *run(iam().CreateServiceLinkedRole(call(), r)).Role;
  EXPECT_EQ(role.Arn, "arn:aws:iam::000000000000:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway");
  expect_fault([&] { run(iam().CreateServiceLinkedRole(call(), r)); }, "InvalidInput",
               "Service role name AWSServiceRoleForAPIGateway has been taken in this account, please try a different suffix.");
  EXPECT_THROW(run(iam().DeleteRole(call(), {"AWSServiceRoleForAPIGateway"})), UnmodifiableEntityException);
}

TEST_F(EntitiesTest, AccountAliasAndSummary) {
  run(iam().CreateAccountAlias(call(), {"lab"}));
  EXPECT_EQ(run(iam().ListAccountAliases(call(), {})).AccountAliases, Strings{"lab"});
  run(iam().DeleteAccountAlias(call(), {"lab"}));
  EXPECT_THROW(run(iam().DeleteAccountAlias(call(), {"lab"})), NoSuchEntityException);
  create_role("r");
  EXPECT_EQ(run(iam().GetAccountSummary(call())).SummaryMap->at("Roles"), 1);
}

TEST_F(EntitiesTest, EverythingSurvivesARestartAndNothingANuke) {
  create_role("r");
  run(iam().AttachRolePolicy(call(), {"r", create_policy("p", kAllowAll)}));
  restart();
  EXPECT_EQ(run(iam().ListAttachedRolePolicies(call(), {"r"})).AttachedPolicies->size(), 1u);
  run(room_->nuke());
  EXPECT_TRUE(run(iam().ListRoles(call(), {})).Roles.empty());
  EXPECT_TRUE(store_->read()->scan({}, 10).empty());
}

TEST(StatementPlaces, AreLinesAndColumns) {
  const auto places =
      statement_places("{\"Version\":\"2012-10-17\",\n \"Statement\":[\n  {\"Effect\":\"}\",\"Condition\":{\"a\":{}}},\n  {}]}");
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[0].begin_line, 3);
  EXPECT_EQ(places[0].begin_column, 3);
  EXPECT_EQ(places[1].begin_line, 4);
  EXPECT_EQ(places[1].end_column, 5);
  EXPECT_EQ(statement_places("{\"Statement\":{\"Effect\":\"Allow\"}}").size(), 1u);
}

}  // namespace
}  // namespace lambari::iam
