// The last step before code that we do not trust: from all rights inside a slot's namespaces to none. Also compiled into
// liblambari-slot.so, so it uses libc only.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

namespace lambari::jail {

inline constexpr uid_t kFunctionUid = 993;  // sbx_user1051, as on AWS
inline constexpr gid_t kFunctionGid = 990;

struct Filter {
  const sock_filter* instructions = nullptr;
  unsigned short count = 0;
};

// The calling process gives up every capability for good, becomes the function's user, cannot gain rights by executing
// anything, and makes only the system calls of `filter`. Limits that a cgroup does not give are set too. The process must hold
// all capabilities of its user namespace and have one thread. Returns null, or the name of the step that failed (errno is set);
// then the process must end.
const char* confine(const Filter& filter);

// Opens the standard streams: input from /dev/null, output and error to `output`, and closes every descriptor but those in
// `keep`, which end up as 3, 4... in that order. Returns false when it cannot.
bool arrange_descriptors(int output, const int* keep, int count);

}  // namespace lambari::jail
