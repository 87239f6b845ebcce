#include "http/server.h"

#include <gmock/gmock.h>
#include <sys/un.h>

#include <atomic>
#include <filesystem>
#include <system_error>
#include <thread>

#include "async/gate.h"
#include "http/raw_socket.h"

namespace lambari::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Pieces "0,", "1," ... with a pause before each but the first.
class Counting : public BodySource {
 public:
  Counting(int count, std::chrono::milliseconds pause) : count_(count), pause_(pause) {}
  async::Task<std::string> next() override {
    if (at_ > 0 && pause_ > 0ms) co_await async::sleep_for(pause_);
    if (at_ == count_) co_return "";
    if (count_ < 0 && at_ == 2) throw std::runtime_error("source broke");
    co_return std::to_string(at_++) + ",";
  }

 private:
  int count_, at_ = 0;
  std::chrono::milliseconds pause_;
};

// A server whose paths do what the tests need.
class ServerTest : public testing::Test {
 protected:
  void start(Limits limits = {}, ChooseBody choose_body = {}) {
    server_ =
        std::make_unique<Server>(loops_, [this](Request request) { return handle(std::move(request)); }, limits, choose_body);
    port_ = server_->listen("127.0.0.1", 0);
  }

  async::Task<Response> handle(Request request) {
    ++handled_;
    Response response;
    if (request.path() == "/slow") {
      co_await async::sleep_for(100ms);
      response.body = "slow";
    } else if (request.path() == "/hold") {
      co_await release_.wait(release_.ticket(), 20s);
      response.body = "held";
    } else if (request.path() == "/big") {
      response.body.assign(16 * 1024 * 1024, 'b');
    } else if (request.path() == "/throw") {
      throw std::runtime_error("secret detail");
    } else if (request.path() == "/empty") {
      response.status = 204;
    } else if (request.path() == "/close") {
      response.headers.add("Connection", "close");
    } else if (request.path() == "/length") {
      response.headers.add("Content-Length", "12345");
      if (request.method != "HEAD") response.body = "full";
    } else if (request.path() == "/inject") {
      response.headers.add("X-Bad", "a\r\nSet-Cookie: b");
      response.headers.add("X-Good", "g");
      response.headers.add("Bad Name", "g");
    } else if (request.path() == "/stream") {
      response.stream = std::make_shared<Counting>(3, request.query() == "slow" ? 20ms : 0ms);
    } else if (request.path() == "/broken-stream") {
      response.stream = std::make_shared<Counting>(-1, 0ms);
    } else if (request.path() == "/upload") {
      response = co_await take_upload(std::move(request));
    } else if (request.path() == "/bad-status") {
      response.status = 42;
    } else {
      response.body = request.method + " " + request.target + " [" + request.body + "] " + request.listener;
    }
    co_return response;
  }

  // Tells what it has read as it reads it; a query of "one" leaves the rest unread.
  async::Task<Response> take_upload(Request request) {
    Response response;
    if (!request.stream) co_return response;
    for (;;) {
      auto piece = co_await request.stream->next();
      if (piece.empty()) break;
      response.body += piece;
      uploaded_ += piece.size();
      if (request.query() == "one") co_return response;
    }
    for (const auto& [name, value] : request.stream->trailers()) response.body += "|" + name + "=" + value;
    response.body += "|end";
    co_return response;
  }

  RawSocket connect() { return RawSocket(port_); }
  std::string ask(std::string_view request, std::string_view until) { return connect().ask(request, until); }

  // Waits for what happens on another thread.
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 5000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }

  async::Loops loops_{2};
  std::atomic<int> handled_ = 0;
  std::atomic<std::size_t> uploaded_ = 0;
  async::Event release_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

TEST_F(ServerTest, AnswersAndKeepsAlive) {
  start();
  auto socket = connect();
  auto first = socket.ask("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(first, HasSubstr(" GMT\r\nContent-Length: 14\r\n\r\n"));
  EXPECT_EQ(body_of(first), "GET /a?b=c [] ");
  EXPECT_EQ(body_of(socket.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "] ")), "POST / [abc] ");
  auto counters = server_->counters();
  EXPECT_EQ(counters.accepted, 1u);
  EXPECT_EQ(counters.open, 1u);
  EXPECT_EQ(counters.requests, 2u);
  EXPECT_GT(counters.bytes_in, 50u);
  EXPECT_TRUE(eventually([&] { return server_->counters().bytes_out > 100; }));  // counted after it was written
  socket.close();
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  std::string requests;
  constexpr int kCount = 500;
  for (int i = 0; i < kCount; ++i) {
    requests +=
        "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n" + (i == kCount - 1 ? "Connection: close\r\n" : "") + "\r\n";
  }
  auto answers = ask(requests, {});
  std::size_t at = 0;
  for (int i = 0; i < kCount; ++i) {
    at = answers.find("GET /" + std::to_string(i) + " ", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_THAT(answers, EndsWith("Connection: close\r\n\r\nGET /499 [] "));
}

TEST_F(ServerTest, AnAnswerDoesNotWaitForThePipelinedOneBehindIt) {
  start();
  auto socket = connect();
  auto first = socket.ask(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  EXPECT_EQ(body_of(first), "GET /1 [] ");
  EXPECT_TRUE(eventually([&] { return handled_ == 2; }));
  release_.notify_all();
  auto rest = socket.read_until("] ");
  EXPECT_THAT(rest, HasSubstr("held"));
  EXPECT_THAT(rest, EndsWith("GET /3 [] "));
}

TEST_F(ServerTest, MixedPipelineOfBodiesSurvivesAnySplit) {
  start();
  std::string requests =
      "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
      "PUT /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
      "\r\nPOST /4 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nz";
  for (std::size_t step : {1, 3, 50, 1000}) {
    auto socket = connect();
    for (std::size_t at = 0; at < requests.size(); at += step) {
      ASSERT_TRUE(socket.send(requests.substr(at, step)));
      if (step < 50) std::this_thread::sleep_for(100us);
    }
    auto answers = socket.read_all();
    auto one = answers.find("POST /1 [body]"), two = answers.find("PUT /2 [abcde]"), three = answers.find("slow"),
         four = answers.find("POST /4 [z]");
    EXPECT_TRUE(one < two && two < three && three < four && four != std::string::npos) << step << answers;
  }
}

TEST_F(ServerTest, BigAnswersArriveWhole) {
  start();
  auto answer = ask("GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {});
  EXPECT_GT(answer.size(), 32u * 1024 * 1024);
  EXPECT_EQ(std::count(answer.begin(), answer.end(), 'b'), 32 * 1024 * 1024);
}

TEST_F(ServerTest, BigBodiesArriveWhole) {
  start();
  std::string body(6 * 1024 * 1024, 'q');
  auto socket = connect();
  std::thread sender([&] {
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
  });
  auto answer = socket.read_all();
  sender.join();
  EXPECT_EQ(std::count(answer.begin(), answer.end(), 'q'), 6 * 1024 * 1024);
}

TEST_F(ServerTest, ContinueIsSentOnlyWhenTheBodyIsWelcome) {
  start({.body_bytes = 10});
  auto socket = connect();
  EXPECT_EQ(socket.ask("PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", "\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(socket.ask("abc", "] ")), "PUT /c [abc] ");
  // The body came along: nothing to wait for.
  EXPECT_THAT(socket.ask("PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", "] "),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(socket.ask("PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n", {}),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(handled_, 2);
}

TEST_F(ServerTest, BodiesOverTheLimitAreRefusedUnread) {
  start({.body_bytes = 100},
        [](const Request& request) { return request.path() == "/large" ? std::size_t{200} : std::size_t{100}; });
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", {}),
              StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_THAT(ask("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\nx", {}), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(ask("PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n" + std::string(200, 'x'), "] "),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ARefusalReachesAClientThatIsStillSending) {
  start({.body_bytes = 100});
  auto socket = connect();
  std::string body(3 * 1024 * 1024, 'x');
  EXPECT_TRUE(socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3145728\r\n\r\n" + body));
  EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, HeadersOverTheLimitAreRefused) {
  start({.header_bytes = 1000, .header_fields = 10});
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", {}), StartsWith("HTTP/1.1 431 "));
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 11; ++i) many += "X: y\r\n";
  EXPECT_THAT(ask(many + "\r\n", {}), StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerTest, MalformedRequestsAreRefusedAndClosed) {
  start();
  auto socket = connect();
  auto answers = socket.ask(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n",
      {});
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answers, EndsWith("Connection: close\r\n\r\nBad Request"));
  EXPECT_TRUE(socket.closed());
  EXPECT_EQ(handled_, 1);
}

TEST_F(ServerTest, SlowHeadersAreCutOff) {
  start({.header_time = 100ms, .body_stall = 10s, .idle = 10s});
  auto socket = connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n");
  std::thread drip([&] {
    for (int i = 0; i < 20 && socket.send("X: y\r\n"); ++i) std::this_thread::sleep_for(20ms);
  });
  EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  drip.join();
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerTest, StalledBodiesAreCutOff) {
  start({.header_time = 10s, .body_stall = 100ms, .idle = 10s});
  auto socket = connect();
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n");
  for (int i = 0; i < 10; ++i) {  // slow, but never for as long as the limit
    std::this_thread::sleep_for(20ms);
    ASSERT_TRUE(socket.send("a"));
  }
  EXPECT_THAT(socket.read_all(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerTest, IdleConnectionsAreClosedQuietly) {
  start({.idle = 80ms});
  auto fresh = connect();
  EXPECT_EQ(fresh.read_all(), "");
  EXPECT_TRUE(fresh.closed());
  auto used = connect();
  EXPECT_THAT(used.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", {}), EndsWith("GET / [] "));
  EXPECT_TRUE(used.closed());
  // Empty lines do not count as life.
  auto teasing = connect();
  std::thread drip([&] {
    for (int i = 0; i < 20 && teasing.send("\r\n"); ++i) std::this_thread::sleep_for(20ms);
  });
  EXPECT_EQ(teasing.read_all(), "");
  EXPECT_TRUE(teasing.closed());
  drip.join();
}

TEST_F(ServerTest, AHandlerMayTakeLongerThanEveryLimit) {
  start({.header_time = 20ms, .body_stall = 20ms, .idle = 20ms});
  EXPECT_THAT(ask("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "slow"), EndsWith("slow"));
}

TEST_F(ServerTest, ReadersThatStopReadingAreCutOff) {
  start({.body_stall = 100ms});
  RawSocket socket(port_, 4096);
  socket.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return handled_ == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(ServerTest, ConnectionsOverTheCapAreTold) {
  start({.connections = 2});
  auto one = connect(), two = connect();
  one.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  two.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", {}), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(server_->counters().refused, 1u);
  EXPECT_EQ(server_->counters().open, 2u);
  one.close();
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 1; }));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] "), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, HeadHasNoBody) {
  start();
  auto socket = connect();
  EXPECT_THAT(socket.ask("HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), HasSubstr("Content-Length: 13\r\n"));
  EXPECT_THAT(socket.ask("HEAD /length HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), HasSubstr("Content-Length: 12345\r\n"));
  EXPECT_THAT(socket.ask("GET /length HTTP/1.1\r\nHost: x\r\n\r\n", "full"), HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(socket.ask("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  auto empty = socket.ask("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
  EXPECT_THAT(empty, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(empty, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(body_of(socket.ask("GET /z HTTP/1.1\r\nHost: x\r\n\r\n", "] ")), "GET /z [] ");
}

TEST_F(ServerTest, OldClientsAreServed) {
  start();
  auto closing = connect();
  EXPECT_THAT(closing.ask("GET / HTTP/1.0\r\n\r\n", {}), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(closing.closed());
  auto keeping = connect();
  EXPECT_THAT(keeping.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "] "), HasSubstr("Connection: keep-alive\r\n"));
  auto stream = keeping.ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {});
  EXPECT_THAT(stream, EndsWith("\r\n\r\n0,1,2,"));
  EXPECT_THAT(stream, Not(HasSubstr("chunked")));
}

TEST_F(ServerTest, StreamsAreChunked) {
  start();
  auto socket = connect();
  const char* expected = "\r\n\r\n2\r\n0,\r\n2\r\n1,\r\n2\r\n2,\r\n0\r\n\r\n";
  EXPECT_THAT(socket.ask("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "0\r\n\r\n"), EndsWith(expected));
  EXPECT_THAT(socket.ask("GET /stream?slow HTTP/1.1\r\nHost: x\r\n\r\n", "0\r\n\r\n"), EndsWith(expected));
  auto broken = socket.ask("GET /broken-stream HTTP/1.1\r\nHost: x\r\n\r\n", {});
  EXPECT_THAT(broken, EndsWith("2\r\n1,\r\n"));
  EXPECT_TRUE(socket.closed());
}

TEST_F(ServerTest, AFailingHandlerTellsNothing) {
  start();
  auto socket = connect();
  auto answer = socket.ask("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  EXPECT_THAT(socket.ask("GET /bad-status HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), StartsWith("HTTP/1.1 500 "));
}

TEST_F(ServerTest, ResponsesCannotBeSplit) {
  start();
  auto answer = ask("GET /inject HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("Set-Cookie")));
  EXPECT_THAT(answer, Not(HasSubstr("Bad Name")));
  EXPECT_THAT(answer, HasSubstr("X-Good: g\r\n"));
}

TEST_F(ServerTest, AHandlerMayCloseTheConnection) {
  start();
  auto socket = connect();
  EXPECT_THAT(socket.ask("GET /close HTTP/1.1\r\nHost: x\r\n\r\n", {}), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(socket.closed());
}

TEST_F(ServerTest, ClientsMayLeaveWhileTheHandlerRuns) {
  start();
  for (int i = 0; i < 20; ++i) {
    auto socket = connect();
    socket.send(i % 2 ? "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /stream?slow HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return handled_ == 20; }));
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] "), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, DrainLetsRunningRequestsFinish) {
  start();
  auto idle = connect(), busy = connect();
  idle.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return handled_ == 2; }));
  auto begun = std::chrono::steady_clock::now();
  loops_.run(server_->drain(10s));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  auto answer = busy.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("slow"));
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.closed());
  EXPECT_THROW(connect(), std::runtime_error);
}

TEST_F(ServerTest, DrainEndsWithItsGrace) {
  start();
  auto busy = connect();
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return handled_ == 1; }));
  loops_.run(server_->drain(50ms));
  EXPECT_EQ(busy.read_all(), "");
  EXPECT_TRUE(busy.closed());
  release_.notify_all();
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(ServerTest, DestructionClosesEverything) {
  start();
  auto idle = connect(), busy = connect();
  idle.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return handled_ == 2; }));
  server_.reset();
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(busy.read_all(), "");
  EXPECT_THROW(connect(), std::runtime_error);
  release_.notify_all();
  loops_.run(async::sleep_for(1ms));
}

TEST(ServerOrder, LoopsMayStopBeforeTheServerGoes) {
  for (int i = 0; i < 5; ++i) {
    async::Event never;
    auto loops = std::make_unique<async::Loops>(2);
    auto handler = [&never](Request) -> async::Task<Response> {
      co_await never.wait(never.ticket(), 20s);
      co_return Response{};
    };
    auto server = std::make_unique<Server>(*loops, handler);
    auto port = server->listen("127.0.0.1", 0);
    RawSocket idle(port), other(port), busy(port);
    busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
    loops->stop();
    server.reset();
    loops.reset();
  }
}

TEST_F(ServerTest, ATakenAddressIsSaid) {
  start();
  EXPECT_THROW(server_->listen("127.0.0.1", port_), std::system_error);
  EXPECT_THROW(server_->listen("not an address", 0), std::system_error);
}

int listening_socket(std::uint16_t* port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 16) != 0) throw std::runtime_error("bind");
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return fd;
}

TEST_F(ServerTest, AdoptedListenersHaveNamesAndEndWithTheirConnections) {
  start();
  std::uint16_t port = 0;
  server_->adopt(listening_socket(&port), "env-1");
  RawSocket idle(port), busy(port);
  auto other = connect();
  other.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] ");
  EXPECT_EQ(body_of(idle.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "env-1")), "GET / [] env-1");
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return handled_ == 3; }));
  server_->close_listener("env-1");
  EXPECT_THROW(RawSocket{port}, std::runtime_error);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(busy.read_all(), "");
  EXPECT_TRUE(busy.closed());
  EXPECT_EQ(body_of(other.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "] ")), "GET / [] ");
  server_->close_listener("nobody");
  release_.notify_all();
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 1; }));
  EXPECT_THROW(server_->adopt(-1, "x"), std::system_error);
}

TEST_F(ServerTest, AGreedyListenerLeavesOthersTheirConnections) {
  start({.connections = 32, .least_connections = 2});
  std::uint16_t greedy = 0, sibling = 0, modest = 0;
  server_->adopt(listening_socket(&greedy), "greedy");
  server_->adopt(listening_socket(&sibling), "greedy");
  server_->adopt(listening_socket(&modest), "modest");
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  std::vector<std::unique_ptr<RawSocket>> held;
  // An eighth of 32, then of 31, 30, 29: 4, 3, 3, 3.
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<RawSocket>(i % 2 ? sibling : greedy));
    EXPECT_THAT(held.back()->ask(request, "greedy"), StartsWith("HTTP/1.1 200"));
  }
  for (auto port : {greedy, sibling}) EXPECT_THAT(RawSocket(port).ask(request, {}), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(RawSocket(modest).ask(request, "modest"), StartsWith("HTTP/1.1 200"));
  held.pop_back();
  EXPECT_TRUE(eventually([&] { return RawSocket(greedy).ask(request, "greedy").starts_with("HTTP/1.1 200"); }));
}

TEST_F(ServerTest, AGreedyListenerLeavesOthersTheirMemory) {
  start({.body_bytes = 100'000, .bytes = 1'600'000, .least_bytes = 10'000});
  std::uint16_t greedy = 0, modest = 0;
  server_->adopt(listening_socket(&greedy), "greedy");
  server_->adopt(listening_socket(&modest), "modest");
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n", body(90'000, 'b');
  RawSocket first(greedy), second(greedy);
  first.send(head);
  EXPECT_TRUE(eventually([&] { return server_->counters().bytes_in == head.size(); }));
  second.send(head);  // 90,000 and 90,000 are within an eighth of what is free; with the next it is not
  EXPECT_TRUE(eventually([&] { return server_->counters().bytes_in == 2 * head.size(); }));
  EXPECT_THAT(RawSocket(greedy).ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", {}),
              StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(RawSocket(modest).ask(head + body, "modest"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(first.ask(body, "greedy"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(second.ask(body, "greedy"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(first.ask(head + body, "greedy"), StartsWith("HTTP/1.1 200"));  // all is given back
}

TEST_F(ServerTest, TheFirstOfAListenerIsTakenWhateverItsSize) {
  start({.bytes = 1'600'000, .least_bytes = 10'000});
  std::uint16_t port = 0;
  server_->adopt(listening_socket(&port), "env-1");
  const std::string request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + std::string(500'000, 'b');
  RawSocket socket(port);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(socket.ask(request, "env-1"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, ManyListenersComeAndGo) {
  start();
  for (int i = 0; i < 300; ++i) {
    std::uint16_t port = 0;
    auto name = "env-" + std::to_string(i);
    server_->adopt(listening_socket(&port), name);
    if (i % 3 == 0) {
      EXPECT_EQ(body_of(RawSocket(port).ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n", name)), "GET / [] " + name);
    }
    server_->close_listener(name);
  }
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(ServerTest, ListensOnUnixSockets) {
  start();
  auto path = std::filesystem::temp_directory_path() / ("lambari-http-" + std::to_string(::getpid()));
  server_->listen("unix:" + path.string(), 0);
  EXPECT_THROW(server_->listen("unix:" + path.string(), 0), std::system_error);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  std::string request = "GET /u HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer;
  ASSERT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  char buffer[1000];
  for (ssize_t got; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  EXPECT_THAT(answer, EndsWith("GET /u [] "));
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  // A socket left behind by a process that died is replaced.
  int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  start();
  EXPECT_NO_THROW(server_->listen("unix:" + path.string(), 0));
}

const ChooseBody kStreamUploads = [](const Request& head) {
  return BodyPolicy(head.query() == "small" ? 4 : 64 * 1024 * 1024, head.path() == "/upload");
};

TEST_F(ServerTest, ABodyIsReadWhileItComes) {
  start({}, kStreamUploads);
  auto socket = connect();
  socket.send("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(eventually([&] { return uploaded_ == 3; }));
  // Two requests on: the connection goes on where the body ended.
  auto answers = socket.ask(
      "2\r\nde\r\n0\r\nX-Error: boom\r\nX-Body: e30=\r\n\r\n"
      "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "GET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      {});
  EXPECT_THAT(answers, HasSubstr("abcde|X-Error=boom|X-Body=e30=|end"));
  EXPECT_THAT(answers, HasSubstr("hello|end"));
  EXPECT_THAT(answers, EndsWith("GET /after [] "));
}

TEST_F(ServerTest, NoOneReadsABodyFasterThanItsHandler) {
  start({}, kStreamUploads);
  auto socket = connect();
  std::string large(4 * 1024 * 1024, 'x');
  auto answer =
      socket.ask("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4194304\r\nConnection: close\r\n\r\n" + large, {});
  EXPECT_THAT(answer, EndsWith("xxx|end"));
  EXPECT_EQ(uploaded_, large.size());
}

TEST_F(ServerTest, ABodyLeftUnreadEndsTheConnection) {
  start({}, kStreamUploads);
  auto answer = ask("POST /upload?one HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", {});
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nabc"));
}

TEST_F(ServerTest, ABodyThatBreaksWhileItIsReadIsRefused) {
  Limits limits;
  limits.body_stall = 80ms;
  start(limits, kStreamUploads);
  EXPECT_THAT(ask("POST /upload?small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", {}),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabcde\r\n", {}),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", {}), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerTest, TheClientIsToldToSendABodyThatIsStreamed) {
  start({}, kStreamUploads);
  auto socket = connect();
  auto told = socket.ask("POST /upload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "\r\n\r\n");
  EXPECT_THAT(told, StartsWith("HTTP/1.1 100 "));
  EXPECT_THAT(socket.ask("ok", "|end"), HasSubstr("ok|end"));
}

}  // namespace
}  // namespace lambari::http
