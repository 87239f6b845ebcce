#include "sandbox/jail/companions.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace lambari::jail {
namespace {

using sandbox::protocol::CompanionAsk;
using sandbox::protocol::CompanionTell;

class Keeper {
 public:
  Keeper(const Assignment& assignment, int line) : assignment_(assignment), line_(line) {}

  [[noreturn]] void run() {
    prctl(PR_SET_NAME, "extensions", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    fcntl(line_, F_SETFD, FD_CLOEXEC);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    const int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    int output[2];
    if (children < 0 || pipe2(output, O_CLOEXEC) != 0) _exit(125);
    // The server reads what they print from a pipe of their own: it tells their lines from the function's.
    tell({CompanionTell::output, 0, 0}, output[0]);
    close(output[0]);
    for (std::size_t i = 0; assignment_.extensions[i]; ++i) start(i, output[1]);
    close(output[1]);

    pollfd wanted[2] = {{children, POLLIN, 0}, {line_, POLLIN, 0}};
    for (;;) {
      if (poll(wanted, 2, -1) < 0 && errno != EINTR) _exit(125);
      signalfd_siginfo ignored;
      while (read(children, &ignored, sizeof ignored) > 0) {
      }
      bury();
      if (wanted[1].revents) obey();
    }
  }

 private:
  void tell(CompanionTell what, int descriptor = -1) {
    iovec data{&what, sizeof what};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
      message.msg_control = space;
      message.msg_controllen = sizeof space;
      cmsghdr* head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(sizeof(int));
      memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
    }
    if (sendmsg(line_, &message, MSG_NOSIGNAL) < 0) _exit(125);
  }

  void start(std::size_t index, int output) {
    int failed[2];
    if (pipe2(failed, O_CLOEXEC) != 0) _exit(125);
    const pid_t pid = fork();
    if (pid < 0) _exit(125);
    if (pid == 0) {
      reset_signals();
      dup2(output, 1);
      dup2(output, 2);
      close(4);  // the frames of the runtime's client
      char* arguments[] = {assignment_.extensions[index], nullptr};
      execve(arguments[0], arguments, assignment_.extension_environment.data());
      const int error = errno;
      (void)!write(failed[1], &error, sizeof error);
      _exit(126);
    }
    close(failed[1]);
    extensions_.push_back(pid);
    int error = 0;
    if (read(failed[0], &error, sizeof error) == sizeof error) {
      extensions_.back() = 0;
      tell({CompanionTell::not_started, index, error});
    }
    close(failed[0]);
  }

  void bury() {
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      for (std::size_t i = 0; i < extensions_.size(); ++i)
        if (extensions_[i] == pid) tell({CompanionTell::ended, i, status});
      if (pid != runtime_) continue;
      runtime_ = 0;
      if (!ending_) end_as(status);
      tell({CompanionTell::runtime_ended, 0, status});
    }
  }

  // Our own end is what the slot's end is told by.
  [[noreturn]] static void end_as(int status) {
    if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
    reset_signals();
    kill(getpid(), WTERMSIG(status));
    _exit(125);
  }

  void obey() {
    CompanionAsk ask;
    const auto size = recv(line_, &ask, sizeof ask, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size != sizeof ask) _exit(0);  // the server is gone
    if (ask.kind == CompanionAsk::start_runtime && runtime_ == 0) {
      runtime_ = fork();
      if (runtime_ < 0) _exit(125);
      if (runtime_ == 0) {
        reset_signals();
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        execute(assignment_);
      }
    } else if (ask.kind == CompanionAsk::terminate) {
      ending_ = true;
      if (runtime_ > 0)
        kill(runtime_, SIGTERM);
      else
        tell({CompanionTell::runtime_ended, 0, 0});
    }
  }

  const Assignment& assignment_;
  const int line_;
  std::vector<pid_t> extensions_;
  pid_t runtime_ = 0;
  bool ending_ = false;
};

}  // namespace

void keep_companions(const Assignment& assignment, int line) { Keeper(assignment, line).run(); }

}  // namespace lambari::jail
