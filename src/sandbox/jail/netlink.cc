#include "sandbox/jail/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

namespace lambari::jail {

// One message at the end of the batch; attributes are added behind its head, and its length is set when it goes out of scope.
struct Netlink::Message {
  template <class Head>
  Message(Netlink& to, std::uint16_t type, std::uint16_t flags, const Head& head) : batch(to.batch_), at(batch.size()) {
    nlmsghdr header{0, type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), ++to.count_, 0};
    append(&header, sizeof header);
    append(&head, sizeof head);
  }
  Message(const Message&) = delete;
  ~Message() {
    const auto size = static_cast<std::uint32_t>(batch.size() - at);
    memcpy(batch.data() + at, &size, sizeof size);
  }
  void append(const void* bytes, std::size_t size) {
    batch.append(static_cast<const char*>(bytes), size);
    batch.append((4 - size % 4) % 4, '\0');
  }
  void attribute(std::uint16_t type, const void* bytes, std::size_t size) {
    rtattr head{static_cast<std::uint16_t>(sizeof head + size), type};
    append(&head, sizeof head);
    append(bytes, size);
  }
  void attribute(std::uint16_t type, const std::string& text) { attribute(type, text.c_str(), text.size() + 1); }
  void attribute(std::uint16_t type, std::uint32_t number) { attribute(type, &number, sizeof number); }
  template <class Fill>
  void nest(std::uint16_t type, Fill&& fill) {
    const auto begin = batch.size();
    attribute(type, nullptr, 0);
    fill();
    const auto size = static_cast<std::uint16_t>(batch.size() - begin);
    memcpy(batch.data() + begin, &size, sizeof size);
  }
  std::string& batch;
  const std::size_t at;
};

Fd Netlink::open() {
  Fd made(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  check(static_cast<bool>(made), "netlink");
  return made;
}

void Netlink::make_pair(const End& here, const End& there, int there_namespace) {
  ifinfomsg head{};
  head.ifi_index = here.index;
  Message message(*this, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, head);
  message.attribute(IFLA_IFNAME, here.name);
  message.nest(IFLA_LINKINFO, [&] {
    message.attribute(IFLA_INFO_KIND, "veth");
    message.nest(IFLA_INFO_DATA, [&] {
      message.nest(VETH_INFO_PEER, [&] {
        ifinfomsg peer{};
        peer.ifi_index = there.index;
        message.append(&peer, sizeof peer);
        message.attribute(IFLA_IFNAME, there.name);
        message.attribute(IFLA_NET_NS_FD, static_cast<std::uint32_t>(there_namespace));
      });
    });
  });
}

void Netlink::add_address(int index, std::uint32_t address, int prefix) {
  ifaddrmsg head{AF_INET, static_cast<std::uint8_t>(prefix), 0, RT_SCOPE_UNIVERSE, static_cast<std::uint32_t>(index)};
  Message message(*this, RTM_NEWADDR, NLM_F_CREATE, head);
  message.attribute(IFA_LOCAL, htonl(address));
  message.attribute(IFA_ADDRESS, htonl(address));
}

void Netlink::set_up(int index) {
  ifinfomsg head{};
  head.ifi_index = index;
  head.ifi_flags = head.ifi_change = IFF_UP;
  Message message(*this, RTM_NEWLINK, 0, head);
}

void Netlink::add_route(std::uint32_t to, int prefix, int index, std::uint32_t via) {
  rtmsg head{};
  head.rtm_family = AF_INET;
  head.rtm_dst_len = static_cast<std::uint8_t>(prefix);
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_protocol = RTPROT_STATIC;
  head.rtm_scope = via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  head.rtm_type = RTN_UNICAST;
  head.rtm_flags = via ? RTNH_F_ONLINK : 0;
  Message message(*this, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, head);
  if (prefix) message.attribute(RTA_DST, htonl(to));
  message.attribute(RTA_OIF, static_cast<std::uint32_t>(index));
  if (via) message.attribute(RTA_GATEWAY, htonl(via));
}

void Netlink::commit(std::string_view what) {
  const auto batch = std::exchange(batch_, {});
  const auto count = std::exchange(count_, 0);
  check(send(socket_.get(), batch.data(), batch.size(), 0) == static_cast<ssize_t>(batch.size()), what);
  int problem = 0;
  for (unsigned answered = 0; answered < count;) {
    alignas(nlmsghdr) char answer[8192];
    auto size = recv(socket_.get(), answer, sizeof answer, 0);
    if (size < 0 && errno == EINTR) continue;
    check(size > 0, what);
    for (auto* head = reinterpret_cast<nlmsghdr*>(answer); NLMSG_OK(head, size); head = NLMSG_NEXT(head, size)) {
      if (head->nlmsg_type != NLMSG_ERROR) continue;
      ++answered;
      if (!problem) problem = -static_cast<nlmsgerr*>(NLMSG_DATA(head))->error;
    }
  }
  errno = problem;
  check(problem == 0, what);
}

}  // namespace lambari::jail
