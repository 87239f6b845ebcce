#include "sandbox/jail/house.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

namespace lambari::jail {

UserRange choose_users(const std::string& uid_map) {
  constexpr std::uint64_t kFirst = 0x70000000, kCount = 65536;  // beyond what subuid files and systemd give out
  std::istringstream lines(uid_map);
  UserRange chosen;
  std::uint64_t inside, outside, count;
  while (lines >> inside >> outside >> count) {
    if (inside <= kFirst && kFirst + kCount <= inside + count) return {kFirst, kCount};
    // In a container: the upper end of the largest part, leaving its lower half alone.
    auto size = std::min(kCount, count / 2);
    if (size > chosen.count && size >= 2048)
      chosen = {static_cast<std::uint32_t>(inside + count - size), static_cast<std::uint32_t>(size)};
  }
  return chosen;
}

namespace {

void limit(__rlimit_resource which, rlim_t most) {
  rlimit value{most, most};
  setrlimit(which, &value);  // what stays as it was is a smaller number for all slots together
}

// The kernel counts some things (inotify, signals that wait, timers) for a user of a namespace, for the user who made that
// namespace, and so on up to the host. There it shall meet a number that means nobody, and not root's. That needs the right to
// look at processes of others, which a container may lack.
void become_maker(uid_t number) {
  limit(RLIMIT_SIGPENDING, RLIM_INFINITY);  // of all slots together; each has its own limit
  limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct rights[2] = {};
  if (syscall(SYS_capget, &header, rights) != 0 || !(rights[0].effective & 1U << CAP_SYS_PTRACE)) return;
  // Not with libc's function: real and saved number stay root's, so the rights are only put down.
  if (syscall(SYS_setresuid, -1, number, -1) == 0) syscall(SYS_capset, &header, rights);
}

}  // namespace

Fd make_user_namespace(UserRange users) {
  auto [ours, theirs] = socket_pair();
  pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    ours.reset();
    become_maker(users.first + users.count - 1);
    char byte = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    if (write(theirs.get(), &byte, 1) == 1) (void)!read(theirs.get(), &byte, 1);  // ends when the other side has what it wants
    _exit(0);
  }
  theirs.reset();
  Fd result;
  try {
    auto answer = receive_packet(ours.get(), 1);
    if (answer.bytes != "y") throw Failure("user namespace: not permitted");
    const auto proc = "/proc/" + std::to_string(child);
    const auto line = "0 " + std::to_string(users.first) + " " + std::to_string(users.count - 1);
    write_file(proc + "/uid_map", line);
    write_file(proc + "/gid_map", line);
    result.reset(open((proc + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    check(static_cast<bool>(result), proc + "/ns/user");
  } catch (...) {
    ours.reset();
    waitpid(child, nullptr, 0);
    throw;
  }
  ours.reset();
  waitpid(child, nullptr, 0);
  return result;
}

void enter_user_namespace() {
  const auto uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  rlimit pending;
  if (getrlimit(RLIMIT_SIGPENDING, &pending) == 0) {
    // What all slots together may have: the user keeps the other half.
    pending.rlim_cur = pending.rlim_max / 2;
    setrlimit(RLIMIT_SIGPENDING, &pending);
  }
  check(unshare(CLONE_NEWUSER) == 0, "user namespace");
  put(AT_FDCWD, "/proc/sys/user/max_inotify_instances", "64");
  put(AT_FDCWD, "/proc/sys/user/max_inotify_watches", "65536");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + uid + " 1");
  write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

namespace {

const char* any_folder() {
  for (const char* path : {"/mnt", "/run", "/tmp", "/proc", "/dev"})
    if (struct stat info; stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return path;
  throw Failure("no folder to mount on");
}

// Makes what is seen as "/" the root of the mount namespace, of which nothing spreads to the host.
void own_the_root() {
  struct stat before, after;
  Fd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)), own(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  check(root && own && stat("/", &before) == 0, "/proc/self/ns/mnt");
  // Entering a mount namespace, even one's own, goes to its root.
  check(setns(own.get(), CLONE_NEWNS) == 0 && stat("/", &after) == 0, "setns");
  mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);  // only now: the root of a chroot need not be a mount
  if (before.st_dev == after.st_dev && before.st_ino == after.st_ino) return;
  check(fchdir(root.get()) == 0, "chdir");
  Fd tree = clone_tree(".", true);
  const char* place = any_folder();
  attach_tree(tree, place);
  check(chdir(place) == 0 && syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0,
        "pivot_root");
}

// Each controller where the system has it: on its own hierarchy of version 1, or on version 2.
void mount_cgroups() {
  const auto mounts = read_file("/proc/self/mountinfo");
  if (mounts.find(" - cgroup") != std::string::npos) return;
  const std::string top = any_folder();
  mount_at("lambari", top, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=4k");
  std::istringstream lines(read_file("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controllers.find("name=") != std::string::npos) continue;
    const auto where = top + "/" + (controllers.empty() ? "unified" : controllers);
    mkdir(where.c_str(), 0755);
    if (mount("cgroup", where.c_str(), controllers.empty() ? "cgroup2" : "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              controllers.empty() ? nullptr : controllers.c_str()) != 0)
      rmdir(where.c_str());  // what is missing shows as a missing capability
  }
}

}  // namespace

void make_mounts_ours() {
  check(unshare(CLONE_NEWNS) == 0, "mount namespace");
  own_the_root();
  mount_cgroups();
}

void settle_mounts() {
  check(unshare(CLONE_NEWNS) == 0, "mount namespace");
  mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
  mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  check(chdir("/") == 0, "chdir");
}

}  // namespace lambari::jail
