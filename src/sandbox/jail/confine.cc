#include "sandbox/jail/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lambari::jail {
namespace {

bool limit(int resource, rlim_t most) {
  rlimit value;
  if (getrlimit(static_cast<__rlimit_resource>(resource), &value) != 0) return false;
  if (value.rlim_max > most) value.rlim_max = most;
  value.rlim_cur = value.rlim_max;
  return setrlimit(static_cast<__rlimit_resource>(resource), &value) == 0;
}

bool drop_bounding_set() {
  for (int capability = 0; capability <= 63; ++capability)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL) return true;  // past the last one this kernel knows
      return false;
    }
  return true;
}

bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  return syscall(SYS_capset, &header, none) == 0;
}

}  // namespace

const char* confine(const Filter& filter) {
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);

  if (setsid() < 0 && errno != EPERM) return "setsid";
  umask(022);
  // The count of processes is this user namespace's own; it holds where no control group does.
  // No core: 1 byte, for with 0 the kernel would still start a handler of the host (core_pattern with a pipe), which it takes 1
  // for the mark of and leaves alone. seccomp.cc keeps it so.
  if (!limit(RLIMIT_NPROC, 1024) || !limit(RLIMIT_CORE, 1) || !limit(RLIMIT_NOFILE, 1024) || !limit(RLIMIT_MEMLOCK, 64 << 10) ||
      !limit(RLIMIT_MSGQUEUE, 0) || !limit(RLIMIT_SIGPENDING, 1024) || !limit(RLIMIT_RTPRIO, 0))
    return "setrlimit";

  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) != 0)
    return "securebits";
  if (!drop_bounding_set()) return "bounding set";
  if (setresgid(kFunctionGid, kFunctionGid, kFunctionGid) != 0) return "setresgid";
  if (setresuid(kFunctionUid, kFunctionUid, kFunctionUid) != 0) return "setresuid";
  if (!drop_capabilities()) return "capset";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "no_new_privs";
  // The change of user made /proc/self unreadable for its owner; on AWS a function can read its own.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return "dumpable";

  sock_fprog program{filter.count, const_cast<sock_filter*>(filter.instructions)};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return "seccomp";
  return nullptr;
}

bool arrange_descriptors(int output, const int* keep, int count) {
  // First out of the way of 0..9, then into place.
  int moved[8];
  if (count > 8) return false;
  for (int i = 0; i < count; ++i)
    if ((moved[i] = fcntl(keep[i], F_DUPFD, 64)) < 0) return false;
  int out = fcntl(output, F_DUPFD, 64);
  int in = open("/dev/null", O_RDONLY);
  if (out < 0 || in < 0) return false;
  if (in != 0 && dup2(in, 0) != 0) return false;
  if (dup2(out, 1) != 1 || dup2(out, 2) != 2) return false;
  for (int i = 0; i < count; ++i)
    if (dup2(moved[i], 3 + i) != 3 + i) return false;
  return close_range(3 + count, ~0U, 0) == 0;
}

}  // namespace lambari::jail
