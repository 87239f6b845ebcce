// Between the supervisor and a zygote: fixed records over a SOCK_SEQPACKET pair.
#pragma once

#include <cstdint>

namespace lambari::jail {

// A slot's namespaces, as descriptors that travel in this order.
inline constexpr int kUserNamespace = 0, kMountNamespace = 1, kNetworkNamespace = 2, kNamespaces = 7, kPidNamespace = 6;
inline constexpr const char* kNamespaceFiles[kNamespaces] = {
    "ns/user", "ns/mnt", "ns/net", "ns/ipc", "ns/uts", "ns/cgroup", "ns/pid_for_children"};

// With it: the slot's namespaces, its output pipe, its launch socket, and the files to join its control groups with.
// The process joins them by itself: a move between groups can take many milliseconds, for which the supervisor would stand still.
inline constexpr int kOrderOutput = kNamespaces, kOrderLaunch = kNamespaces + 1, kOrderGroups = kNamespaces + 2;
inline constexpr int kMaxGroups = 5;
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
