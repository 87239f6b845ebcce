#include "sandbox/jail/slot_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sandbox/jail/companions.h"
#include "sandbox/jail/confine.h"
#include "sandbox/jail/memory_watch.h"
#include "sandbox/jail/root.h"
#include "sandbox/jail/zygote_protocol.h"

namespace lambari::jail {
namespace {

using sandbox::protocol::ConnectAsk;
using sandbox::protocol::ConnectTell;
using sandbox::protocol::Mode;

void report_failure(int control, const char* text) {
  SlotReport report{SlotReport::failed, errno};
  std::string bytes(reinterpret_cast<const char*>(&report), sizeof report);
  send_packet(control, bytes + text);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

void map_self(int own_proc, std::uint32_t user) {
  // Possible without rights over the outer namespace: one number, our own.
  auto map = [&](const char* file, std::uint32_t inside) {
    check(put(own_proc, file, std::to_string(inside) + " " + std::to_string(user) + " 1"), file);
  };
  check(put(own_proc, "setgroups", "deny"), "setgroups");
  map("uid_map", kFunctionUid);
  map("gid_map", kFunctionGid);
}

void loopback_up() {
  Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  check(any && ioctl(any.get(), SIOCGIFFLAGS, &request) == 0, "loopback");
  request.ifr_flags |= IFF_UP;
  check(ioctl(any.get(), SIOCSIFFLAGS, &request) == 0, "loopback up");
}

void open_named_ports(Fd* listeners, std::uint16_t endpoint_port) {
  auto listen_at = [&](SlotListener which, std::uint16_t port) {
    // The server's own port may be one of them.
    listeners[which] = port == endpoint_port ? Fd(fcntl(listeners[kEndpoint].get(), F_DUPFD_CLOEXEC, 0)) : listen_local(port);
  };
  listen_at(kHttps, 443);
  listen_at(kHttp, 80);
  listen_at(kNamesTcp, 53);
  Fd datagrams(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto address = loopback(53);
  check(datagrams && bind(datagrams.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind port 53");
  listeners[kNamesUdp] = std::move(datagrams);
}

namespace {

Filter filter_of(const SlotPlan& plan) { return {plan.filter->data(), static_cast<unsigned short>(plan.filter->size())}; }

[[noreturn]] void run_main_process(const SlotPlan& plan) {
  reset_signals();
  prctl(PR_SET_NAME, "runtime", 0, 0, 0);
  int keep[2] = {plan.launch, plan.output};
  if (!arrange_descriptors(plan.output, keep, 2)) _exit(125);
  if (const char* failed = confine(filter_of(plan))) {
    dprintf(2, "lambari: the environment could not be entered: %s: %s\n", failed, strerror(errno));
    _exit(125);
  }
  launch();
}

// A connection to a listener of the function's, for the server, which is not in this network. False when the server asks no more.
bool connect_for_server(int line) {
  ConnectAsk ask;
  const auto size = recv(line, &ask, sizeof ask, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (size != sizeof ask) return false;
  const Fd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto address = loopback(static_cast<std::uint16_t>(ask.port));
  ConnectTell told{ask.number, 0};
  if (!made || (connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS))
    told.error = errno;
  try {
    send_packet(line, {reinterpret_cast<const char*>(&told), sizeof told},
                told.error ? std::vector<int>{} : std::vector<int>{made.get()});
  } catch (const Failure&) {
    return false;
  }
  return true;
}

// What is left to an init without rights. `control` brings the limit of memory, where it is to be watched, and takes reports;
// `connections` is the server's line.
[[noreturn]] void bury_and_watch(int control, int connections, pid_t main_process, MemoryWatch memory) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  const int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  auto tell = [&](SlotReport report) { send(control, &report, sizeof report, MSG_NOSIGNAL); };
  pollfd wanted[3] = {{children, POLLIN, 0}, {control, POLLIN, 0}, {connections, POLLIN, 0}};
  bool buried = false;
  for (int pause = -1;;) {
    int status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;)
      if (ended == main_process) {  // others are orphans
        buried = true;
        tell({SlotReport::exited, status});
      }
    poll(wanted, 3, pause);
    signalfd_siginfo ignored;
    while (read(children, &ignored, sizeof ignored) > 0) {
    }
    if (wanted[1].revents) {
      std::uint64_t limit = 0;
      if (recv(control, &limit, sizeof limit, MSG_DONTWAIT) != sizeof limit) _exit(0);  // the supervisor is gone
      if (limit != kTerminate)
        memory.limit(limit);
      else if (main_process > 0 && !buried)
        kill(main_process, SIGTERM);
    }
    if (wanted[2].revents && !connect_for_server(connections)) wanted[2].fd = -1;
    if (!memory.watching() || !memory.over(pause)) continue;
    tell({SlotReport::over_memory, 0});  // the supervisor ends us
    memory.limit(0);
    pause = -1;
  }
}

[[noreturn]] void be_init(const SlotPlan& plan) {
  try {
    prctl(PR_SET_NAME, "init", 0, 0, 0);
    constexpr char kName[] = "169.254.76.1";  // AWS names them so
    check(sethostname(kName, sizeof kName - 1) == 0, "sethostname");
    loopback_up();
    auto runtime_port = plan.runtime_port, endpoint_port = plan.endpoint_port;
    Fd listeners[kSlotListeners];
    listeners[kRuntime] = listen_local(runtime_port);
    listeners[kEndpoint] = listen_local(endpoint_port);
    open_named_ports(listeners, endpoint_port);
    auto [connections, servers] = socket_pair();
    listeners[kConnections] = std::move(servers);
    mount_own("mode=1777,size=1m,nr_inodes=100k,uid=" + std::to_string(kFunctionUid) + ",gid=" + std::to_string(kFunctionGid));
    check(chdir("/") == 0, "chdir");

    pid_t main_process = 0;
    if (plan.mode != Mode::zygote) {
      main_process = fork();
      check(main_process >= 0, "fork");
      if (main_process == 0) run_main_process(plan);
    }
    // The listeners go up only now: the supervisor may rely on all of the above.
    SlotReport ready{SlotReport::ready, 0};
    std::vector<int> descriptors;
    for (const auto& listener : listeners) descriptors.push_back(listener.get());
    send_packet(plan.control, {reinterpret_cast<const char*>(&ready), sizeof ready}, descriptors);
    for (auto& listener : listeners) listener.reset();

    int control = fcntl(plan.control, F_DUPFD_CLOEXEC, 64), line = fcntl(connections.get(), F_DUPFD_CLOEXEC, 64),
        peak = fcntl(plan.peak, F_DUPFD_CLOEXEC, 64);
    check(control >= 0 && dup2(control, 3) == 3 && line >= 0 && dup2(line, 4) == 4 && (peak < 0 || dup2(peak, 5) == 5), "dup");
    connections.release();  // closed with the rest
    close_range(peak < 0 ? 5 : 6, ~0U, 0);
    for (int fd = 0; fd < 3; ++fd) close(fd);
    if (const char* failed = confine(filter_of(plan))) fail(failed);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // the function runs as the same user, and must not look in here
    bury_and_watch(3, 4, main_process, MemoryWatch(5));
  } catch (const std::exception& error) {
    try {
      report_failure(plan.control, error.what());
    } catch (...) {
    }
  }
  _exit(1);
}

}  // namespace

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);
}

Fd listen_local(std::uint16_t& port) {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto address = loopback(port);
  socklen_t size = sizeof address;
  check(listener && bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener.get(), 128) == 0 &&
            getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0,
        "listen on port " + std::to_string(port));
  port = ntohs(address.sin_port);
  return listener;
}

void enter_slot(const SlotPlan& plan) {
  try {
    prctl(PR_SET_NAME, "slot", 0, 0, 0);
    Fd own_proc(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));  // the root that we enter shows other processes
    check(static_cast<bool>(own_proc), "/proc/self");
    plan.group->join();
    if (plan.user_namespace >= 0) check(setns(plan.user_namespace, CLONE_NEWUSER) == 0, "enter the house's user namespace");
    check(setns(plan.root, CLONE_NEWNS) == 0, "enter the root");
    if (plan.user_namespace >= 0)
      check(setresgid(plan.user, plan.user, plan.user) == 0 && setresuid(plan.user, plan.user, plan.user) == 0,
            "become the slot's user");
    check(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP) == 0,
          "make namespaces");
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // so that our own files in /proc are ours
    map_self(own_proc.get(), plan.user);
    pid_t init = fork();
    check(init >= 0, "fork");
    if (init == 0) be_init(plan);
    std::vector<Fd> namespaces;
    std::vector<int> numbers;
    for (const char* file : kNamespaceFiles) {
      namespaces.emplace_back(openat(own_proc.get(), file, O_RDONLY | O_CLOEXEC));
      check(static_cast<bool>(namespaces.back()), file);
      numbers.push_back(namespaces.back().get());
    }
    SlotReport report{SlotReport::entered, init};
    send_packet(plan.control, {reinterpret_cast<const char*>(&report), sizeof report}, numbers);
    _exit(0);
  } catch (const std::exception& error) {
    try {
      report_failure(plan.control, error.what());
    } catch (...) {
    }
  }
  _exit(1);
}

bool parse_assignment(char* message, std::size_t size, Assignment& into) {
  if (size == 0 || message[size - 1] != 0) return false;
  char* at = message;
  char* end = message + size;
  into.primes = sandbox::protocol::kPrime == at;
  if (into.primes) at += strlen(at) + 1;
  if (at == end) return false;
  into.folder = at;
  at += strlen(at) + 1;
  for (auto* list : {&into.arguments, &into.environment, &into.extensions, &into.extension_environment}) {
    if (list == &into.extensions && at == end) return true;
    for (;;) {
      if (at >= end) return false;
      char* text = at;
      at += strlen(at) + 1;
      if (!*text) break;
      list->push_back(text);
    }
    list->push_back(nullptr);
  }
  return at == end;
}

void launch() {
  static char message[sandbox::protocol::kMaxAssignment];
  ssize_t size;
  do size = recv(3, message, sizeof message, 0);
  while (size < 0 && errno == EINTR);
  if (size <= 0) _exit(0);
  static Assignment assignment;
  if (!parse_assignment(message, static_cast<std::size_t>(size), assignment)) _exit(125);
  if (!assignment.extensions.empty()) keep_companions(assignment, 3);
  if (!assignment.primes) close(3);
  execute(assignment);
}

namespace {

// As execvp(), but by the PATH of the environment that the program gets.
void execute_by_name(const Assignment& assignment) {
  const char* name = assignment.arguments.front();
  char* const* arguments = assignment.arguments.data();
  char* const* environment = assignment.environment.data();
  const char* path = nullptr;
  for (char* const* one = environment; *one; ++one)
    if (strncmp(*one, "PATH=", 5) == 0) path = *one + 5;
  if (strchr(name, '/') || !path) {
    execve(name, arguments, environment);
    return;
  }
  static char full[4096];
  int worst = ENOENT;
  for (const char* end; *path; path = *end ? end + 1 : end) {
    end = strchrnul(path, ':');
    const int size = snprintf(full, sizeof full, "%.*s/%s", static_cast<int>(end - path), path, name);
    if (size <= 0 || static_cast<std::size_t>(size) >= sizeof full) continue;
    execve(full, arguments, environment);
    if (errno != ENOENT && errno != ENOTDIR) worst = errno;
  }
  errno = worst;
}

}  // namespace

void execute(const Assignment& assignment) {
  using namespace sandbox::protocol;
  if (chdir(assignment.folder) != 0) {
    dprintf(2, "lambari: %s: %s\n", assignment.folder, strerror(errno));
    _exit(kNoFolder);
  }
  const char* program = assignment.arguments.front();
  if (program) {
    execute_by_name(assignment);
  } else {
    // The first that is there; without one the server has not come here.
    program = access("/var/task/bootstrap", F_OK) == 0 ? "/var/task/bootstrap" : "/opt/bootstrap";
    const char* arguments[] = {program, nullptr};
    execve(program, const_cast<char**>(arguments), assignment.environment.data());
  }
  const int error = errno;
  dprintf(2, "lambari: %s: %s\n", program, strerror(error));
  _exit(error == EACCES || error == EPERM ? kNoPermission : error == ENOEXEC ? kNoFormat : kNoProgram);
}

}  // namespace lambari::jail
