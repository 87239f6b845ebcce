// Where the supervisor lives: process 1 of a pid namespace of its own, so that nothing survives it, and, for root, a user
// namespace for the slots whose numbers mean nobody on the host.
#pragma once

#include <sys/types.h>

#include <string>

#include "sandbox/jail/os.h"

namespace lambari::jail {

struct UserRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const UserRange&) const = default;
};

// Host user numbers for slots, out of those that /proc/self/uid_map shows: high ones that nobody else hands out. count 0: none.
UserRange choose_users(const std::string& uid_map);

// A user namespace with `users` as 0, 1, 2...; the file keeps it alive. The last of them is nobody in it: on the host it answers
// for what the kernel counts of the others. Needs CAP_SETUID. Throws Failure.
Fd make_user_namespace(UserRange users);

// An ordinary user enters one instead, as its root. Throws Failure.
void enter_user_namespace();

// For root, before anything else: a mount namespace of our own whose root is ours too, even when we were started in a chroot
// (where the kernel makes no user namespaces); and control groups mounted in it when the system shows none. Throws Failure.
void make_mounts_ours();

// Mounts made later do not reach the host, and /proc is that of our pid namespace. In the supervisor. Throws Failure.
void settle_mounts();

}  // namespace lambari::jail
