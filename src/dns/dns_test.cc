#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "dns/message.h"
#include "dns/server.h"

namespace lambari::dns {
namespace {

using testing::EndsWith;

std::string question(std::string_view name, std::uint16_t type, std::string_view more = {}) {
  std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  while (!name.empty()) {
    auto label = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(label.size() + 1, name.size()));
    out += static_cast<char>(label.size());
    out += label;
  }
  out += std::string("\0\0", 2) + static_cast<char>(type) + std::string("\0\1", 2);
  out += more;
  return out;
}

TEST(Message, QueriesAreRead) {
  auto message = question("SQS.us-east-1.Amazonaws.com", kTypeA);
  auto query = read_query(message);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->problem, Code::ok);
  EXPECT_EQ(query->name, "sqs.us-east-1.amazonaws.com");
  EXPECT_EQ(query->type, kTypeA);
  EXPECT_EQ(query->head, message.size());
  EXPECT_EQ(query->udp_size, 512u);

  auto with_opt = question("a", kTypeAaaa, std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11));
  with_opt[11] = 1;  // one additional record
  query = read_query(with_opt);
  EXPECT_EQ(query->problem, Code::ok);
  EXPECT_EQ(query->udp_size, 4096u);
  EXPECT_EQ(query->head, with_opt.size() - 11);
}

TEST(Message, WhatIsNoQueryIsNotAnswered) {
  EXPECT_FALSE(read_query(""));
  EXPECT_FALSE(read_query("short"));
  auto reply = question("a", kTypeA);
  reply[2] = static_cast<char>(0x81);
  EXPECT_FALSE(read_query(reply));
}

TEST(Message, BadQueriesAreToldSo) {
  auto good = question("ab.cd", kTypeA);
  std::vector<std::string> bad = {good.substr(0, 12), good.substr(0, good.size() - 1), good.substr(0, 15)};
  auto two = good;
  two[5] = 2;
  bad.push_back(two);
  auto loop = good;
  loop[12] = static_cast<char>(0xc0);
  loop[13] = 12;
  bad.push_back(loop);
  auto missing_record = good;
  missing_record[11] = 1;
  bad.push_back(missing_record);
  bad.push_back(good + std::string(kLargestQuery, 'x'));
  for (const auto& message : bad) {
    auto query = read_query(message);
    ASSERT_TRUE(query) << message.size();
    EXPECT_EQ(query->problem, Code::malformed);
    auto said = answer(message, *query, query->problem);
    EXPECT_EQ(said.size(), 12u);
    EXPECT_EQ(said.substr(0, 2), "\x12\x34");
    EXPECT_EQ(said[3] & 15, 1);
  }
  auto update = good;
  update[2] = 5 << 3;
  EXPECT_EQ(read_query(update)->problem, Code::not_done);
}

TEST(Message, AnswersHaveTheirBytes) {
  auto message = question("x.localhost", kTypeA);
  auto query = read_query(message);
  auto said = answer(message, *query, Code::ok, {.v4 = {{127, 0, 0, 1}}, .v6 = {Address6{}}});
  EXPECT_EQ(said.substr(0, 12), std::string("\x12\x34\x85\x80\0\1\0\1\0\0\0\0", 12));
  EXPECT_EQ(said.substr(12, message.size() - 12), message.substr(12));
  EXPECT_EQ(said.substr(message.size()), std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1", 16));

  auto six = question("x.localhost", kTypeAaaa);
  EXPECT_EQ(answer(six, *read_query(six), Code::ok, {.v4 = {{127, 0, 0, 1}}}).size(),
            six.size());  // it exists, without such a record
  auto unknown = answer(message, *query, Code::no_such_name);
  EXPECT_EQ(unknown[3] & 15, 3);
  EXPECT_EQ(unknown.size(), message.size());
  EXPECT_EQ(cut(message, *query)[2] & 2, 2);
}

TEST(Message, NoiseDoesNoHarm) {
  std::mt19937 random(7);
  auto good = question("abc.def.amazonaws.com", kTypeA, std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11));
  good[11] = 1;
  for (int i = 0; i < 20'000; ++i) {
    auto message = good;
    for (int n = static_cast<int>(random() % 6); n >= 0; --n) message[random() % message.size()] = static_cast<char>(random());
    message.resize(random() % (message.size() + 1));
    if (auto query = read_query(message)) answer(message, *query, query->problem, {.v4 = {{1, 2, 3, 4}}});
  }
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    udp_ = bound(SOCK_DGRAM);
    tcp_ = bound(SOCK_STREAM);
    listen(tcp_, 8);
    udp_port_ = port(udp_);
    tcp_port_ = port(tcp_);
    server_ = std::make_unique<Server>(loops_, [](std::string listener, std::string packet) -> async::Task<std::string> {
      auto query = read_query(packet);
      if (query->name == "silent") co_return "";
      if (query->name == "broken") throw std::runtime_error("broken");
      if (query->name == "large") co_return answer(packet, *query, Code::ok) + std::string(5'000, 'x');
      if (query->name == "slow") co_await async::sleep_for(std::chrono::milliseconds(100));
      co_return answer(packet, *query, listener == "env:1" ? Code::ok : Code::refused, {.v4 = {{127, 0, 0, 1}}});
    });
    server_->adopt(udp_, tcp_, "env:1");
  }
  ~ServerTest() override {
    loops_.stop();
    server_.reset();
  }

  static int bound(int type) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static std::uint16_t port(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  int connected(int type, std::uint16_t to) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      close(fd);
      return -1;
    }
    return fd;
  }
  static std::string receive(int fd, int patience = 5'000) {
    pollfd wanted{fd, POLLIN, 0};
    char bytes[8192];
    if (poll(&wanted, 1, patience) != 1) return "nothing";
    auto got = recv(fd, bytes, sizeof bytes, 0);
    return got < 0 ? "error" : std::string(bytes, static_cast<std::size_t>(got));
  }
  std::string ask_udp(const std::string& query, int patience = 5'000) {
    int fd = connected(SOCK_DGRAM, udp_port_);
    send(fd, query.data(), query.size(), 0);
    auto said = receive(fd, patience);
    close(fd);
    return said;
  }

  async::Loops loops_{2};
  std::unique_ptr<Server> server_;
  int udp_, tcp_;
  std::uint16_t udp_port_, tcp_port_;
};

TEST_F(ServerTest, AnswersOverUdp) {
  EXPECT_THAT(ask_udp(question("a.localhost", kTypeA)), EndsWith(std::string("\0\4\x7f\0\0\1", 6)));
  EXPECT_EQ(ask_udp("noise", 50), "nothing");
  EXPECT_EQ(ask_udp(question("silent", kTypeA), 50), "nothing");
  EXPECT_EQ(ask_udp(question("broken", kTypeA), 50), "nothing");
  auto update = question("a", kTypeA);
  update[2] = 5 << 3;
  EXPECT_EQ(ask_udp(update)[3] & 15, 4);
  auto large = ask_udp(question("large", kTypeA));
  EXPECT_EQ(large[2] & 2, 2);
  EXPECT_LT(large.size(), 512u);
}

TEST_F(ServerTest, ASlowAnswerKeepsNobodyWaiting) {
  int slow = connected(SOCK_DGRAM, udp_port_);
  auto query = question("slow", kTypeA);
  send(slow, query.data(), query.size(), 0);
  EXPECT_THAT(ask_udp(question("a", kTypeA)), EndsWith(std::string("\x7f\0\0\1", 4)));
  EXPECT_EQ(receive(slow, 0), "nothing");
  EXPECT_THAT(receive(slow), EndsWith(std::string("\x7f\0\0\1", 4)));
  close(slow);
}

TEST_F(ServerTest, AnswersOverTcp) {
  int fd = connected(SOCK_STREAM, tcp_port_);
  for (int i = 0; i < 2; ++i) {
    auto query = question("a.localhost", kTypeA);
    auto framed = std::string(1, '\0') + static_cast<char>(query.size()) + query;
    send(fd, framed.data(), 5, 0);
    send(fd, framed.data() + 5, framed.size() - 5, 0);
    EXPECT_THAT(receive(fd), EndsWith(std::string("\0\4\x7f\0\0\1", 6)));
  }
  send(fd, "\xff\xff", 2, 0);  // larger than any query
  EXPECT_EQ(receive(fd), "");
  close(fd);
}

TEST_F(ServerTest, ClosesWhatItIsTold) {
  server_->close_listener("env:2");
  EXPECT_NE(ask_udp(question("a", kTypeA)), "nothing");
  server_->close_listener("env:1");
  bool gone = false;
  for (int i = 0; i < 500 && !gone; ++i) {
    int fd = connected(SOCK_STREAM, tcp_port_);
    gone = fd < 0;
    if (!gone) close(fd);
    usleep(10'000);
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace lambari::dns
