// The forwarder against name servers of the test's own, on the loopback.
#include "dns/forward.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "async/loops.h"
#include "dns/message.h"

namespace lambari::dns {
namespace {

using testing::ElementsAre;

// A query for the A record of example.com, id 1234.
const std::string kQuery(
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07"
    "example\x03"
    "com\x00\x00\x01\x00\x01",
    29);

struct Sockets {
  int udp = -1, tcp = -1;
  std::uint16_t port = 0;
};

// Both on one port.
Sockets listen() {
  for (int tries = 0; tries < 20; ++tries) {
    Sockets made{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 0};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(made.udp, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
        getsockname(made.udp, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
        bind(made.tcp, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(made.tcp, 8) == 0) {
      made.port = ntohs(address.sin_port);
      return made;
    }
    close(made.udp);
    close(made.tcp);
  }
  return {};
}

class Forward : public testing::Test {
 protected:
  ~Forward() override { std::filesystem::remove(file_); }

  std::string ask(std::uint16_t port, const std::string& query) {
    std::string said;
    const auto resolve = forward_to_host(file_, port);
    loops_.run([](const Resolve& resolve, std::string query, std::string& into) -> async::Task<> {
      into = co_await resolve("env:1", std::move(query));
    }(resolve, query, said));
    return said;
  }
  void write(const std::string& text) { std::ofstream(file_) << text; }

  async::Loops loops_{2};
  const std::filesystem::path file_ = std::filesystem::temp_directory_path() / ("resolv-" + std::to_string(getpid()));
};

TEST_F(Forward, HandsTheAnswerBack) {
  const auto sockets = listen();
  ASSERT_NE(sockets.port, 0);
  Server server(loops_, [](std::string, std::string query) -> async::Task<std::string> {
    co_return answer(query, *read_query(query), Code::ok, {.v4 = {{203, 0, 113, 10}}});
  });
  server.adopt(sockets.udp, sockets.tcp, "host");
  write("# mine\nnameserver 127.0.0.1\noptions edns0\n");
  EXPECT_EQ(ask(sockets.port, kQuery), answer(kQuery, *read_query(kQuery), Code::ok, {.v4 = {{203, 0, 113, 10}}}));
}

TEST_F(Forward, AsksAgainForWhatWasCut) {
  const auto sockets = listen();
  ASSERT_NE(sockets.port, 0);
  // Too long for a packet; what follows the records is nobody's business.
  const auto whole = answer(kQuery, *read_query(kQuery), Code::ok, {.v4 = {{203, 0, 113, 10}}}) + std::string(600, 'x');
  Server server(loops_, [whole](std::string, std::string) -> async::Task<std::string> { co_return whole; });
  server.adopt(sockets.udp, sockets.tcp, "host");
  write("nameserver 127.0.0.1\n");
  EXPECT_EQ(ask(sockets.port, kQuery), whole);
}

TEST_F(Forward, SaysThatNobodyAnswers) {
  const auto sockets = listen();  // and then nobody is there
  close(sockets.udp);
  close(sockets.tcp);
  write("nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
  EXPECT_EQ(ask(sockets.port, kQuery), answer(kQuery, *read_query(kQuery), Code::failed));
  EXPECT_EQ(ask(sockets.port, "no query"), "");
}

TEST(NameServers, AreRead) {
  EXPECT_THAT(
      name_servers("search x\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 # one\nnameserver fe80::1%2\nnameserver it\n"),
      ElementsAre("192.0.2.1", "2001:db8::1", "fe80::1%2"));
  EXPECT_THAT(name_servers("nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4"),
              ElementsAre("1.1.1.1", "2.2.2.2", "3.3.3.3"));
  EXPECT_THAT(name_servers(""), ElementsAre("127.0.0.1"));
}

}  // namespace
}  // namespace lambari::dns
