// lambari-sandbox: started by the server with one end of a socket pair. This first process keeps the house: it makes the control
// groups, starts the supervisor as process 1 of a new pid namespace, and tidies up when that has ended, for whatever reason.
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <memory>

#include "sandbox/jail/gateway.h"
#include "sandbox/jail/house.h"
#include "sandbox/jail/supervisor.h"

namespace {

using namespace lambari::jail;

bool may_administer() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  constexpr std::uint32_t kNeeded = 1U << CAP_SYS_ADMIN | 1U << CAP_SETUID | 1U << CAP_SETGID;
  return geteuid() == 0 && syscall(SYS_capget, &header, data) == 0 && (data[0].effective & kNeeded) == kNeeded;
}

void say_hello_with(int socket, const std::string& problem) {
  using namespace lambari::sandbox::protocol;
  send_packet(socket, Writer(Tell::hello).text(problem).number(0).bytes());
}

int keep(int socket, Settings settings) {
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_IGN);  // the server decides when we end
  // A slot takes a dozen descriptors here. Functions get their own limit.
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  settings.root = may_administer();
  try {
    if (settings.root) make_mounts_ours();
  } catch (const std::exception& error) {
    say_hello_with(socket, error.what());
    return 1;
  }
  settings.run = getpid();
  std::unique_ptr<HostNat> nat;
  if (settings.internet == Internet::nat && settings.isolated) {
    try {
      if (!settings.root) throw Failure("only root can; --internet=pasta is for ordinary users");
      nat = std::make_unique<HostNat>(settings.run);
    } catch (const std::exception& error) {
      say_hello_with(socket,
                     std::string("internet: nat: ") + error.what() +
                         ". It needs root, a default route and nftables (apt install nftables); --internet=none does without");
      return 1;
    }
  }
  Cgroups cgroups = Cgroups::open(settings.run, geteuid() == 0);
  if (settings.isolated) {
    try {
      if (!settings.root) enter_user_namespace();
      check(unshare(CLONE_NEWPID) == 0, "pid namespace");
    } catch (const std::exception& error) {
      cgroups.remove();
      say_hello_with(socket,
                     std::string(error.what()) +
                         ". Run as root, or allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 and "
                         "user.max_user_namespaces above 0; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0");
      return 1;
    }
  }
  // Only the supervisor holds the writing end. The kernel closes it before it waits for the end of what the supervisor leaves
  // behind, which never comes while an environment is frozen.
  auto [ended, lives] = pipe_pair();
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // where environments run as the server's user, they must not look in here
  pid_t supervisor = fork();
  if (supervisor == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int result = 0;
    try {
      Supervisor(Fd(socket), settings, std::move(cgroups)).run();
    } catch (const std::exception& error) {
      fprintf(stderr, "lambari-sandbox: %s\n", error.what());
      result = 1;
    }
    _exit(result);
  }
  close(socket);
  lives.reset();
  char nothing;
  while (read(ended.get(), &nothing, 1) < 0 && errno == EINTR) {
  }
  cgroups.thaw();
  int status = 0;
  while (supervisor > 0 && waitpid(supervisor, &status, 0) < 0 && errno == EINTR) {
  }
  cgroups.remove();
  return supervisor > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int count, char** arguments) {
  // lambari-sandbox SOCKET isolated|plain RUNTIMES LIBRARY ENDPOINT_PORT TRUSTED none|nat|pasta
  if (count != 8) {
    fprintf(stderr, "lambari-sandbox is started by lambari; it is of no use alone\n");
    return 2;
  }
  Settings settings;
  settings.isolated = strcmp(arguments[2], "plain") != 0;
  settings.runtimes = arguments[3];
  settings.library = arguments[4];
  settings.endpoint_port = static_cast<std::uint16_t>(atoi(arguments[5]));
  settings.trusted = arguments[6];
  if (strcmp(arguments[7], "nat") == 0) settings.internet = Internet::nat;
  if (strcmp(arguments[7], "pasta") == 0) settings.internet = Internet::pasta;
  int socket = atoi(arguments[1]);
  // Whatever else the server had open stays its own.
  if (socket != 3 && dup2(socket, 3) != 3) return 2;
  close_range(4, ~0U, 0);
  socket = 3;
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  return keep(socket, std::move(settings));
}
