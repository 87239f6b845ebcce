#include "app/proxy.h"

#include <gtest/gtest.h>

#include "async/loops.h"

namespace lambari::app {
namespace {

using Way = http::Onward::Way;

TEST(Proxy, StandsInForAwsAndForItself) {
  const ProxyRules strict{.own_port = 4566};
  struct Case {
    const char* host;
    std::uint16_t port;
    Way way;
  };
  for (const auto& [host, port, way] : {
           Case{"sqs.us-east-1.amazonaws.com", 443, Way::serve},
           Case{"bucket.s3.amazonaws.com", 80, Way::serve},
           Case{"localhost", 4566, Way::serve},
           Case{"127.0.0.1", 4566, Way::serve},
           Case{"api.localhost", 4566, Way::serve},
           Case{"127.0.0.1", 22, Way::refuse},
           Case{"localhost", 443, Way::refuse},
           Case{"example.com", 443, Way::refuse},
           Case{"example.com", 4566, Way::refuse},
           Case{"evilamazonaws.com", 443, Way::refuse},
       }) {
    EXPECT_EQ(onward(strict, host, port).way, way) << host << ":" << port;
    EXPECT_EQ(onward({.any = true, .own_port = 4566}, host, port).way, way == Way::refuse ? Way::tunnel : way) << host;
  }
  EXPECT_NE(onward(strict, "example.com", 443).reason.find("--proxy any"), std::string::npos);
}

http::Request absolute(const std::string& host) {
  http::Request request;
  request.absolute = true;
  request.headers.add("Host", host);
  return request;
}

TEST(Proxy, KnowsWhatIsForAnother) {
  const ProxyRules rules{.own_port = 4566};
  EXPECT_FALSE(is_for_another(rules, absolute("sqs.us-east-1.amazonaws.com")));
  EXPECT_FALSE(is_for_another(rules, absolute("api.localhost")));
  EXPECT_FALSE(is_for_another(rules, absolute("myhost:4566")));
  EXPECT_TRUE(is_for_another(rules, absolute("example.com")));
  EXPECT_TRUE(is_for_another(rules, absolute("[::2]:81")));
  auto origin_form = absolute("example.com");
  origin_form.absolute = false;
  EXPECT_FALSE(is_for_another(rules, origin_form));
}

TEST(Proxy, PassesOnOrRefuses) {
  async::Loops loops(1);
  http::Client client(loops);
  http::Server other(loops, [](http::Request request) -> async::Task<http::Response> {
    http::Response response;
    response.body =
        request.target + (request.headers.has("Proxy-Connection") ? " bad" : " ") + std::string(request.headers.get("Via"));
    co_return response;
  });
  const auto authority = "127.0.0.1:" + std::to_string(other.listen("127.0.0.1", 0));
  auto ask = [&](ProxyRules rules, const std::string& host) {
    http::Response response;
    loops.run([](ProxyRules rules, http::Client& client, std::string host, http::Response& into) -> async::Task<> {
      auto request = absolute(host);
      request.target = "/a?b";
      request.headers.add("Proxy-Connection", "keep-alive");
      into = co_await pass_on(rules, client, std::move(request));
    }(rules, client, host, response));
    return response;
  };
  EXPECT_EQ(ask({}, authority).status, 403);
  EXPECT_EQ(ask({.any = true}, authority).body, "/a?b 1.1 lambari");
  EXPECT_EQ(ask({.any = true}, "127.0.0.1:1").status, 502);
  loops.stop();
}

}  // namespace
}  // namespace lambari::app
