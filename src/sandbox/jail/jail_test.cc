// The pure parts of lambari-sandbox.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>

#include "sandbox/jail/cgroups.h"
#include "sandbox/jail/gateway.h"
#include "sandbox/jail/house.h"
#include "sandbox/jail/memory_watch.h"
#include "sandbox/jail/seccomp.h"
#include "sandbox/jail/slot_process.h"

namespace lambari::jail {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StrEq;

TEST(Cgroups, MountsOfBothVersions) {
  auto mounts = parse_mounts(
      "31 23 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
      "32 31 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
      "33 31 0:29 /docker/abc /sys/fs/with\\040space rw - cgroup cgroup rw,memory\n"
      "34 31 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
      "nonsense\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_FALSE(mounts[0].version2);
  EXPECT_EQ(mounts[0].controllers, ",rw,cpu,cpuacct,");
  EXPECT_EQ(mounts[1].root, "/docker/abc");
  EXPECT_EQ(mounts[1].path, "/sys/fs/with space");
  EXPECT_TRUE(mounts[2].version2);
  EXPECT_EQ(mounts[2].path, "/sys/fs/cgroup/unified");
}

TEST(Cgroups, OwnGroup) {
  const std::string text = "4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/user.slice/session:1\n";
  EXPECT_EQ(own_group(text, "memory"), "/a/b");
  EXPECT_EQ(own_group(text, "cpu"), "/c");
  EXPECT_EQ(own_group(text, ""), "/user.slice/session:1");
  EXPECT_EQ(own_group(text, "pids"), "");
  EXPECT_EQ(own_group("", ""), "");
}

TEST(Cgroups, FieldsAndShares) {
  EXPECT_EQ(field("low 0\noom 3\noom_kill 2\n", "oom_kill"), 2U);
  EXPECT_EQ(field("low 0\noom 3\n", "oom"), 3U);
  EXPECT_EQ(field("low 0\n", "oom"), 0U);
  EXPECT_EQ(cpu_shares(1769), 1024U);
  EXPECT_EQ(cpu_shares(128), 74U);
  EXPECT_EQ(cpu_shares(0), 2U);
  EXPECT_EQ(cpu_quota_us(0), 100'000U);
  EXPECT_EQ(cpu_quota_us(1769), 100'000U);
  EXPECT_EQ(cpu_quota_us(3538), 200'000U);
  EXPECT_EQ(cpu_quota_us(10'240), 578'858U);
}

TEST(MemoryWatch, CountsWhatIsAProcesssOwn) {
  EXPECT_EQ(own_bytes("Name:\tpython3\nVmRSS:\t   900 kB\nRssAnon:\t   300 kB\nRssFile:\t 500 kB\nRssShmem:\t  100 kB\n"),
            400U << 10);
  EXPECT_EQ(own_bytes("Name:\tRssAnon: 5 kB\nState:\tZ (zombie)\n"), 0U);
  EXPECT_EQ(own_bytes(""), 0U);
  EXPECT_EQ(
      fair_bytes("5500-7ff ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss_Anon: 10 kB\nPss_File: 5 kB\nPss_Shmem: 1 kB\n"),
      11U << 10);
}

TEST(MemoryWatch, LooksMoreOftenTheNearerTheLimitIs) {
  EXPECT_EQ(pause_before(0), 5);
  EXPECT_EQ(pause_before(64 << 20), 32);
  EXPECT_EQ(pause_before(10ULL << 30), 250);
}

TEST(House, UsersForSlots) {
  EXPECT_EQ(choose_users("         0          0 4294967295\n"), (UserRange{0x70000000, 65536}));
  EXPECT_EQ(choose_users("0 100000 65536\n"), (UserRange{32768, 32768}));
  EXPECT_EQ(choose_users("0 1000 1\n1 100000 65536\n"), (UserRange{32769, 32768}));
  EXPECT_EQ(choose_users("0 1000 1\n").count, 0U);
  EXPECT_EQ(choose_users("").count, 0U);
}

TEST(Assignments, AreParsed) {
  std::string message("/var/task\0one\0two\0\0A=1\0B=\0\0", 27);
  Assignment assignment;
  ASSERT_TRUE(parse_assignment(message.data(), message.size(), assignment));
  EXPECT_FALSE(assignment.primes);
  EXPECT_STREQ(assignment.folder, "/var/task");
  EXPECT_THAT(assignment.arguments, ElementsAre(StrEq("one"), StrEq("two"), nullptr));
  EXPECT_THAT(assignment.environment, ElementsAre(StrEq("A=1"), StrEq("B="), nullptr));
  std::string bare("prime\0/x\0\0\0", 11);
  Assignment none;
  ASSERT_TRUE(parse_assignment(bare.data(), bare.size(), none));
  EXPECT_TRUE(none.primes);
  EXPECT_THAT(none.arguments, ElementsAre(nullptr));
  for (auto text :
       {std::string(), std::string("/x"), std::string("/x\0a\0", 5), std::string("/x\0\0", 4), std::string("/x\0\0\0z\0", 7),
        std::string("prime"), std::string("prime\0", 6), std::string("prime\0/x\0", 9)}) {
    Assignment wrong;
    EXPECT_FALSE(parse_assignment(text.data(), text.size(), wrong)) << testing::PrintToString(text);
  }
}

TEST(Gateway, RefusesWhatIsNotTheInternet) {
  const auto rules = router_rules({0x0A000001, 0xC6336401});  // 10.0.0.1 is among the private ones already
  EXPECT_THAT(rules, HasSubstr("169.254.0.0/16, 172.16.0.0/12"));
  EXPECT_THAT(rules, HasSubstr("224.0.0.0/3, 198.51.100.1 } reject"));
  EXPECT_THAT(rules, Not(HasSubstr("10.0.0.1")));
  EXPECT_THAT(host_rules("lambari_7", 7), HasSubstr("ip saddr 198.18.0.28/30 masquerade"));
  EXPECT_THAT(host_rules("lambari_7", 7), HasSubstr("iifname \"lmb7\" ct state new reject"));
}

TEST(Gateway, TablesOfItsRuns) {
  EXPECT_EQ(table_name({77, true}), "lambari_77_1");
  EXPECT_THAT(parse_tables("table ip lambari_77_1\ntable inet filter\ntable ip lambari_8_0\ntable ip lambari_x_0\ntable ip "
                           "lambari_9\ntable ip6 lambari_9_0\ntable ip lambari_9_2\ntable ip lambari__0\n"),
              ElementsAre(NatTable{77, true}, NatTable{8, false}));
  EXPECT_THAT(parse_tables(""), testing::IsEmpty());
}

TEST(Gateway, NumbersAndNames) {
  EXPECT_EQ(host_interface(4194304).size(), 10U);  // the kernel takes 15
  EXPECT_EQ(uplink_network(16384), uplink_network(0));
  EXPECT_EQ(uplink_network(16383), 0xC612FFFCU);
  EXPECT_EQ(slot_address(1), 0x0AC80002U);
  EXPECT_EQ(slot_address(0xFFFE), 0x0AC80001U);
  EXPECT_EQ(slot_address(0xFFFD), 0x0AC8FFFEU);
  EXPECT_EQ(default_interface("Iface Destination Gateway\nlan0\t00004D0A\t0\nup0\t00000000\tFE6433C6\n"), "up0");
  EXPECT_EQ(default_interface("Iface Destination Gateway\n"), "");
  EXPECT_EQ(default_interface(""), "");
}

TEST(Seccomp, Compiles) {
  auto filter = compile_filter();
  EXPECT_GT(filter.size(), 100U);
  EXPECT_LT(filter.size(), 4096U);  // the kernel's limit, and the zygote's buffer
}

}  // namespace
}  // namespace lambari::jail
