#include "sandbox/jail/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "sandbox/jail/slot_process.h"

namespace lambari::jail {
namespace {

constexpr std::uint32_t kRouter = 0xA9FE6401;   // 169.254.100.1, the next hop of every slot
constexpr std::uint32_t kSlots = 0x0AC80000;    // 10.200.0.0/16, seen by nobody but the router
constexpr std::uint32_t kUplinks = 0xC6120000;  // 198.18.0.0/16, a range for laboratories (RFC 2544)
constexpr int kUplinkIndex = 2, kSlotIndex = 2, kFirstIndex = 10;
struct Range {
  std::uint32_t first;
  int prefix;
};
// What is not the Internet: https://www.iana.org/assignments/iana-ipv4-special-registry
constexpr Range kPrivate[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
                              {0xAC100000, 12}, {0xC0000000, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xE0000000, 3}};
constexpr const char* kTablePrefix = "lambari_";
constexpr int kPastaTime = 5000;  // ms

std::string dotted(std::uint32_t address) {
  in_addr bytes{htonl(address)};
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &bytes, text, sizeof text);
}

bool is_private(std::uint32_t address) {
  for (auto [first, prefix] : kPrivate)
    if ((address ^ first) >> (32 - prefix) == 0) return true;
  return false;
}

std::string private_ranges() {
  std::string all;
  for (auto [first, prefix] : kPrivate) all += (all.empty() ? "" : ", ") + dotted(first) + "/" + std::to_string(prefix);
  return all;
}

// The host's own. One that it gets later is not known; for nat the host's rules make up for that.
std::set<std::uint32_t> host_addresses() {
  std::set<std::uint32_t> all;
  ifaddrs* list = nullptr;
  check(getifaddrs(&list) == 0, "getifaddrs");
  for (auto* one = list; one; one = one->ifa_next)
    if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET)
      all.insert(ntohl(reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr.s_addr));
  freeifaddrs(list);
  return all;
}

// Runs nft with `rules` as its input, and gives what it said.
std::string run_nft(const std::string& rules) {
  Fd input(memfd_create("rules", MFD_CLOEXEC)), output(memfd_create("output", MFD_CLOEXEC));
  check(input && output && write(input.get(), rules.data(), rules.size()) == static_cast<ssize_t>(rules.size()), "rules");
  lseek(input.get(), 0, SEEK_SET);
  pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    dup2(input.get(), 0);
    dup2(output.get(), 1);
    dup2(output.get(), 2);
    const char* arguments[] = {"nft", "-f", "-", nullptr};
    const char* environment[] = {"LC_ALL=C", nullptr};
    for (const char* path : {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"})
      execve(path, const_cast<char**>(arguments), const_cast<char**>(environment));
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  char text[16384];
  const auto size = pread(output.get(), text, sizeof text, 0);
  std::string said(text, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (status == 0) return said;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) throw Failure("nft is missing");
  throw Failure("nft: " + said.substr(0, said.find('\n')));
}

void enter(int network_namespace) { check(setns(network_namespace, CLONE_NEWNET) == 0, "enter a network namespace"); }

// True when a child could do it.
bool in_child(auto&& act) {
  pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    try {
      act();
      _exit(0);
    } catch (const std::exception&) {
      _exit(1);
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

std::vector<NatTable> list_tables() { return parse_tables(run_nft("list tables\n")); }

void delete_table(const std::string& name) {
  try {
    run_nft("delete table ip " + name + "\n");
  } catch (const Failure&) {  // another run was quicker
  }
}

}  // namespace

std::string router_rules(const std::set<std::uint32_t>& host) {
  std::string refused = private_ranges();
  for (auto address : host)
    if (!is_private(address)) refused += ", " + dotted(address);  // nft takes no overlaps
  return "table inet lambari {\n"
         "  chain out {\n"
         "    ip daddr { " +
         refused +
         " } reject with icmpx type admin-prohibited\n"
         "    tcp dport 25 reject with icmpx type admin-prohibited\n"
         "    accept\n"
         "  }\n"
         "  chain forward {\n"
         "    type filter hook forward priority filter; policy drop;\n"
         "    ct state established,related accept\n"
         "    iifname \"slot*\" oifname \"up\" meta nfproto ipv4 goto out\n"
         "    iifname \"slot*\" reject with icmpx type admin-prohibited\n"
         "  }\n"
         "  chain input {\n"
         "    type filter hook input priority filter; policy drop;\n"
         "    ct state established,related accept\n"
         "  }\n"
         "  chain translate {\n"
         "    type nat hook postrouting priority srcnat;\n"
         "    oifname \"up\" masquerade\n"
         "  }\n"
         "}\n";
}

std::string host_interface(pid_t run) { return "lmb" + std::to_string(run); }

std::uint32_t uplink_network(pid_t run) { return kUplinks + static_cast<std::uint32_t>(run) % 0x4000 * 4; }

std::uint32_t slot_address(std::uint64_t slot) { return kSlots + 1 + static_cast<std::uint32_t>(slot % 0xFFFE); }

std::string host_rules(const std::string& table, pid_t run) {
  const auto from = "iifname \"" + host_interface(run) + "\" ";
  return "table ip " + table +
         " {\n"
         "  chain input {\n"
         "    type filter hook input priority filter; policy accept;\n"
         "    " +
         from +
         "ct state new reject with icmp type admin-prohibited\n"
         "  }\n"
         "  chain forward {\n"
         "    type filter hook forward priority filter; policy accept;\n"
         "    " +
         from + "ip daddr { " + private_ranges() +
         " } reject with icmp type admin-prohibited\n"
         "  }\n"
         "  chain translate {\n"
         "    type nat hook postrouting priority srcnat;\n"
         "    ip saddr " +
         dotted(uplink_network(run)) +
         "/30 masquerade\n"
         "  }\n"
         "}\n";
}

std::string default_interface(const std::string& routes) {
  std::istringstream lines(routes);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string interface, destination;
    fields >> interface >> destination;
    if (destination == "00000000") return interface;
  }
  return {};
}

std::string table_name(const NatTable& table) {
  return kTablePrefix + std::to_string(table.run) + (table.forwarding ? "_1" : "_0");
}

std::vector<NatTable> parse_tables(const std::string& listed) {
  std::vector<NatTable> all;
  std::istringstream lines(listed);
  std::string kind, family, name;
  while (lines >> kind >> family >> name) {
    if (family != "ip" || !name.starts_with(kTablePrefix) || name.size() < strlen(kTablePrefix) + 3) continue;
    NatTable table;
    const char* end = name.data() + name.size();
    const auto number = std::from_chars(name.data() + strlen(kTablePrefix), end, table.run);
    table.forwarding = end[-1] == '1';
    if (number.ec == std::errc() && number.ptr == end - 2 && table_name(table) == name) all.push_back(table);
  }
  return all;
}

// Packets are passed on as the interface says by which they come: answers come by that of the default route. Several runs may
// share it, so the names of their tables tell what was there before the first.
HostNat::HostNat(pid_t run) {
  const auto uplink = default_interface(read_file("/proc/self/net/route"));
  if (uplink.empty()) throw Failure("this host has no default route");
  const auto forwarding = "/proc/sys/net/ipv4/conf/" + uplink + "/forwarding";
  NatTable own{run, read_file(forwarding).starts_with('1')};
  for (const auto& table : list_tables()) {
    own.forwarding = own.forwarding && table.forwarding;
    if (kill(table.run, 0) != 0 && errno == ESRCH) delete_table(table_name(table));
  }
  run_nft(host_rules(table_name(own), run));
  const bool passes_on = put(AT_FDCWD, forwarding.c_str(), "1");
  auto [ended, lives] = pipe_pair();
  guard_ = fork();
  if (guard_ == 0) {
    dup2(ended.get(), 0);
    close_range(3, ~0U, 0);
    char nothing;
    while (read(0, &nothing, 1) < 0 && errno == EINTR) {
    }
    try {
      delete_table(table_name(own));
      if (!own.forwarding && list_tables().empty()) {
        put(AT_FDCWD, forwarding.c_str(), "0");
        if (!list_tables().empty()) put(AT_FDCWD, forwarding.c_str(), "1");  // one came in this moment
      }
    } catch (const std::exception& error) {
      dprintf(2, "lambari-sandbox: %s\n", error.what());
    }
    _exit(0);
  }
  lives_ = std::move(lives);
  if (guard_ < 0 || !passes_on) throw Failure(forwarding + " cannot be set");
}

HostNat::~HostNat() {
  lives_.reset();
  while (guard_ > 0 && waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Gateway::Gateway(Internet kind, int user_namespace, pid_t run) : user_namespace_(user_namespace) {
  own_.reset(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  check(static_cast<bool>(own_), "/proc/self/ns/net");
  make_router(user_namespace);
  if (kind == Internet::nat) {
    lead_to_host(run);
  } else {
    start_pasta();
    wait_for_pasta();
  }
}

// An ordinary user cannot come back to the host's network namespace: a child goes, and sends the socket.
Fd Gateway::netlink_in(int network_namespace) const {
  if (user_namespace_ >= 0) {
    enter(network_namespace);
    Fd made;
    try {
      made = Netlink::open();
    } catch (const Failure&) {
      enter(own_.get());
      throw;
    }
    enter(own_.get());
    return made;
  }
  auto [ours, theirs] = socket_pair();
  in_child([&] {
    enter(network_namespace);
    send_packet(theirs.get(), "ok", {Netlink::open().get()});
  });
  theirs.reset();
  auto answer = receive_packet(ours.get(), 16);
  if (answer.descriptors.size() != 1) throw Failure("netlink in another namespace");
  return std::move(answer.descriptors[0]);
}

// The router belongs to the house's user namespace, as what goes in there later does.
void Gateway::make_router(int user_namespace) {
  const auto host = host_addresses();
  auto [ours, theirs] = socket_pair();
  pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    try {
      if (user_namespace >= 0)
        check(setns(user_namespace, CLONE_NEWUSER) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0, "user namespace");
      check(unshare(CLONE_NEWNET) == 0, "network namespace");
      Fd made(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
      check(static_cast<bool>(made), "/proc/thread-self/ns/net");
      write_file("/proc/sys/net/ipv4/ip_forward", "1");
      run_nft(router_rules(host));
      send_packet(theirs.get(), "ok", {made.get()});
    } catch (const std::exception& error) {
      send_packet(theirs.get(), std::string("!") + error.what());
    }
    _exit(0);
  }
  theirs.reset();
  auto answer = receive_packet(ours.get(), 4096);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (answer.bytes != "ok" || answer.descriptors.size() != 1)
    throw Failure("the router: " + (answer.bytes.empty() ? std::string("its maker died") : answer.bytes.substr(1)));
  router_ = std::move(answer.descriptors[0]);
  table_ = std::make_unique<Netlink>(netlink_in(router_.get()));
}

void Gateway::lead_to_host(pid_t run) {
  const auto network = uplink_network(run);
  const auto name = host_interface(run);
  table_->make_pair({"up", kUplinkIndex}, {name, 0}, own_.get());
  table_->commit("the router's uplink");
  const int index = static_cast<int>(if_nametoindex(name.c_str()));
  Netlink host(Netlink::open());
  host.add_address(index, network + 1, 30);
  host.set_up(index);
  host.commit("the host's end of the uplink");
  write_file("/proc/sys/net/ipv4/conf/" + name + "/forwarding", "1");
  table_->add_address(kUplinkIndex, network + 2, 30);
  table_->set_up(kUplinkIndex);
  table_->add_route(0, 0, kUplinkIndex, network + 1);
  table_->commit("the router's uplink");
}

void Gateway::start_pasta() {
  if (!errors_) {
    // A path that it can open: a name for the router's namespace in our own mounts, and a device that its user may use.
    constexpr const char* kPlace = "/mnt";
    mount_at("lambari", kPlace, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k");
    const std::string name = std::string(kPlace) + "/net";
    const Fd made(open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    const bool bound = in_child([&] {
      enter(router_.get());
      mount_at("/proc/thread-self/ns/net", name, nullptr, MS_BIND);
    });
    if (!bound) throw Failure("a name for the router");
    if (const std::string device = std::string(kPlace) + "/tun";
        user_namespace_ >= 0 && mknod(device.c_str(), S_IFCHR | 0666, (10 << 8) | 200) == 0 && chmod(device.c_str(), 0666) == 0)
      mount_at(device.c_str(), "/dev/net/tun", nullptr, MS_BIND);
    errors_.reset(memfd_create("errors", MFD_CLOEXEC));
    check(static_cast<bool>(errors_), "memfd_create");
  }
  started_ = time(nullptr);
  pasta_ = fork();
  check(pasta_ >= 0, "fork");
  if (pasta_ > 0) return;
  if (user_namespace_ >= 0 && (setns(user_namespace_, CLONE_NEWUSER) != 0 || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0))
    _exit(126);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  reset_signals();  // it does not start where SIGPIPE is ignored already
  dup2(open("/dev/null", O_RDWR), 0);
  dup2(0, 1);
  dup2(errors_.get(), 2);
  // No ports of the host's, no way to its loopback by the gateway's address, nothing of IPv6, no announcements.
  const char* arguments[] = {"pasta",   "--foreground", "--quiet",     "--config-net", "--netns", "/mnt/net",  "--no-netns-quit",
                             "-I",      "up",           "--ipv4-only", "--no-map-gw",  "-t",      "none",      "-u",
                             "none",    "-T",           "none",        "-U",           "none",    "--no-dhcp", "--no-dhcpv6",
                             "--no-ra", "-a",           "10.0.2.15",   "-n",           "24",      "-g",        "10.0.2.2",
                             nullptr};
  const char* environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", nullptr};
  execve("/usr/bin/pasta", const_cast<char**>(arguments), const_cast<char**>(environment));
  dprintf(2, "/usr/bin/pasta: %s\n", strerror(errno));
  _exit(127);
}

void Gateway::wait_for_pasta() {
  for (int waited = 0; waited < kPastaTime; waited += 10) {
    const bool there = in_child([&] {
      enter(router_.get());
      if (default_interface(read_file("/proc/thread-self/net/route")).empty()) throw Failure("not yet");
    });
    if (there) return;
    if (waitpid(pasta_, nullptr, WNOHANG) == pasta_) {
      pasta_ = 0;
      break;
    }
    usleep(10'000);
  }
  char text[2048];
  const auto size = pread(errors_.get(), text, sizeof text, 0);
  std::string said(text, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  while (!said.empty() && said.back() == '\n') said.pop_back();
  throw Failure("pasta: " + (said.empty() ? "it does not come up" : said.substr(said.rfind('\n') + 1)));
}

bool Gateway::buried(pid_t child) {
  if (child != pasta_ || child == 0) return false;
  pasta_ = 0;
  if (time(nullptr) - started_ > 1) start_pasta();  // one that cannot run is let be
  return true;
}

void Gateway::connect(std::uint64_t slot, int network_namespace) {
  const auto address = slot_address(slot);
  const int index = kFirstIndex + static_cast<int>(address - kSlots);
  table_->make_pair({"slot" + std::to_string(slot), index}, {"eth0", kSlotIndex}, network_namespace);
  table_->add_address(index, kRouter, 32);
  table_->set_up(index);
  table_->add_route(address, 32, index);
  table_->commit("the slot's interface");
  Netlink own(netlink_in(network_namespace));
  own.add_address(kSlotIndex, address, 32);
  own.set_up(kSlotIndex);
  own.add_route(0, 0, kSlotIndex, kRouter);
  own.commit("the slot's route");
}

}  // namespace lambari::jail
