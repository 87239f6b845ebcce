#include "lang/policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/text.h"

namespace lambari::lang {
namespace {

struct TestContext final : PolicyContext {
  std::map<std::string, std::vector<std::string>> keys;
  bool find(std::string_view key, std::vector<std::string_view>& values) const override {
    for (const auto& [name, list] : keys) {
      if (!base::iequals(name, key)) continue;
      values.insert(values.end(), list.begin(), list.end());
      return true;
    }
    return false;
  }
};

PolicyVerdict ask(const std::string& document, std::string_view action, std::string_view resource,
                  const TestContext& context = {}, const PolicyRequester& who = {}, PolicyKind kind = PolicyKind::identity) {
  return Policy::parse(document, kind).evaluate({action, resource, context, who});
}

std::string one(std::string_view rest) {
  return fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{}}}}})", rest);
}

std::string error_of(const std::string& document, PolicyKind kind = PolicyKind::identity) {
  try {
    Policy::parse(document, kind);
    return {};
  } catch (const PolicyError& error) {
    return error.what();
  }
}

TEST(Policy, ActionsAndResources) {
  struct Row {
    const char *policy, *action, *resource;
    bool allowed;
  };
  for (const auto& row : {
           Row{R"("Action":"*","Resource":"*")", "s3:GetObject", "arn:aws:s3:::b/k", true},
           Row{R"("Action":"S3:get*","Resource":"*")", "s3:GetObject", "arn:aws:s3:::b/k", true},
           Row{R"("Action":["s3:PutObject","s3:Ge?Object"],"Resource":"*")", "s3:GetObject", "*", true},
           Row{R"("Action":"s3:*","Resource":"*")", "sqs:SendMessage", "*", false},
           Row{R"("Action":"s3:*","Resource":"arn:aws:s3:::b/*")", "s3:GetObject", "arn:aws:s3:::b/k", true},
           Row{R"("Action":"s3:*","Resource":"arn:aws:s3:::b/*")", "s3:GetObject", "arn:aws:s3:::B/k", false},
           Row{R"("Action":"s3:*","Resource":"arn:aws:s3:::b/*")", "s3:ListBucket", "arn:aws:s3:::b", false},
           Row{R"("NotAction":"iam:*","Resource":"*")", "s3:GetObject", "*", true},
           Row{R"("NotAction":"iam:*","Resource":"*")", "iam:CreateUser", "*", false},
           Row{R"("Action":"s3:*","NotResource":"arn:aws:s3:::secret/*")", "s3:GetObject", "arn:aws:s3:::b/k", true},
           Row{R"("Action":"s3:*","NotResource":"arn:aws:s3:::secret/*")", "s3:GetObject", "arn:aws:s3:::secret/k", false},
           Row{R"("Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/f*:*")", "logs:PutLogEvents",
               "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:log-stream:s", true},
       }) {
    EXPECT_EQ(ask(one(row.policy), row.action, row.resource).allowed(), row.allowed)
        << row.policy << " " << row.action << " " << row.resource;
  }
}

TEST(Policy, DenyWins) {
  const auto verdict = ask(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
         {"Sid":"b","Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]})",
      "s3:DeleteObject", "*");
  EXPECT_TRUE(verdict.denied());
  EXPECT_EQ(verdict.denied_by, 1);
}

TEST(Policy, Variables) {
  TestContext context;
  context.keys = {{"aws:username", {"ana"}}, {"aws:PrincipalTag/team", {"a*"}}};
  auto allowed = [&](const char* resource, const char* asked) {
    return ask(one(fmt::format(R"("Action":"s3:*","Resource":"{}")", resource)), "s3:GetObject", asked, context).allowed();
  };
  EXPECT_TRUE(allowed("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ana/x"));
  EXPECT_TRUE(allowed("arn:aws:s3:::b/${AWS:UserName}/*", "arn:aws:s3:::b/ana/x"));
  EXPECT_FALSE(allowed("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/x"));
  EXPECT_FALSE(allowed("arn:aws:s3:::b/${aws:missing}/*", "arn:aws:s3:::b//x"));
  EXPECT_TRUE(allowed("arn:aws:s3:::b/${aws:missing, 'none'}/*", "arn:aws:s3:::b/none/x"));
  // A value is text, not a pattern.
  EXPECT_FALSE(allowed("arn:aws:s3:::b/${aws:PrincipalTag/team}", "arn:aws:s3:::b/abc"));
  EXPECT_TRUE(allowed("arn:aws:s3:::b/${aws:PrincipalTag/team}", "arn:aws:s3:::b/a*"));
  EXPECT_TRUE(allowed("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*"));
  EXPECT_FALSE(allowed("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/a"));
  // The older version has none.
  EXPECT_FALSE(
      ask(R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}})",
          "s3:GetObject", "arn:aws:s3:::ana", context, {}, PolicyKind::resource)
          .allowed());
}

TEST(Policy, Conditions) {
  TestContext context;
  context.keys = {{"k", {"Value"}},
                  {"n", {"10"}},
                  {"t", {"2024-05-01T12:00:00Z"}},
                  {"b", {"true"}},
                  {"bin", {"QmFzZTY0"}},
                  {"ip", {"203.0.113.7"}},
                  {"ip6", {"2001:db8::1"}},
                  {"arn", {"arn:aws:sns:us-east-1:000000000000:topic"}},
                  {"many", {"a", "b"}},
                  {"aws:username", {"Value"}}};
  struct Row {
    const char* condition;
    bool holds;
  };
  for (const auto& row : {
           Row{R"("StringEquals":{"k":"Value"})", true},
           Row{R"("StringEquals":{"K":["x","Value"]})", true},
           Row{R"("StringEquals":{"k":"value"})", false},
           Row{R"("StringEquals":{"k":"Val*"})", false},
           Row{R"("StringEquals":{"k":"${aws:username}"})", true},
           Row{R"("StringNotEquals":{"k":["x","Value"]})", false},
           Row{R"("StringNotEquals":{"missing":"x"})", true},
           Row{R"("StringEquals":{"missing":"x"})", false},
           Row{R"("StringEqualsIfExists":{"missing":"x"})", true},
           Row{R"("StringEqualsIfExists":{"k":"x"})", false},
           Row{R"("StringEqualsIgnoreCase":{"k":"VALUE"})", true},
           Row{R"("StringNotEqualsIgnoreCase":{"k":"VALUE"})", false},
           Row{R"("StringLike":{"k":"V*e"})", true},
           Row{R"("StringNotLike":{"k":"V?lue"})", false},
           Row{R"("NumericEquals":{"n":10})", true},
           Row{R"("NumericNotEquals":{"n":"10.0"})", false},
           Row{R"("NumericLessThan":{"n":"11"},"NumericGreaterThanEquals":{"n":"10"})", true},
           Row{R"("NumericGreaterThan":{"n":"10"})", false},
           Row{R"("DateGreaterThan":{"t":"2024-04-30T00:00:00Z"},"DateLessThan":{"t":"2024-06-01"})", true},
           Row{R"("DateEquals":{"t":"1714564800"})", true},
           Row{R"("DateLessThanEquals":{"t":"2023-01-01T00:00:00Z"})", false},
           Row{R"("Bool":{"b":true})", true},
           Row{R"("Bool":{"b":"false"})", false},
           Row{R"("Bool":{"missing":"false"})", false},
           Row{R"("BoolIfExists":{"missing":"false"})", true},
           Row{R"("BinaryEquals":{"bin":"QmFzZTY0"})", true},
           Row{R"("IpAddress":{"ip":"203.0.113.0/24"})", true},
           Row{R"("IpAddress":{"ip":["10.0.0.0/8","203.0.113.7"]})", true},
           Row{R"("IpAddress":{"ip":"203.0.113.8/29"})", false},
           Row{R"("IpAddress":{"ip":"0.0.0.0/0"})", true},
           Row{R"("NotIpAddress":{"ip":"203.0.113.0/24"})", false},
           Row{R"("IpAddress":{"ip6":"2001:db8::/32"})", true},
           Row{R"("IpAddress":{"ip":"2001:db8::/32"})", false},
           Row{R"("ArnEquals":{"arn":"arn:aws:sns:*:000000000000:topic"})", true},
           Row{R"("ArnLike":{"arn":"arn:aws:sns:*:*:top*"})", true},
           Row{R"("ArnLike":{"arn":"arn:aws:*:topic"})", false},
           Row{R"("ArnNotLike":{"arn":"arn:aws:sqs:*:*:*"})", true},
           Row{R"("Null":{"k":"false"})", true},
           Row{R"("Null":{"missing":"true"})", true},
           Row{R"("Null":{"k":"true"})", false},
           Row{R"("ForAnyValue:StringEquals":{"many":["b","c"]})", true},
           Row{R"("ForAnyValue:StringEquals":{"many":["c"]})", false},
           Row{R"("ForAnyValue:StringEquals":{"missing":["c"]})", false},
           Row{R"("ForAllValues:StringEquals":{"many":["a","b","c"]})", true},
           Row{R"("ForAllValues:StringEquals":{"many":["a"]})", false},
           Row{R"("ForAllValues:StringEquals":{"missing":["a"]})", true},
           Row{R"("ForAllValues:StringNotEquals":{"many":["c"]})", true},
           Row{R"("ForAnyValue:StringNotEquals":{"many":["a"]})", true},
           Row{R"("ForAllValues:StringLikeIfExists":{"many":["?"]})", true},
           Row{R"("StringEquals":{"k":"Value"},"Bool":{"b":"false"})", false},
       }) {
    EXPECT_EQ(
        ask(one(fmt::format(R"("Action":"*","Resource":"*","Condition":{{{}}})", row.condition)), "a:B", "*", context).allowed(),
        row.holds)
        << row.condition;
  }
}

TEST(Policy, Principals) {
  const PolicyRequester role{"111122223333",
                             "arn:aws:sts::111122223333:assumed-role/r/s",
                             "arn:aws:iam::111122223333:role/r",
                             "AROAEXAMPLEEXAMPLE:s",
                             {},
                             false};
  const PolicyRequester user{"111122223333", "arn:aws:iam::111122223333:user/ana", {}, "AIDAEXAMPLEEXAMPLE", {}, false};
  const PolicyRequester root{"111122223333", "arn:aws:iam::111122223333:root", {}, "111122223333", {}, true};
  PolicyRequester service;
  service.service = "events.amazonaws.com";
  struct Row {
    const char* principal;
    const PolicyRequester* who;
    PolicyGrant grant;
  };
  for (const auto& row : {
           Row{R"("*")", &user, PolicyGrant::direct},
           Row{R"("*")", &service, PolicyGrant::direct},
           Row{R"({"AWS":"*"})", &user, PolicyGrant::direct},
           Row{R"({"AWS":"111122223333"})", &user, PolicyGrant::account},
           Row{R"({"AWS":"arn:aws:iam::111122223333:root"})", &role, PolicyGrant::account},
           Row{R"({"AWS":"arn:aws:iam::111122223333:root"})", &root, PolicyGrant::direct},
           Row{R"({"AWS":"arn:aws:iam::999999999999:root"})", &user, PolicyGrant::none},
           Row{R"({"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/r"]})", &role, PolicyGrant::role},
           Row{R"({"AWS":"arn:aws:sts::111122223333:assumed-role/r/s"})", &role, PolicyGrant::direct},
           Row{R"({"AWS":"arn:aws:iam::111122223333:user/ana"})", &user, PolicyGrant::direct},
           Row{R"({"AWS":"AROAEXAMPLEEXAMPLE"})", &role, PolicyGrant::role},
           Row{R"({"Service":"events.amazonaws.com"})", &service, PolicyGrant::direct},
           Row{R"({"Service":["lambda.amazonaws.com"]})", &service, PolicyGrant::none},
           Row{R"({"Service":"events.amazonaws.com"})", &user, PolicyGrant::none},
           Row{R"({"Federated":"cognito-identity.amazonaws.com"})", &user, PolicyGrant::none},
       }) {
    const auto verdict = ask(one(fmt::format(R"("Principal":{},"Action":"sqs:*")", row.principal)), "sqs:SendMessage", "arn:x",
                             {}, *row.who, PolicyKind::resource);
    EXPECT_EQ(verdict.grant, row.grant) << row.principal;
  }
  const auto deny =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:user/ana","arn:aws:iam::111122223333:root"]},"Action":"s3:*","Resource":"*"}})";
  EXPECT_FALSE(ask(deny, "s3:GetObject", "*", {}, user, PolicyKind::resource).denied());
  EXPECT_TRUE(ask(deny, "s3:GetObject", "*", {}, role, PolicyKind::resource).denied());
}

TEST(Policy, SaysWhatIsWrong) {
  struct Row {
    const char *document, *error;
    PolicyKind kind = PolicyKind::identity;
  };
  for (
      const auto& row : {
          Row{"", "Syntax errors in policy."},
          Row{"{", "This policy contains invalid Json", PolicyKind::trust},
          Row{"[]", "Syntax errors in policy."},
          Row{R"({"Version":"2012-10-17"})", "Syntax errors in policy."},
          Row{R"({"Version":"2012-10-17","Statement":[]})", "Syntax errors in policy."},
          Row{R"({"Version":"2013-10-17","Statement":{}})", "Syntax errors in policy."},
          Row{R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})",
              "Policy document must be version 2012-10-17 or greater."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Extra":1}})",
              "Syntax errors in policy."},
          Row{R"({"Version":"2012-10-17","Statement":{"Action":"*","Resource":"*"}})", "Syntax errors in policy."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"*","Resource":"*"}})",
              "The policy failed legacy parsing"},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*"}})",
              "Policy statement must contain actions."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*"}})",
              "Policy statement must contain resources."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"bad","Resource":"*"}})",
              "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a a:x","Resource":"*"}})",
              "Vendor a a is not valid"},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b:c","Resource":"*"}})",
              "Actions/Condition can contain only one colon."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}})",
              "Resource bucket must be in ARN format or \"*\"."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:error:s3:::example_bucket"}})",
              "Partition \"error\" is not valid for resource \"arn:error:s3:::example_bucket\"."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:b:c:d:e:f:g:h"}})",
              "Partition \"b\" is not valid for resource \"arn:b:c:d:e:f:g:h\"."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws"}})",
              "Resource vendor must be fully qualified and cannot contain regexes."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}})",
              "Policy document should not specify a principal."},
          Row{R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]})",
              "Statement IDs (SID) in a single policy must be unique."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Nope":{"k":"v"}}}})",
              "Syntax errors in policy."},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateEquals":{"k":"soon"}}}})",
              "The policy failed legacy parsing"},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}})",
              "Missing required field Principal", PolicyKind::trust},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}})",
              "Has prohibited field Resource", PolicyKind::trust},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}})",
              "AssumeRole policy may only specify STS AssumeRole actions.", PolicyKind::trust},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"nobody"},"Action":"sts:AssumeRole"}})",
              "Invalid principal in policy: \"AWS\":\"nobody\"", PolicyKind::trust},
          Row{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}})",
              "Invalid principal in policy: \"Service\":\"lambda\"", PolicyKind::trust},
      }) {
    EXPECT_EQ(error_of(row.document, row.kind), row.error) << row.document;
  }
  EXPECT_EQ(error_of(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":")" +
                     std::string(300 << 10, 'x') + "\"}}"),
            "Syntax errors in policy.");
}

}  // namespace
}  // namespace lambari::lang
