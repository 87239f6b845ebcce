// The way to the Internet, when it is asked for: a router in a network namespace of its own. Every slot has a pair of interfaces
// with it; one more leads on, to the host's kernel, which translates addresses (nat, for root), or to pasta(1), which does so as
// an ordinary program. The router lets functions reach public IPv4 addresses and nothing else: no private or special range, no
// other function, no mail (port 25, as on AWS); nothing reaches them but answers. A function has no right to change any of it.
//   https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html (outside a VPC: IPv4, outgoing)
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sandbox/jail/netlink.h"
#include "sandbox/jail/os.h"

namespace lambari::jail {

enum class Internet { none, nat, pasta };

// On the host itself, for nat: rules that translate what comes from the router, and keep it away from the host. A process of its
// own undoes them when the last process that has a copy of this is gone, killed or not. Throws Failure.
class HostNat {
 public:
  explicit HostNat(pid_t run);
  HostNat(const HostNat&) = delete;
  ~HostNat();

 private:
  Fd lives_;
  pid_t guard_ = -1;
};

class Gateway {
 public:
  // In the supervisor; `user_namespace` is the house's, or -1 when we are in it. `run` is the keeper's number. Throws Failure.
  Gateway(Internet kind, int user_namespace, pid_t run);

  // Gives a slot's network namespace its way out. Throws Failure.
  void connect(std::uint64_t slot, int network_namespace);

  // A child died. True: it was pasta, which is started again.
  bool buried(pid_t child);

 private:
  void make_router(int user_namespace);
  void lead_to_host(pid_t run);
  void start_pasta();
  void wait_for_pasta();
  Fd netlink_in(int network_namespace) const;

  const int user_namespace_;
  Fd own_;  // the host's network namespace
  Fd router_, errors_;
  std::unique_ptr<Netlink> table_;  // the router's
  pid_t pasta_ = 0;
  std::int64_t started_ = 0;
};

// Pure parts, tested.
struct NatTable {
  pid_t run = 0;
  bool forwarding = false;  // of the host, before
  bool operator==(const NatTable&) const = default;
};
std::string table_name(const NatTable& table);
std::vector<NatTable> parse_tables(const std::string& listed);  // those of lambari's runs, out of `nft list tables`
std::string router_rules(const std::set<std::uint32_t>& host);  // for nft(8); the host's own addresses are refused too
std::string host_rules(const std::string& table, pid_t run);
std::string host_interface(pid_t run);
std::uint32_t uplink_network(pid_t run);  // of 4 addresses: the host's is the second, the router's the third
std::uint32_t slot_address(std::uint64_t slot);
std::string default_interface(const std::string& routes);  // of /proc/net/route; empty: none

}  // namespace lambari::jail
