// liblambari-slot.so: what Python's warm interpreter calls to become the process of a slot. Loaded with ctypes, libc only.
// The interpreter has one thread; everything here is called from it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/jail/confine.h"
#include "sandbox/jail/zygote_protocol.h"

namespace {

using namespace lambari::jail;

int control = -1;
int children = -1;  // signalfd
sock_filter filter[4096];
Filter loaded{filter, 0};

uint64_t slot = 0;
int given[kOrderGroups + kMaxGroups];
int given_count = 0;

void close_slot() {
  for (int i = 0; i < given_count; ++i) close(given[i]);
  given_count = 0;
}

void tell(const ZygoteReport& report) {
  if (send(control, &report, sizeof report, MSG_NOSIGNAL) < 0) _exit(0);  // the supervisor is gone
}

void reap() {
  signalfd_siginfo ignored;
  while (read(children, &ignored, sizeof ignored) > 0) {
  }
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) tell({ZygoteReport::exited, 0, pid, status});
}

// True when an order to fork came.
bool receive() {
  ZygoteOrder order;
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof given)];
  iovec data{&order, sizeof order};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  ssize_t size = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  if (size <= 0) _exit(0);
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (size != sizeof order || !head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len < CMSG_LEN(kOrderGroups * sizeof(int)) ||
      head->cmsg_len > CMSG_LEN(sizeof given))
    _exit(1);
  given_count = static_cast<int>((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  memcpy(given, CMSG_DATA(head), static_cast<size_t>(given_count) * sizeof(int));
  slot = order.slot;
  return true;
}

}  // namespace

extern "C" {

// `fd` leads to the supervisor; `program` is a file with the system call filter. 0 when all is well.
int lambari_zygote_begin(int fd, int program) {
  control = fd;
  fcntl(control, F_SETFD, FD_CLOEXEC);
  ssize_t size = pread(program, filter, sizeof filter, 0);
  close(program);
  if (size <= 0 || size % sizeof(sock_filter) != 0 || size == sizeof filter) return -1;
  loaded.count = static_cast<unsigned short>(size / sizeof(sock_filter));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return children < 0 ? -1 : 0;
}

// Sleeps until a process is wanted; the next fork is born into the slot's pid namespace. Not 0: end.
int lambari_zygote_wait() {
  for (;;) {
    pollfd wanted[2] = {{control, POLLIN, 0}, {children, POLLIN, 0}};
    if (poll(wanted, 2, -1) < 0 && errno != EINTR) return -1;
    if (wanted[1].revents) reap();
    if (!wanted[0].revents || !receive()) continue;
    if (setns(given[kPidNamespace], CLONE_NEWPID) == 0) return 0;
    tell({ZygoteReport::failed, slot, 0, errno});
    close_slot();
  }
}

// In the parent: the process is `pid`, or minus an error number.
void lambari_zygote_forked(int pid) {
  tell({pid > 0 ? ZygoteReport::forked : ZygoteReport::failed, slot, pid > 0 ? pid : 0, pid > 0 ? 0 : -pid});
  close_slot();
}

// In the child: into the slot's namespaces, and no way back. 0 when all is well; otherwise the process must end.
int lambari_slot_enter() {
  prctl(PR_SET_NAME, "runtime", 0, 0, 0);
  const char* failed = nullptr;
  for (int i = kOrderGroups; i < given_count; ++i)
    if (write(given[i], "0", 1) != 1) failed = "cgroup";
  for (int i = kUserNamespace; i < kPidNamespace && !failed; ++i)
    if (setns(given[i], 0) != 0) failed = kNamespaceFiles[i];
  if (int keep[2] = {given[kOrderLaunch], given[kOrderOutput]}; !failed && !arrange_descriptors(given[kOrderOutput], keep, 2))
    failed = "descriptors";
  if (!failed && chdir("/") != 0) failed = "chdir";
  if (!failed) failed = confine(loaded);
  if (!failed) return 0;
  dprintf(2, "lambari: the environment could not be entered: %s: %s\n", failed, strerror(errno));
  return -1;
}

// Sleeps until the environment is given a function, and closes the way it was told. The size of the message, or <= 0.
int lambari_slot_wait(char* buffer, int size) {
  ssize_t got;
  do got = recv(3, buffer, static_cast<size_t>(size), 0);
  while (got < 0 && errno == EINTR);
  close(3);
  return static_cast<int>(got);
}
}
