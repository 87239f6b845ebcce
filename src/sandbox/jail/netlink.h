// What is needed of rtnetlink(7): a pair of interfaces, addresses, routes. Messages are collected and sent at once, for each
// question costs a way into the kernel. IPv4 only; addresses are in host byte order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/jail/os.h"

namespace lambari::jail {

class Netlink {
 public:
  static Fd open();  // to the network namespace the caller is in, for good. Throws Failure.
  explicit Netlink(Fd socket) : socket_(std::move(socket)) {}

  struct End {
    std::string name;
    int index = 0;  // 0: the kernel picks one
  };
  void make_pair(const End& here, const End& there, int there_namespace);
  void add_address(int index, std::uint32_t address, int prefix);
  void set_up(int index);
  // via: a neighbour that need not be in a network of the interface; 0: the destination itself is one.
  void add_route(std::uint32_t to, int prefix, int index, std::uint32_t via = 0);
  void commit(std::string_view what);  // throws Failure with the first error; the others were done or not

 private:
  struct Message;
  Fd socket_;
  std::string batch_;
  unsigned count_ = 0;
};

}  // namespace lambari::jail
