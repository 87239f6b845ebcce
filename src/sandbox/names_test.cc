#include "sandbox/names.h"

#include <gtest/gtest.h>

#include "async/loops.h"
#include "dns/message.h"

namespace lambari::sandbox {
namespace {

std::string question(const std::string& label, std::uint16_t type) {
  std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  out += static_cast<char>(label.size());
  return out + label + std::string("\0\0", 2) + static_cast<char>(type) + std::string("\0\1", 2);
}

TEST(Names, OursAreHereAndOthersElsewhere) {
  async::Loops loops(1);
  auto ask = [&](const dns::Resolve& resolve, const std::string& query) {
    std::string said;
    loops.run([](dns::Resolve resolve, std::string query, std::string& into) -> async::Task<> {
      into = co_await resolve("env:1", std::move(query));
    }(resolve, query, said));
    return said;
  };
  auto is_ours = [](std::string_view name) { return name == "ours"; };
  auto alone = answer_names(is_ours, {});
  const std::string loopback("\x7f\0\0\1", 4);
  EXPECT_TRUE(ask(alone, question("OURS", dns::kTypeA)).ends_with(loopback));
  EXPECT_EQ(ask(alone, question("ours", dns::kTypeAaaa))[3] & 15, 0);
  EXPECT_EQ(ask(alone, question("ours", dns::kTypeAaaa)).size(), question("ours", dns::kTypeAaaa).size());
  EXPECT_EQ(ask(alone, question("theirs", dns::kTypeA))[3] & 15, 3);
  EXPECT_EQ(ask(alone, "noise"), "");
  auto connected = answer_names(is_ours, [](std::string listener, std::string query) -> async::Task<std::string> {
    co_await async::sleep_for(std::chrono::milliseconds(1));
    co_return listener + " asked " + std::to_string(query.size());
  });
  EXPECT_TRUE(ask(connected, question("ours", dns::kTypeA)).ends_with(loopback));
  EXPECT_EQ(ask(connected, question("theirs", dns::kTypeA)), "env:1 asked 24");
}

}  // namespace
}  // namespace lambari::sandbox
