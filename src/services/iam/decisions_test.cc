// Who may do what: identity, resource and session policies, boundaries, sessions and their tokens.
#include <chrono>

#include "services/iam/test_room.h"

namespace lambari::iam {
namespace {

using namespace aws::iam;
using contracts::Principal;

class DecisionsTest : public RoomTest {
 protected:
  static std::string allow(const std::string& action, const std::string& resource = "*") {
    return fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{}","Resource":"{}"}}}})", action,
                       resource);
  }
  static std::string deny(const std::string& action) {
    return fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"{}","Resource":"*"}}}})", action);
  }
  static std::string resource_policy(const std::string& effect, const std::string& principal, const std::string& action) {
    return fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"{}","Principal":{},"Action":"{}","Resource":"*"}}}})",
                       effect, principal, action);
  }
  static constexpr auto kQueue = "arn:aws:sqs:us-east-1:000000000000:q";
  static constexpr auto kForeign = "arn:aws:sqs:us-east-1:999999999999:q";
};

TEST_F(DecisionsTest, RootMayAndNobodyElseMayUnasked) {
  EXPECT_TRUE(ask(root(), "sqs:SendMessage", kQueue).allowed);
  const auto role = create_role("r");
  const auto who = role_principal(role.Arn);
  const auto decision = ask(who, "logs:CreateLogGroup", "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:");
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.reason,
            "User: arn:aws:sts::000000000000:assumed-role/r/s is not authorized to perform: logs:CreateLogGroup on resource: "
            "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream: because no identity-based policy allows the "
            "logs:CreateLogGroup action");
  Principal nobody;
  EXPECT_EQ(ask(nobody, "sqs:SendMessage", kQueue).reason,
            "User: anonymous is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:000000000000:q "
            "because no "
            "resource-based policy allows the sqs:SendMessage action");
}

TEST_F(DecisionsTest, ManagedPolicyOfAnExecutionRoleIsEvaluated) {
  const auto role = create_role("r");
  const auto who = role_principal(role.Arn);
  const auto* group = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:log-stream:s";
  EXPECT_FALSE(ask(who, "logs:PutLogEvents", group).allowed);
  run(iam().AttachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}));
  EXPECT_TRUE(ask(who, "logs:PutLogEvents", group).allowed);
  EXPECT_FALSE(ask(who, "s3:GetObject", "arn:aws:s3:::b/k").allowed);
  run(iam().DetachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}));
  EXPECT_FALSE(ask(who, "logs:PutLogEvents", group).allowed);
}

TEST_F(DecisionsTest, EveryChangeOfAPolicyIsSeen) {
  create_user("ana");
  const auto who = user_principal("ana");
  const auto arn = create_policy("p", allow("sqs:*"));
  run(iam().AttachUserPolicy(call(), {"ana", arn}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).allowed);
  run(iam().CreatePolicyVersion(call(), {arn, allow("sns:*"), true}));
  EXPECT_FALSE(ask(who, "sqs:SendMessage", kQueue).allowed);
  run(iam().SetDefaultPolicyVersion(call(), {arn, "v1"}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).allowed);
  run(iam().PutUserPolicy(call(), {"ana", "no", deny("sqs:*")}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).reason.ends_with("with an explicit deny in an identity-based policy"));
  run(iam().DeleteUserPolicy(call(), {"ana", "no"}));
  CreateGroupRequest g;
  g.GroupName = "devs";
  run(iam().CreateGroup(call(), g));
  run(iam().PutGroupPolicy(call(), {"devs", "p", allow("sns:*")}));
  EXPECT_FALSE(ask(who, "sns:Publish", "arn:aws:sns:us-east-1:000000000000:t").allowed);
  run(iam().AddUserToGroup(call(), {"devs", "ana"}));
  EXPECT_TRUE(ask(who, "sns:Publish", "arn:aws:sns:us-east-1:000000000000:t").allowed);
}

TEST_F(DecisionsTest, BoundaryLimitsWithoutGranting) {
  create_user("ana");
  const auto who = user_principal("ana");
  run(iam().PutUserPolicy(call(), {"ana", "p", allow("sqs:*")}));
  run(iam().PutUserPermissionsBoundary(call(), {"ana", create_policy("b", allow("sqs:SendMessage"))}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).allowed);
  EXPECT_TRUE(
      ask(who, "sqs:DeleteQueue", kQueue).reason.ends_with("because no permissions boundary allows the sqs:DeleteQueue action"));
  EXPECT_FALSE(ask(who, "sns:Publish", "*").allowed);
  run(iam().PutUserPermissionsBoundary(call(), {"ana", create_policy("d", deny("sqs:SendMessage"))}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).reason.ends_with("with an explicit deny in a permissions boundary"));
  run(iam().DeleteUserPermissionsBoundary(call(), {"ana"}));
  EXPECT_TRUE(ask(who, "sqs:DeleteQueue", kQueue).allowed);
}

TEST_F(DecisionsTest, ResourcePolicyOfTheOwnAccount) {
  create_user("ana");
  const auto who = user_principal("ana");
  EXPECT_TRUE(
      ask(who, "sqs:SendMessage", kQueue, resource_policy("Allow", R"({"AWS":"arn:aws:iam::000000000000:user/ana"})", "sqs:*"))
          .allowed);
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue, resource_policy("Allow", R"("*")", "sqs:*")).allowed);
  // To name the account is to leave it to the identity policies.
  const auto to_account = resource_policy("Allow", R"({"AWS":"000000000000"})", "sqs:*");
  EXPECT_FALSE(ask(who, "sqs:SendMessage", kQueue, to_account).allowed);
  run(iam().PutUserPolicy(call(), {"ana", "p", allow("sqs:*")}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue, to_account).allowed);
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue, resource_policy("Deny", R"("*")", "sqs:*"))
                  .reason.ends_with("with an explicit deny in a resource-based policy"));
  EXPECT_FALSE(ask(root(), "sqs:SendMessage", kQueue, resource_policy("Deny", R"("*")", "sqs:*")).allowed);
  EXPECT_FALSE(ask(who, "sqs:SendMessage", kQueue, "not a policy").allowed);
}

TEST_F(DecisionsTest, OtherAccountsNeedBothSides) {
  create_user("ana");
  const auto who = user_principal("ana");
  const auto theirs = resource_policy("Allow", R"({"AWS":"arn:aws:iam::000000000000:root"})", "sqs:*");
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kForeign, theirs)
                  .reason.ends_with("because no identity-based policy allows the sqs:SendMessage action"));
  run(iam().PutUserPolicy(call(), {"ana", "p", allow("sqs:*")}));
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kForeign, theirs).allowed);
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kForeign)
                  .reason.ends_with("because no resource-based policy allows the sqs:SendMessage action"));
  EXPECT_FALSE(ask(root(), "sqs:SendMessage", kForeign).allowed);
  EXPECT_TRUE(ask(root(), "sqs:SendMessage", kForeign, theirs).allowed);
}

TEST_F(DecisionsTest, ServicesComeThroughResourcePoliciesOnly) {
  Principal service;
  service.kind = Principal::Kind::service;
  service.arn = "apigateway.amazonaws.com";
  const auto* function = "arn:aws:lambda:us-east-1:000000000000:function:f";
  EXPECT_FALSE(ask(service, "lambda:InvokeFunction", function).allowed);
  const auto policy =
      R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"*","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:000000000000:api/*"}}}]})";
  contracts::AccessRequest request;
  request.action = "lambda:InvokeFunction";
  request.resources = {function};
  request.resource_policy = policy;
  request.context["aws:SourceArn"] = {"arn:aws:execute-api:us-east-1:000000000000:api/stage/GET/x"};
  EXPECT_TRUE(run(room_->authorize(service, request)).allowed);
  request.context["aws:SourceArn"] = {"arn:aws:execute-api:us-east-1:000000000000:other/stage/GET/x"};
  EXPECT_FALSE(run(room_->authorize(service, request)).allowed);
}

TEST_F(DecisionsTest, ServiceAssumesOnlyWhereItIsTrusted) {
  const auto role = create_role("r");
  EXPECT_TRUE(run(room_->assume_for_service(role.Arn, "lambda.amazonaws.com", "f")));
  EXPECT_FALSE(run(room_->assume_for_service(role.Arn, "events.amazonaws.com", "f")));
  EXPECT_FALSE(run(room_->assume_for_service("arn:aws:iam::000000000000:role/none", "lambda.amazonaws.com", "f")));
  EXPECT_FALSE(run(room_->assume_for_service("arn:aws:iam::000000000000:role/wrong/path/r", "lambda.amazonaws.com", "f")));
}

TEST_F(DecisionsTest, SessionsOutliveARestartAndExpire) {
  const auto role = create_role("r");
  const auto made = *run(room_->assume_for_service(role.Arn, "lambda.amazonaws.com", "f"));
  EXPECT_TRUE(made.access_key_id.starts_with("ASIA"));
  restart();
  const auto found = run(room_->find(made.access_key_id, made.session_token));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret_access_key, made.secret_access_key);
  EXPECT_EQ(found->principal.arn, "arn:aws:sts::000000000000:assumed-role/r/f");
  EXPECT_EQ(found->principal.user_id, role.RoleId + ":f");
  EXPECT_EQ(found->expires, made.expires);
  auto forged = made.session_token;
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  restart();
  EXPECT_FALSE(run(room_->find(made.access_key_id, forged)));
  EXPECT_FALSE(run(room_->find("ASIAAAAAAAAAAAAAAAAA", made.session_token)));
  EXPECT_FALSE(run(room_->find("AKIAAAAAAAAAAAAAAAAA")));
  // A namesake made later is not the role of the session.
  run(iam().PutRolePolicy(call(), {"r", "p", kAllowAll}));
  EXPECT_TRUE(ask(found->principal, "sqs:SendMessage", kQueue).allowed);
  run(iam().DeleteRolePolicy(call(), {"r", "p"}));
  run(iam().DeleteRole(call(), {"r"}));
  create_role("r");
  run(iam().PutRolePolicy(call(), {"r", "p", kAllowAll}));
  EXPECT_FALSE(ask(found->principal, "sqs:SendMessage", kQueue).allowed);
}

TEST_F(DecisionsTest, TestIsRoot) {
  const auto test = run(room_->find("test"));
  ASSERT_TRUE(test);
  EXPECT_EQ(test->secret_access_key, "test");
  EXPECT_EQ(test->principal.arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(run(room_->find("123456789012"))->principal.account, "123456789012");
  EXPECT_TRUE(run(room_->find("test", "test")));
  const auto me = run(sts().GetCallerIdentity(call_as(test->principal), {}));
  EXPECT_EQ(me.UserId, "000000000000");
  EXPECT_EQ(me.Arn, "arn:aws:iam::000000000000:root");
}

class AssumeTest : public DecisionsTest {
 protected:
  aws::sts::AssumeRoleRequest request(const std::string& arn) {
    aws::sts::AssumeRoleRequest r;
    r.RoleArn = arn;
    r.RoleSessionName = "s1";
    return r;
  }
  static std::string trust(const std::string& principal, const std::string& more = "") {
    return fmt::format(
        R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{},"Action":["sts:AssumeRole","sts:TagSession"]{}}}}})",
        principal, more);
  }
};

TEST_F(AssumeTest, TrustDecidesTogetherWithIdentity) {
  create_user("ana");
  const auto ana = user_principal("ana");
  const auto by_name = create_role("named", trust(R"({"AWS":"arn:aws:iam::000000000000:user/ana"})"));
  const auto by_account = create_role("account", trust(R"({"AWS":"arn:aws:iam::000000000000:root"})"));
  const auto lambda = create_role("lambda");
  const auto made = run(sts().AssumeRole(call_as(ana), request(by_name.Arn)));
  EXPECT_EQ(made.AssumedRoleUser->Arn, "arn:aws:sts::000000000000:assumed-role/named/s1");
  EXPECT_EQ(made.AssumedRoleUser->AssumedRoleId, by_name.RoleId + ":s1");
  EXPECT_EQ(made.Credentials->Expiration.ms / 1000, clock_.now().ms / 1000 + 3600);
  expect_fault([&] { run(sts().AssumeRole(call_as(ana), request(by_account.Arn))); }, "AccessDenied",
               "User: arn:aws:iam::000000000000:user/ana is not authorized to perform: sts:AssumeRole on resource: " +
                   by_account.Arn + " because no identity-based policy allows the sts:AssumeRole action");
  run(iam().PutUserPolicy(call(), {"ana", "p", allow("sts:AssumeRole")}));
  run(sts().AssumeRole(call_as(ana), request(by_account.Arn)));
  for (const auto& arn : {lambda.Arn, std::string("arn:aws:iam::000000000000:role/none")}) {
    expect_fault([&] { run(sts().AssumeRole(call_as(ana), request(arn))); }, "AccessDenied",
                 "User: arn:aws:iam::000000000000:user/ana is not authorized to perform: sts:AssumeRole on resource: " + arn);
  }
}

TEST_F(AssumeTest, ExternalIdTagsAndDuration) {
  const auto role =
      create_role("r", trust(R"({"AWS":"000000000000"})", R"(,"Condition":{"StringEquals":{"sts:ExternalId":"42"}})"));
  auto r = request(role.Arn);
  EXPECT_THROW(run(sts().AssumeRole(call(), r)), wire::Fault);
  r.ExternalId = "42";
  r.Tags = std::vector<aws::sts::Tag>{{"team", "x"}};
  const auto made = run(sts().AssumeRole(call(), r));
  EXPECT_TRUE(made.PackedPolicySize);
  const auto who = run(room_->find(made.Credentials->AccessKeyId, made.Credentials->SessionToken))->principal;
  run(iam().PutRolePolicy(call(), {"r", "p", allow("s3:*", "arn:aws:s3:::b/${aws:PrincipalTag/team}/*")}));
  EXPECT_TRUE(ask(who, "s3:GetObject", "arn:aws:s3:::b/x/k").allowed);
  EXPECT_FALSE(ask(who, "s3:GetObject", "arn:aws:s3:::b/y/k").allowed);
  r.DurationSeconds = 7200;
  expect_fault([&] { run(sts().AssumeRole(call(), r)); }, "ValidationError",
               "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
}

TEST_F(AssumeTest, SessionPolicyNarrows) {
  const auto role = create_role("r", trust(R"({"AWS":"000000000000"})"));
  run(iam().PutRolePolicy(call(), {"r", "p", allow("sqs:*")}));
  auto r = request(role.Arn);
  r.Policy = allow("sqs:SendMessage");
  const auto made = run(sts().AssumeRole(call(), r));
  restart();
  const auto who = run(room_->find(made.Credentials->AccessKeyId, made.Credentials->SessionToken))->principal;
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).allowed);
  EXPECT_TRUE(
      ask(who, "sqs:DeleteQueue", kQueue).reason.ends_with("because no session policy allows the sqs:DeleteQueue action"));
  r.Policy = "{";
  EXPECT_THROW(run(sts().AssumeRole(call(), r)), aws::sts::MalformedPolicyDocumentException);
  r.Policy.reset();
  r.PolicyArns = std::vector<aws::sts::PolicyDescriptorType>{{"arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"}};
  const auto narrowed = run(sts().AssumeRole(call(), r));
  const auto reader = run(room_->find(narrowed.Credentials->AccessKeyId, narrowed.Credentials->SessionToken))->principal;
  EXPECT_TRUE(ask(reader, "sqs:GetQueueUrl", kQueue).allowed);
  EXPECT_FALSE(ask(reader, "sqs:SendMessage", kQueue).allowed);
}

TEST_F(AssumeTest, UserSessionsAndFederation) {
  create_user("ana");
  run(iam().PutUserPolicy(call(), {"ana", "p", allow("sqs:*")}));
  const auto ana = user_principal("ana");
  const auto session = *run(sts().GetSessionToken(call_as(ana), {})).Credentials;
  const auto who = run(room_->find(session.AccessKeyId, session.SessionToken))->principal;
  EXPECT_EQ(who.arn, ana.arn);
  EXPECT_TRUE(ask(who, "sqs:SendMessage", kQueue).allowed);
  EXPECT_THROW(run(sts().GetSessionToken(call_as(who), {})), wire::Fault);
  aws::sts::GetFederationTokenRequest f;
  f.Name = "bob";
  const auto bare = *run(sts().GetFederationToken(call_as(ana), f)).Credentials;
  EXPECT_FALSE(ask(run(room_->find(bare.AccessKeyId, bare.SessionToken))->principal, "sqs:SendMessage", kQueue).allowed);
  f.Policy = allow("sqs:SendMessage");
  const auto made = run(sts().GetFederationToken(call_as(ana), f));
  EXPECT_EQ(made.FederatedUser->Arn, "arn:aws:sts::000000000000:federated-user/bob");
  const auto bob = run(room_->find(made.Credentials->AccessKeyId, made.Credentials->SessionToken))->principal;
  EXPECT_TRUE(ask(bob, "sqs:SendMessage", kQueue).allowed);
  EXPECT_FALSE(ask(bob, "sqs:DeleteQueue", kQueue).allowed);
  EXPECT_EQ(run(sts().GetAccessKeyInfo(call(), {session.AccessKeyId})).Account, "000000000000");
  EXPECT_THROW(run(sts().DecodeAuthorizationMessage(call(), {"x"})), aws::sts::InvalidAuthorizationMessageException);
}

TEST_F(DecisionsTest, SimulationsTellTheSame) {
  create_role("r");
  run(iam().PutRolePolicy(call(), {"r", "p", allow("s3:GetObject", "arn:aws:s3:::b/*")}));
  SimulatePrincipalPolicyRequest r;
  r.PolicySourceArn = "arn:aws:iam::000000000000:role/r";
  r.ActionNames = {"s3:GetObject", "s3:PutObject"};
  r.ResourceArns = {{"arn:aws:s3:::b/k"}};
  const auto out = run(iam().SimulatePrincipalPolicy(call(), r));
  ASSERT_EQ(out.EvaluationResults->size(), 2u);
  EXPECT_EQ(out.EvaluationResults->at(0).EvalDecision, "allowed");
  EXPECT_EQ(out.EvaluationResults->at(0).MatchedStatements->at(0).SourcePolicyId, "role_r_p");
  EXPECT_EQ(out.EvaluationResults->at(1).EvalDecision, "implicitDeny");
  SimulateCustomPolicyRequest c;
  c.PolicyInputList = {
      kAllowAll,
      R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"v"}}}})"};
  c.ActionNames = {"s3:GetObject"};
  auto custom = run(iam().SimulateCustomPolicy(call(), c)).EvaluationResults->at(0);
  EXPECT_EQ(custom.EvalDecision, "allowed");
  EXPECT_EQ(custom.MissingContextValues, std::vector<std::string>{"aws:SourceVpc"});
  ContextEntry entry;
  entry.ContextKeyName = "aws:SourceVpc";
  entry.ContextKeyValues = {{"v"}};
  c.ContextEntries = {{entry}};
  EXPECT_EQ(run(iam().SimulateCustomPolicy(call(), c)).EvaluationResults->at(0).EvalDecision, "explicitDeny");
}

async::Task<> many(Iam& room, const Principal& who, const contracts::AccessRequest& request, int times) {
  for (int i = 0; i < times; ++i) co_await room.authorize(who, request);
}

// The store of the room's cache must not be read again: a reader would be asked for.
TEST_F(DecisionsTest, CachedDecisionsAreCheap) {
  const auto role = create_role("r");
  run(iam().AttachRolePolicy(call(), {"r", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}));
  const auto who = role_principal(role.Arn);
  contracts::AccessRequest request;
  request.action = "logs:PutLogEvents";
  request.resources = {"arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s"};
  run(many(*room_, who, request, 1));
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kTimes = 20'000;
  run(many(*room_, who, request, kTimes));
  const auto each = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / kTimes;
  RecordProperty("microseconds", std::to_string(each));
  std::printf("authorize, cached role: %.2f us\n", each);
  EXPECT_LT(each, 100);  // of an unoptimised build
}

}  // namespace
}  // namespace lambari::iam
