#include "front/admin.h"

#include <gtest/gtest.h>

#include "async/loops.h"
#include "front/fakes.h"

namespace lambari::front {
namespace {

class AdminTest : public testing::Test {
 protected:
  http::Response serve(http::Request request) {
    EXPECT_TRUE(Admin::owns(request));
    http::Response response;
    loops.run(one(admin, std::move(request), response));
    return response;
  }
  static async::Task<> one(Admin& admin, http::Request request, http::Response& response) {
    response = co_await admin.serve(std::move(request));
  }

  static http::Request request(std::string method, std::string target, std::string body = {}) {
    http::Request made;
    made.method = std::move(method);
    made.target = std::move(target);
    made.body = std::move(body);
    made.remote_address = "127.0.0.1";
    made.headers.set("Host", "localhost:4566");
    if (made.method == "POST") made.headers.set("X-Lambari", "1");
    return made;
  }

  async::Loops loops{1, 1};
  base::Clock clock;
  fakes::Scene scene;
  Metrics metrics{{}, {}};
  Admin admin{scene, clock, metrics};
};

TEST_F(AdminTest, OwnsItsPathsOnly) {
  EXPECT_TRUE(Admin::owns(request("GET", "/_localstack/health?reload")));
  EXPECT_FALSE(Admin::owns(request("GET", "/_localstack/healthy")));
  EXPECT_FALSE(Admin::owns(request("GET", "/_lambari")));
  EXPECT_FALSE(Admin::owns(request("GET", "/")));
}

TEST_F(AdminTest, HealthIsForEverybody) {
  auto far = request("GET", "/_localstack/health");
  far.remote_address = "10.0.0.9";
  far.headers.set("Host", "lambari.example");
  auto response = serve(far);
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find(R"("things":"running")"), std::string::npos) << response.body;
  EXPECT_EQ(serve(request("HEAD", "/_lambari/health")).status, 200);
  far.target = "/_lambari/ca.pem";
  EXPECT_EQ(serve(far).body, "-----BEGIN CERTIFICATE-----\n");
}

TEST_F(AdminTest, PagesAreGuarded) {
  auto rebound = request("GET", "/_lambari/metrics");
  rebound.headers.set("Host", "evil.example:4566");
  EXPECT_EQ(serve(rebound).status, 403);
  auto far = request("GET", "/_lambari/metrics");
  far.remote_address = "10.0.0.9";
  far.headers.set("Host", "10.0.0.5:4566");
  EXPECT_EQ(serve(far).status, 200);
  far.target = "/_lambari/status";
  EXPECT_EQ(serve(far).status, 403);
  auto behind_proxy = request("GET", "/_lambari/status");
  behind_proxy.headers.set("X-Forwarded-For", "10.0.0.9");
  EXPECT_EQ(serve(behind_proxy).status, 403);
  auto function = request("GET", "/_lambari/status");
  function.listener = "env:3";
  EXPECT_EQ(serve(function).status, 403);
}

TEST_F(AdminTest, ForeignPagesCannotChangeAnything) {
  for (auto target : {"/_lambari/stop", "/_lambari/nuke", "/_lambari/clock"}) {
    auto forged = request("POST", target, R"({"reset":true})");
    forged.headers.remove("X-Lambari");
    EXPECT_EQ(serve(forged).status, 403) << target;
    auto far = request("POST", target);
    far.remote_address = "10.0.0.9";
    EXPECT_EQ(serve(far).status, 403) << target;
  }
  // The preflight that X-Lambari forces is not answered.
  auto ask = request("OPTIONS", "/_lambari/nuke");
  EXPECT_EQ(serve(ask).status, 405);
  EXPECT_EQ(scene.stops + scene.nukes, 0);
}

TEST_F(AdminTest, StopNukeAndPages) {
  EXPECT_EQ(serve(request("POST", "/_lambari/stop")).status, 202);
  EXPECT_EQ(serve(request("POST", "/_lambari/nuke")).status, 200);
  EXPECT_EQ(scene.stops, 1);
  EXPECT_EQ(scene.nukes, 1);
  EXPECT_EQ(serve(request("GET", "/_lambari/nuke")).status, 405);
  EXPECT_EQ(serve(request("GET", "/_lambari/nothing")).status, 404);
  EXPECT_NE(serve(request("GET", "/_lambari/metrics")).body.find("extra 1\n"), std::string::npos);
  EXPECT_NE(serve(request("GET", "/_lambari/status")).body.find(R"("requests":0)"), std::string::npos);
  EXPECT_EQ(serve(request("GET", "/_lambari/packages/good")).body, "zip");
  EXPECT_EQ(serve(request("GET", "/_lambari/packages/bad")).status, 404);
}

TEST_F(AdminTest, ClockMoves) {
  auto before = clock.now();
  auto moved = serve(request("POST", "/_lambari/clock", R"({"advance":"1d6h"})"));
  EXPECT_EQ(moved.status, 200) << moved.body;
  EXPECT_NE(moved.body.find(R"("offset_seconds":108000)"), std::string::npos) << moved.body;
  EXPECT_GE(clock.now().ms - before.ms, 108'000'000);
  EXPECT_EQ(serve(request("POST", "/_lambari/clock", R"({"reset":true})")).status, 200);
  EXPECT_EQ(clock.offset().count(), 0);
  for (auto body :
       {"", "{}", "[]", R"({"advance":"-6h"})", R"({"advance":6})", R"({"advance":"999999999999d"})", R"({"reset":false})"})
    EXPECT_EQ(serve(request("POST", "/_lambari/clock", body)).status, 400) << body;
}

}  // namespace
}  // namespace lambari::front
