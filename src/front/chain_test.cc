#include "front/chain.h"

#include <gtest/gtest.h>

#include "async/loops.h"
#include "front/fakes.h"
#include "wire/sigv4.h"

namespace lambari::front {
namespace {

using fakes::kLeaves, fakes::kRecords, fakes::kThings;

class ChainTest : public testing::Test {
 protected:
  ChainTest() {
    contracts::Secret root;
    root.principal.kind = contracts::Principal::Kind::root;
    root.principal.account = "000000000000";
    root.principal.arn = "arn:aws:iam::000000000000:root";
    root.secret_access_key = "test";
    keys.keys["test"] = root;
    contracts::Secret session;
    session.principal.kind = contracts::Principal::Kind::assumed_role;
    session.principal.account = "000000000000";
    session.secret_access_key = "session-secret";
    session.session_token = "session-token";
    session.expires = base::Timestamp{clock.now().ms + 3'600'000};
    keys.keys["ASIASESSION"] = session;
  }

  http::Response serve(http::Request request) { return serve_by(chain(), std::move(request)); }

  http::Response serve_by(Chain& by, http::Request request) {
    http::Response response;
    loops.run(one(by, std::move(request), response));
    return response;
  }

  static async::Task<> one(Chain& by, http::Request request, http::Response& response) {
    response = co_await by.serve(std::move(request));
  }

  Chain& chain() {
    if (!chain_)
      chain_ = std::make_unique<Chain>(Dependencies{.router = router,
                                                    .doors = {{"own-host", &door}},
                                                    .credentials = keys,
                                                    .authorizer = judge,
                                                    .clock = clock,
                                                    .backstage = scene,
                                                    .auth = auth,
                                                    .explain = explain});
    return *chain_;
  }

  static http::Request local(std::string method, std::string target) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers.set("Host", "localhost:4566");
    request.remote_address = "127.0.0.1";
    return request;
  }
  static http::Request query(std::string action) {
    auto request = local("POST", "/");
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = "Action=" + action + "&Version=2011-06-15";
    return request;
  }
  static http::Request json(std::string operation) {
    auto request = local("POST", "/");
    request.headers.set("Content-Type", "application/x-amz-json-1.1");
    request.headers.set("X-Amz-Target", "Records_20140328." + operation);
    request.body = "{}";
    return request;
  }
  http::Request signed_(http::Request request, const std::string& service, wire::SigningKey key = {"test", "test", ""}) {
    base::Clock machine;
    wire::sign(request, key, "eu-west-1", service, machine.now());
    return request;
  }

  async::Loops loops{1, 1};
  base::Clock clock;
  fakes::Room things{kThings}, records{kRecords}, leaves{kLeaves};
  wire::Router router{{&things, &records, &leaves}};
  fakes::Keys keys;
  fakes::Judge judge;
  fakes::Scene scene;
  fakes::OwnHost door;
  Auth auth = Auth::strict;
  std::function<std::optional<wire::Fault>(const std::exception&)> explain;
  std::unique_ptr<Chain> chain_;
};

TEST_F(ChainTest, SignedCallReachesItsRoomWithItsCaller) {
  auto response = serve(signed_(query("GetThing"), "things"));
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(things.calls, 1);
  EXPECT_EQ(things.last.region, "eu-west-1");
  EXPECT_EQ(things.last.account, "000000000000");
  EXPECT_EQ(things.last.principal.arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(things.last.host, "localhost:4566");
  EXPECT_FALSE(things.last.request_id.empty());
  EXPECT_EQ(judge.asked, std::vector<std::string>{"things:GetThing"});
  EXPECT_TRUE(response.headers.has("x-amzn-RequestId"));
}

TEST_F(ChainTest, RefusalsAreSpelledAsTheServiceSpellsThem) {
  struct Case {
    http::Request request;
    int status;
    std::string code;
  };
  auto rest = local("GET", "/2015-03-31/leaves");
  std::vector<Case> cases = {
      {query("GetThing"), 403, "MissingAuthenticationToken"},
      {json("GetThing"), 400, "MissingAuthenticationTokenException"},
      {rest, 403, "MissingAuthenticationTokenException"},
      {signed_(query("GetThing"), "things", {"AKIAUNKNOWN", "x", ""}), 403, "InvalidClientTokenId"},
      {signed_(json("GetThing"), "records", {"AKIAUNKNOWN", "x", ""}), 400, "UnrecognizedClientException"},
      {signed_(rest, "leaves", {"AKIAUNKNOWN", "x", ""}), 403, "UnrecognizedClientException"},
      {signed_(query("GetThing"), "things", {"test", "wrong", ""}), 403, "SignatureDoesNotMatch"},
      {signed_(json("GetThing"), "records", {"test", "wrong", ""}), 400, "InvalidSignatureException"},
      {signed_(rest, "leaves", {"test", "wrong", ""}), 403, "InvalidSignatureException"},
  };
  for (auto& [request, status, code] : cases) {
    auto response = serve(request);
    auto seen = response.body + std::string(response.headers.get("x-amzn-ErrorType"));
    EXPECT_EQ(response.status, status) << code << "\n" << seen;
    EXPECT_NE(seen.find(code), std::string::npos) << code << "\n" << seen;
  }
  EXPECT_EQ(things.calls + records.calls + leaves.calls, 0);
}

TEST_F(ChainTest, SessionTokenBelongsToItsKey) {
  EXPECT_EQ(serve(signed_(query("GetThing"), "things", {"ASIASESSION", "session-secret", "session-token"})).status, 200);
  EXPECT_EQ(serve(signed_(query("GetThing"), "things", {"ASIASESSION", "session-secret", "other"})).status, 403);
  EXPECT_EQ(serve(signed_(query("GetThing"), "things", {"ASIASESSION", "session-secret", ""})).status, 403);
  // Tutorials set a token beside the root key.
  EXPECT_EQ(serve(signed_(query("GetThing"), "things", {"test", "test", "test"})).status, 200);
}

TEST_F(ChainTest, ClockMovesExpiryButNotSignatures) {
  clock.advance(std::chrono::hours(2));
  auto expired = serve(signed_(query("GetThing"), "things", {"ASIASESSION", "session-secret", "session-token"}));
  EXPECT_EQ(expired.status, 403);
  EXPECT_NE(expired.body.find("ExpiredToken"), std::string::npos) << expired.body;
  EXPECT_EQ(serve(signed_(query("GetThing"), "things")).status, 200);
}

TEST_F(ChainTest, DenialSaysWhy) {
  judge.allow = false;
  auto response = serve(signed_(query("GetThing"), "things"));
  EXPECT_EQ(response.status, 403);
  EXPECT_NE(response.body.find("<Code>AccessDenied</Code>"), std::string::npos) << response.body;
  EXPECT_NE(response.body.find("not authorized to perform: things:GetThing"), std::string::npos) << response.body;
  EXPECT_EQ(things.calls, 0);
}

TEST_F(ChainTest, OperationThatNeedsNoPermissionIsNotJudged) {
  judge.allow = false;
  things.free = true;
  EXPECT_EQ(serve(signed_(query("GetThing"), "things")).status, 200);
  EXPECT_EQ(serve(query("OpenThing")).status, 200);
  EXPECT_EQ(things.last.principal.kind, contracts::Principal::Kind::anonymous);
  EXPECT_TRUE(judge.asked.empty());
}

TEST_F(ChainTest, OperationNotBuiltIsNamedAndCounted) {
  auto query_answer = serve(signed_(query("LaterThing"), "things"));
  EXPECT_EQ(query_answer.status, 501);
  EXPECT_NE(query_answer.body.find("lambari does not serve things:LaterThing yet"), std::string::npos) << query_answer.body;
  auto rest_answer = serve(local("POST", "/2014-11-13/leaves/invoke-async"));
  EXPECT_EQ(rest_answer.status, 501);
  EXPECT_NE(rest_answer.body.find("lambari does not serve leaves:InvokeAsync yet"), std::string::npos) << rest_answer.body;
  EXPECT_NE(chain().metrics().prometheus().find("lambari_unserved_total{service=\"leaves\",operation=\"InvokeAsync\"} 1"),
            std::string::npos);
}

TEST_F(ChainTest, WhatIsNotAnOperationIsSaidInTheCallersProtocol) {
  auto json_answer = serve(signed_(json("NoSuchThing"), "records"));
  EXPECT_EQ(json_answer.status, 400);
  EXPECT_NE(json_answer.body.find("UnknownOperationException"), std::string::npos) << json_answer.body;
  EXPECT_EQ(serve(local("GET", "/nothing/here")).status, 404);
  // A service that is not there is named, and so is what was asked of it.
  auto form = local("POST", "/");
  form.body = "Action=DescribeStacks&Version=2010-05-15";
  form.headers.set("Authorization",
                   "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request, Signature=0");
  EXPECT_EQ(serve(form).status, 501);
  EXPECT_NE(serve(form).body.find("lambari does not serve cloudformation:DescribeStacks yet"), std::string::npos)
      << serve(form).body;
  form.target = "/bucket/key?x-id=GetObject";
  form.body.clear();
  auto object = form;
  object.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, Signature=0");
  EXPECT_NE(serve(object).body.find(
                "<Error><Code>NotImplementedException</Code><Message>lambari does not serve s3 (POST) yet</Message>"),
            std::string::npos)
      << serve(object).body;
  EXPECT_NE(serve(form).body.find("lambari does not serve cloudformation (POST) yet"), std::string::npos) << serve(form).body;
}

TEST_F(ChainTest, FaultsPassAndAccidentsDoNot) {
  things.fault = wire::Fault("NoSuchEntity", "There is no such thing.", 404);
  auto fault = serve(signed_(query("GetThing"), "things"));
  EXPECT_EQ(fault.status, 404);
  EXPECT_NE(fault.body.find("There is no such thing."), std::string::npos);
  things.fault.reset();
  things.break_down = true;
  auto accident = serve(signed_(query("GetThing"), "things"));
  EXPECT_EQ(accident.status, 500);
  EXPECT_NE(accident.body.find("InternalFailure"), std::string::npos);
  EXPECT_EQ(accident.body.find("secret"), std::string::npos) << accident.body;
}

TEST_F(ChainTest, AppExplainsExceptionsOfEngines) {
  explain = [](const std::exception&) { return wire::Fault("ServiceUnavailable", "try later", 503); };
  things.break_down = true;
  auto response = serve(signed_(query("GetThing"), "things"));
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find("ServiceUnavailable"), std::string::npos);
}

TEST_F(ChainTest, OpenAuthBelievesEverybodyButForeignPages) {
  auth = Auth::open;
  EXPECT_EQ(serve(query("GetThing")).status, 200);
  EXPECT_EQ(things.last.principal.kind, contracts::Principal::Kind::root);
  EXPECT_EQ(things.last.region, "us-east-1");
  EXPECT_EQ(serve(signed_(query("GetThing"), "things", {"AKIAUNKNOWN", "wrong", ""})).status, 200);
  EXPECT_EQ(things.last.region, "eu-west-1");
  auto foreign = query("GetThing");
  foreign.headers.set("Origin", "https://evil.example");
  EXPECT_EQ(serve(foreign).status, 403);
  auto own = query("GetThing");
  own.headers.set("Origin", "http://localhost:3000");
  EXPECT_EQ(serve(own).status, 200);
  EXPECT_EQ(things.calls, 3);
}

TEST_F(ChainTest, DoorsComeFirstAndOwnTheirHostsWhole) {
  auto request = local("OPTIONS", "/_lambari/health?x=1");
  request.headers.set("Host", "api.execute-api.localhost");
  request.headers.set("Origin", "http://localhost:3000");
  request.headers.set("Access-Control-Request-Method", "GET");
  EXPECT_EQ(chain().body_limit(request), 1234u);
  EXPECT_EQ(serve(request).body, "door OPTIONS /_lambari/health?x=1");
  door.break_down = true;
  auto broken = serve(request);
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.body.find("secret"), std::string::npos);
  EXPECT_NE(chain().metrics().prometheus().find("service=\"own-host\",operation=\"request\",outcome=\"failed\"} 1"),
            std::string::npos);
}

TEST_F(ChainTest, BrowsersOfThisMachineGetIn) {
  auto ask = local("OPTIONS", "/");
  ask.headers.set("Origin", "http://localhost:5173");
  ask.headers.set("Access-Control-Request-Method", "POST");
  ask.headers.set("Access-Control-Request-Headers", "authorization,x-amz-date");
  auto answer = serve(ask);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.headers.get("Access-Control-Allow-Origin"), "http://localhost:5173");
  EXPECT_EQ(answer.headers.get("Access-Control-Allow-Headers"), "authorization,x-amz-date");
  ask.headers.set("Origin", "https://evil.example");
  EXPECT_EQ(serve(ask).status, 403);
  auto call = signed_(query("GetThing"), "things");
  call.headers.set("Origin", "http://localhost:5173");
  EXPECT_EQ(serve(call).headers.get("Access-Control-Allow-Origin"), "http://localhost:5173");
  call.headers.set("Origin", "https://evil.example");
  EXPECT_FALSE(serve(call).headers.has("Access-Control-Allow-Origin"));
}

TEST_F(ChainTest, FunctionsPassTheSameChain) {
  auto request = signed_(query("GetThing"), "things");
  request.listener = "env:1";
  EXPECT_EQ(serve(request).status, 200);
  // But for the key that everybody knows.
  for (auto& [id, secret] : keys.keys) secret.well_known = true;
  const auto refused = serve(request);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("InvalidClientTokenId"), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find("A function has the credentials of its role"), std::string::npos) << refused.body;
  EXPECT_EQ(serve(signed_(query("GetThing"), "things")).status, 200);
  auto admin = local("GET", "/_lambari/status");
  admin.listener = "env:1";
  EXPECT_EQ(serve(admin).status, 403);
}

TEST_F(ChainTest, LatencyIsCountedByOperation) {
  serve(signed_(query("GetThing"), "things"));
  serve(query("GetThing"));
  auto text = chain().metrics().prometheus();
  EXPECT_NE(text.find("lambari_requests_total{service=\"things\",operation=\"GetThing\",outcome=\"served\"} 1"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("lambari_requests_total{service=\"things\",operation=\"GetThing\",outcome=\"refused\"} 1"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("lambari_request_seconds_count{service=\"things\",operation=\"GetThing\"} 2"), std::string::npos) << text;
  EXPECT_EQ(text.find("LaterThing"), std::string::npos);
  EXPECT_EQ(chain().metrics().requests(), 2u);
}

}  // namespace
}  // namespace lambari::front
