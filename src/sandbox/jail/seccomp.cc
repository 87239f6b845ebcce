#include "sandbox/jail/seccomp.h"

#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <string>
#include <system_error>

namespace lambari::jail {
namespace {

// What ordinary programs use. Left out, with the reason that they widen what a function can reach in the kernel:
//   namespaces and mounts (unshare, setns, mount*, pivot_root, fsopen...), other processes' memory (ptrace, process_vm_*,
//   pidfd_getfd, kcmp), keys, bpf, perf, io_uring, userfaultfd, modules, kexec, swap, quotas, clocks' setting,
//   fanotify, open_by_handle_at, syslog, acct, NUMA policies. ioctl is whole: no terminal can be reached.
constexpr const char* kAllowed = R"(
accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime clock_nanosleep close
close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait
eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown
fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_waitv
futex_wake futex_wait futex_requeue getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername
getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit get_robust_list getrusage getsid getsockname
getsockopt get_thread_area gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl
ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen
listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier memfd_create mincore mkdir mkdirat mlock mlock2 mlockall
mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
munlock munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc
pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 process_mrelease pselect6 pwrite64 pwritev pwritev2 read
readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2
restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto setfsgid setfsuid setgid setgroups setitimer
setpgid setpriority setregid setresgid setresuid setreuid set_robust_list setsid setsockopt set_thread_area
set_tid_address setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 splice stat statfs
statx symlink symlinkat sync_file_range sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat
utime utimensat utimes vfork vmsplice wait4 waitid write writev
)";

// Programs that try these and get "no such call" go another way; "not permitted" would stop them.
constexpr const char* kUnknown = "clone3 io_uring_setup io_uring_enter io_uring_register";

using Context = std::unique_ptr<void, void (*)(void*)>;

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), std::string("seccomp: ") + what);
}

void for_each_name(const char* names, auto&& act) {
  std::istringstream all(names);
  for (std::string name; all >> name;)
    if (int number = seccomp_syscall_resolve_name(name.c_str()); number >= 0) act(number);
}

}  // namespace

std::vector<sock_filter> compile_filter() {
  Context context(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!context) throw std::system_error(ENOMEM, std::generic_category(), "seccomp");
  auto* filter = context.get();
  // Another instruction set's calls (32 bit, x32) have other numbers: none is allowed.
  check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad architecture");
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree; older libraries lack it

  for_each_name(kAllowed, [&](int number) { check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), "rule"); });
  for_each_name(kUnknown, [&](int number) { check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0), "rule"); });

  // Threads and processes, but no new namespaces.
  constexpr std::uint64_t kNamespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaces, 0)), "clone");

  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX)), "socket");
  // TCP and UDP. To ask for another protocol can make the kernel load a module for it; "no such protocol" lets programs that try
  // (MPTCP) go another way.
  for (unsigned family : {AF_INET, AF_INET6}) {
    for (unsigned type : {SOCK_STREAM, SOCK_DGRAM})
      for (unsigned protocol : {0, static_cast<int>(IPPROTO_TCP), static_cast<int>(IPPROTO_UDP)})
        check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3, SCMP_A0(SCMP_CMP_EQ, family),
                               SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, type), SCMP_A2(SCMP_CMP_EQ, protocol)),
              "socket");
    check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, family),
                           SCMP_A2(SCMP_CMP_GT, IPPROTO_UDP)),
          "socket");
  }
  // getifaddrs() asks NETLINK_ROUTE, which is protocol 0.
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_EQ, 0)),
        "netlink");
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX)), "socketpair");

  for (unsigned persona : {0U, 0x8U, 0x20000U, 0x20008U, 0xffffffffU})
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1, SCMP_A0(SCMP_CMP_EQ, persona)), "personality");

  // Named pipes, sockets and files, but no devices.
  for (unsigned kind : {S_IFIFO, S_IFSOCK, S_IFREG, 0}) {
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mknod), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, kind)), "mknod");
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mknodat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, kind)), "mknodat");
  }

  // What a function can write is in memory, so this is done already; the kernel would go through the host's file systems.
  const auto nothing = SCMP_ACT_ERRNO(0);
  for (int call : {SCMP_SYS(sync), SCMP_SYS(syncfs)}) check(seccomp_rule_add(filter, nothing, call, 0), "sync");

  // The limit of core dumps stays as confine() set it. Programs that turn cores off are told that it is done.
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setrlimit), 1, SCMP_A0(SCMP_CMP_NE, RLIMIT_CORE)), "setrlimit");
  check(seccomp_rule_add(filter, nothing, SCMP_SYS(setrlimit), 1, SCMP_A0(SCMP_CMP_EQ, RLIMIT_CORE)), "setrlimit");
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A1(SCMP_CMP_NE, RLIMIT_CORE)), "prlimit64");
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A1(SCMP_CMP_EQ, RLIMIT_CORE),
                         SCMP_A2(SCMP_CMP_EQ, 0)),
        "prlimit64");
  check(seccomp_rule_add(filter, nothing, SCMP_SYS(prlimit64), 3, SCMP_A1(SCMP_CMP_EQ, RLIMIT_CORE), SCMP_A2(SCMP_CMP_NE, 0),
                         SCMP_A3(SCMP_CMP_EQ, 0)),
        "prlimit64");

  int file = memfd_create("filter", MFD_CLOEXEC);
  if (file < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
  int exported = seccomp_export_bpf(filter, file);
  off_t size = lseek(file, 0, SEEK_END);
  std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  auto got = pread(file, program.data(), static_cast<std::size_t>(size), 0);
  close(file);
  check(exported, "export");
  if (got != size) throw std::system_error(EIO, std::generic_category(), "seccomp");
  return program;
}

}  // namespace lambari::jail
