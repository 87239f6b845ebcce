// Between the supervisor and a zygote: fixed records over a SOCK_SEQPACKET pair.
#pragma once

#include <cstdint>

namespace lambari::jail {

// A slot's namespaces, as descriptors that travel in this order.
inline constexpr int kUserNamespace = 0, kMountNamespace = 1, kNamespaces = 7, kPidNamespace = 6;
inline constexpr const char* kNamespaceFiles[kNamespaces] = {"ns/user", "ns/mnt", "ns/net", "ns/ipc", "ns/uts", "ns/cgroup", "ns/pid_for_children"};

// With it: the slot's namespaces, its output pipe, its launch socket.
inline constexpr int kOrderDescriptors = kNamespaces + 2;
struct ZygoteOrder {
  std::uint64_t slot;
};

struct ZygoteReport {
  enum Kind : std::uint64_t { forked = 1, failed, exited };
  Kind kind;
  std::uint64_t slot;   // forked, failed
  std::int64_t pid;     // forked, exited
  std::int64_t status;  // failed: errno; exited: as wait() gives it
};

}  // namespace lambari::jail
