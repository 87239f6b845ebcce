#include "http/parser.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

namespace lambari::http {
namespace {

using State = RequestParser::State;

// Feeds `bytes` in steps of `step` and says where the parser stands, accepting bodies up to `limit`.
State run(RequestParser& parser, const std::string& bytes, std::size_t step, std::size_t limit = 1000) {
  std::string window;
  for (std::size_t at = 0; at < bytes.size() || !window.empty();) {
    bool more = at < bytes.size();
    window += bytes.substr(at, step);
    at = std::min(at + step, bytes.size());
    for (;;) {
      window.erase(0, parser.feed(window));
      if (parser.state() != State::ready) break;
      parser.accept_body(limit);
    }
    if (parser.state() == State::done || parser.state() == State::failed || !more) break;
  }
  return parser.state();
}

int status_of(const std::string& bytes, std::size_t limit = 1000) {
  int result = -1;
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size() + 1}) {
    RequestParser parser(2000, 20);
    auto state = run(parser, bytes, step, limit);
    int status = state == State::done ? 200 : state == State::failed ? parser.status() : 0;
    if (result == -1) result = status;
    EXPECT_EQ(status, result) << "in steps of " << step << ": " << bytes;
  }
  return result;
}

TEST(RequestParser, ReadsARequest) {
  RequestParser parser(2000, 20);
  ASSERT_EQ(run(parser,
                "\r\nPOST /a/b?c=d%20e HTTP/1.1\r\nhost: x:80\r\nX-Two:  a b \t\r\nX-Two:\r\nContent-Length: 5\r\n\r\nhello", 3),
            State::done);
  EXPECT_TRUE(parser.keep_alive());
  auto request = parser.take();
  EXPECT_EQ(parser.state(), State::idle);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a/b?c=d%20e");
  EXPECT_EQ(request.path(), "/a/b");
  EXPECT_EQ(request.query(), "c=d%20e");
  EXPECT_EQ(request.host(), "x");
  EXPECT_EQ(request.body, "hello");
  EXPECT_THAT(request.headers.all("x-two"), testing::ElementsAre("a b", ""));
  EXPECT_EQ(request.headers.begin()->name, "host");
}

TEST(RequestParser, ReadsChunksAndDropsTrailers) {
  for (std::size_t step : {1, 2, 3, 4, 5, 1000}) {
    RequestParser parser(2000, 20);
    ASSERT_EQ(run(parser,
                  "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                  "4\r\nWiki\r\n6;name=value;q=\"x y\"\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX-Trailer: 1\r\n\r\n",
                  step),
              State::done);
    auto request = parser.take();
    EXPECT_EQ(request.body, "Wikipedia in \r\n\r\nchunks.");
    EXPECT_FALSE(request.headers.has("X-Trailer"));
  }
}

TEST(RequestParser, GoesOnWithThePipelinedOne) {
  RequestParser parser(2000, 20);
  std::string bytes = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nrest";
  bytes.erase(0, parser.feed(bytes));
  ASSERT_EQ(parser.state(), State::done);
  EXPECT_EQ(parser.take().target, "/1");
  bytes.erase(0, parser.feed(bytes));
  ASSERT_EQ(parser.state(), State::done);
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_EQ(parser.take().target, "/2");
  EXPECT_EQ(bytes, "rest");
}

TEST(RequestParser, KeepAliveByVersion) {
  auto keeps = [](const std::string& head) {
    RequestParser parser(2000, 20);
    EXPECT_EQ(run(parser, head + "\r\n", 1000), State::done) << head;
    return parser.keep_alive();
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, close\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"));
}

TEST(RequestParser, ReducesTargets) {
  auto reduce = [](const std::string& line, std::string host = "other") {
    RequestParser parser(2000, 20);
    EXPECT_EQ(run(parser, line + " HTTP/1.1\r\nHost: other\r\n\r\n", 1000), State::done) << line;
    auto request = parser.take();
    return request.target + " at " + std::string(request.headers.get("Host"));
  };
  EXPECT_EQ(reduce("GET http://sqs.localhost:4566/q?x=1"), "/q?x=1 at sqs.localhost:4566");
  EXPECT_EQ(reduce("GET HTTPS://a"), "/ at a");
  EXPECT_EQ(reduce("GET http://a?b"), "/?b at a");
  EXPECT_EQ(reduce("OPTIONS *"), "* at other");
  EXPECT_EQ(reduce("OPTIONS http://a"), "* at a");
  EXPECT_EQ(reduce("CONNECT a:443"), "/ at a:443");
  EXPECT_EQ(reduce("GET //double/slash"), "//double/slash at other");
}

TEST(RequestParser, RefusesWhatTwoParsersReadDifferently) {
  const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n", post = "POST / HTTP/1.1\r\nHost: x\r\n";
  struct Case {
    const char* what;
    std::string bytes;
    int status;
  } cases[] = {
      {"plain", get + "\r\n", 200},
      {"length and coding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
      {"same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200},
      {"length list", post + "Content-Length: 5, 5\r\n\r\nhello", 400},
      {"signed length", post + "Content-Length: +5\r\n\r\nhello", 400},
      {"negative length", post + "Content-Length: -5\r\n\r\nhello", 400},
      {"hex length", post + "Content-Length: 0x5\r\n\r\nhello", 400},
      {"empty length", post + "Content-Length:\r\n\r\n", 400},
      {"overflowing length", post + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {"coding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked not last", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501},
      {"unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"coding beside chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"obscured coding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {"coding with a control character",
       post + "Transfer-Encoding:\x0b"
              "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"space before colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
      {"obs-fold", get + "X: a\r\n b\r\n\r\n", 400},
      {"obs-fold with tab", get + "X: a\r\n\tb\r\n\r\n", 400},
      {"obs-fold before first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400},
      {"bare LF in a field", get + "X: a\nY: b\r\n\r\n", 400},
      {"bare CR in a field", get + "X: a\rY: b\r\n\r\n", 400},
      {"NUL in a value", get + std::string("X: a\0b\r\n\r\n", 10), 400},
      {"DEL in a value", get + "X: a\x7f\r\n\r\n", 400},
      {"UTF-8 in a value", get + "X: \xc3\xa9\r\n\r\n", 200},
      {"bad name", get + "X(): a\r\n\r\n", 400},
      {"empty name", get + ": a\r\n\r\n", 400},
      {"no colon", get + "nothing\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", get + "Host: x\r\n\r\n", 400},
      {"bad host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host with space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"no host in 1.0", "GET / HTTP/1.0\r\n\r\n", 200},
      {"userinfo in target", "GET http://u@h/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"other scheme", "GET ftp://h/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"star for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"trailing word", "GET / x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"version 2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"version 1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"bad version", "GET / HTTP/1.x\r\nHost: x\r\n\r\n", 400},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"bad method", "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"bad chunk size", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", 400},
      {"negative chunk size", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n", 400},
      {"huge chunk size", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk ends late", post + "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk size then LF", post + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400},
      {"LF inside an extension", post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", 400},
      {"length in a trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", 400},
      {"unknown expectation", post + "Content-Length: 1\r\nExpect: tea\r\n\r\nx", 417},
  };
  for (const auto& each : cases) EXPECT_EQ(status_of(each.bytes), each.status) << each.what;
}

TEST(RequestParser, HoldsItsLimits) {
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n", many = head;
  for (int i = 0; i < 30; ++i) many += "X: y\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
  EXPECT_EQ(status_of(head + "X: " + std::string(2500, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of(head + "X: " + std::string(2500, 'a')), 431);
  EXPECT_EQ(status_of("GET /" + std::string(2500, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 431);
  EXPECT_EQ(status_of(head + "Content-Length: 1001\r\n\r\n"), 413);
  EXPECT_EQ(status_of(head + "Content-Length: 1000\r\n\r\n" + std::string(1000, 'a')), 200);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n3E9\r\n"), 413);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n3E0\r\n" + std::string(0x3e0, 'a') + "\r\n9\r\n"), 413);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(2500, 'a')), 400);
  EXPECT_EQ(status_of(head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(2500, 'a')), 400);
  EXPECT_EQ(status_of(head), 0);
}

TEST(RequestParser, KnowsExpectations) {
  RequestParser parser(2000, 20);
  parser.feed("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n");
  ASSERT_EQ(parser.state(), State::ready);
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.content_length(), 3u);
}

}  // namespace
}  // namespace lambari::http
