// What isolation costs, as rows of Markdown: work, with it, without it, ratio. First a slot's start without each part in turn,
// then the parts alone, each in a child that does nothing else, then what a function's user sees: cold and warm starts and 64
// environments at once, isolated and as plain processes. Needs what the sandbox needs; the first rows need root.
//   isolation_bench
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

#include "async/loops.h"
#include "http/server.h"
#include "sandbox/jail/cgroups.h"
#include "sandbox/jail/confine.h"
#include "sandbox/jail/house.h"
#include "sandbox/jail/os.h"
#include "sandbox/jail/root.h"
#include "sandbox/jail/seccomp.h"
#include "sandbox/jail/slot_process.h"
#include "sandbox/jail/staging.h"
#include "sandbox/sandbox.h"

namespace {

using namespace lambari;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kTimes = 100, kCold = 40, kWarm = 2000, kMany = 64;

using Times = std::vector<double>;  // us

double us(Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

double p50(Times all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

void row(std::string_view what, std::string_view with, std::string_view without = "", std::string_view ratio = "") {
  std::cout << fmt::format("| isolation: {} | {} | {} | {} | |\n", what, with, without, ratio) << std::flush;
}

void row(std::string_view what, const Times& with) {
  if (with.empty()) return row(what, "not here");
  row(what, fmt::format("p50 {:.1f} us", p50(with)));
}

void row(std::string_view what, const Times& with, const Times& without, std::string_view word = "without it") {
  if (with.empty() || without.empty()) return row(what, with);
  row(what, fmt::format("p50 {:.1f} us", p50(with)), fmt::format("{} {:.1f} us", word, p50(without)),
      fmt::format("{:.2f}", p50(with) / p50(without)));
}

// What `work` returns when it is done in a child, and the child's status. It ends with the child.
template <class Work>
bool in_child(const Work& work, double& result) {
  auto [read_end, write_end] = jail::pipe_pair();
  pid_t child = fork();
  if (child == 0) {
    int code = 1;
    try {
      const double found = work();
      if (write(write_end.get(), &found, sizeof found) == sizeof found) code = 0;
    } catch (const std::exception& error) {
      std::cerr << error.what() << "\n";
    }
    _exit(code);
  }
  write_end.reset();
  const bool told = read(read_end.get(), &result, sizeof result) == sizeof result;
  int status = 0;
  waitpid(child, &status, 0);
  return told && status == 0;
}

// The work alone, in children that do `first` before it. Empty where it cannot be done.
Times alone(const std::function<void()>& work, const std::function<void()>& first = [] {}) {
  Times times;
  double took = 0;
  for (int i = 0; i < kTimes; ++i) {
    auto timed = [&] {
      first();
      const auto began = Clock::now();
      work();
      return us(Clock::now() - began);
    };
    if (!in_child(timed, took)) return {};
    times.push_back(took);
  }
  return times;
}

// Parts of a slot, in the order of its start.
enum Part : unsigned {
  groups = 1,
  network = 2,
  files = 4,
  own = 8,
  processes = 16,
  ipc = 32,
  names = 64,
  cgroup = 128,
  rights = 256,
  every = 511
};
constexpr std::pair<unsigned, const char*> kWithout[] = {{groups, "control groups: made, limited, joined"},
                                                         {network, "network namespace, its loopback and its listeners"},
                                                         {files | own, "mount namespace, read-only root, own /proc and /tmp"},
                                                         {own, "own /proc, masked, and own /tmp"},
                                                         {processes | own, "pid namespace, own /proc and /tmp"},
                                                         {ipc, "ipc namespace"},
                                                         {names, "uts namespace"},
                                                         {cgroup, "cgroup namespace"},
                                                         {rights, "no capabilities, limits, system call filter"},
                                                         {every, "all of these; what is left is the user namespace"}};

struct Shared {
  jail::Cgroups groups;
  jail::Fd house, root;
  std::vector<sock_filter> filter;
};

// As jail/slot_process.cc starts a slot, less `without`, up to where code of the function's would run. The namespace of users is
// always there, so that nothing of the host's is changed when another is not.
void start_slot(const Shared& shared, const jail::Group& group, unsigned without) {
  const auto has = [&](Part part) { return (without & part) == 0; };
  jail::Fd own_proc(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (has(groups)) group.join();
  jail::check(setns(shared.house.get(), CLONE_NEWUSER) == 0, "enter the house");
  if (has(files)) jail::check(setns(shared.root.get(), CLONE_NEWNS) == 0, "enter the root");
  jail::check(setresgid(1, 1, 1) == 0 && setresuid(1, 1, 1) == 0, "become the slot's user");
  jail::check(
      unshare(CLONE_NEWUSER | (has(files) ? CLONE_NEWNS : 0) | (has(network) ? CLONE_NEWNET : 0) | (has(ipc) ? CLONE_NEWIPC : 0) |
              (has(names) ? CLONE_NEWUTS : 0) | (has(processes) ? CLONE_NEWPID : 0) | (has(cgroup) ? CLONE_NEWCGROUP : 0)) == 0,
      "make namespaces");
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  jail::map_self(own_proc.get(), 1);
  const pid_t init = fork();
  if (init == 0) {
    try {
      if (has(names)) jail::check(sethostname("slot", 4) == 0, "sethostname");
      jail::Fd listeners[jail::kSlotListeners];
      if (has(network)) {
        jail::loopback_up();
        std::uint16_t runtime_port = 9001, endpoint_port = 4566;
        listeners[jail::kRuntime] = jail::listen_local(runtime_port);
        listeners[jail::kEndpoint] = jail::listen_local(endpoint_port);
        jail::open_named_ports(listeners, endpoint_port);
      }
      if (has(own)) jail::mount_own("mode=1777,size=1m,nr_inodes=100k");
      if (has(rights))
        jail::check(!jail::confine({shared.filter.data(), static_cast<unsigned short>(shared.filter.size())}), "confine");
      _exit(0);
    } catch (const std::exception& error) {
      std::cerr << error.what() << "\n";
    }
    _exit(1);
  }
  int status = 0;
  jail::check(init > 0 && waitpid(init, &status, 0) == init && status == 0, "the slot's init");
}

void with_and_without() {
  if (geteuid() != 0) return row("a slot's start without each part", "not here: needs root");
  Shared shared{jail::Cgroups::open(getpid(), true),
                jail::make_user_namespace(jail::choose_users(jail::read_file("/proc/self/uid_map"))),
                {},
                jail::compile_filter()};
  jail::Roots roots;
  roots.library = fs::read_symlink("/proc/self/exe").parent_path() / "liblambari-slot.so";
  roots.user_namespace = jail::Fd(fcntl(shared.house.get(), F_DUPFD_CLOEXEC, 0));
  shared.root = jail::make_root(roots, "", nullptr);
  std::map<unsigned, Times> times;
  std::uint64_t id = 0;
  auto once = [&](unsigned without) {
    double ignored = 0;
    const auto began = Clock::now();
    jail::Group group;
    if ((without & groups) == 0) {
      group = shared.groups.make(++id);
      group.limit({});
    }
    const bool done = in_child([&] { return start_slot(shared, group, without), 0.0; }, ignored);
    times[without].push_back(us(Clock::now() - began));
    while (!group.remove()) usleep(100);
    return done;
  };
  bool done = true;
  for (int i = 0; i < kTimes && done; ++i) {  // in turn, so that what else the host does meets all of them
    done = once(0);
    for (auto [without, name] : kWithout) done = done && once(without);
  }
  shared.groups.remove();
  if (!done) return row("a slot's start without each part", "not here");
  for (auto [without, name] : kWithout) row(fmt::format("a slot's start to its end; {}", name), times[0], times[without]);
}

void parts(const fs::path& code) {
  row("a child, born and buried", [] {
    Times times;
    for (int i = 0; i < kTimes; ++i) {
      double ignored = 0;
      const auto began = Clock::now();
      in_child([] { return 0.0; }, ignored);
      times.push_back(us(Clock::now() - began));
    }
    return times;
  }());
  const std::pair<const char*, int> kinds[] = {{"user", CLONE_NEWUSER},  {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
                                               {"ipc", CLONE_NEWIPC},    {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP},
                                               {"network", CLONE_NEWNET}};
  int all = 0;
  for (auto [name, flag] : kinds) {
    row(fmt::format("{} namespace, alone", name), alone([flag = flag] { jail::check(unshare(flag) == 0, "unshare"); }));
    all |= flag;
  }
  row("all seven at once", alone([all] { jail::check(unshare(all) == 0, "unshare"); }));

  const auto bind = alone([&] {
    auto tree = jail::clone_tree(code);
    jail::set_read_only(tree, code);
  });
  row("code as an overlay that tells no path", alone([&] {
        static jail::Staging staging;
        staging.open();
        staging.tree({code});
      }),
      bind, "as a bind mount");

  auto groups = jail::Cgroups::open(getpid(), geteuid() == 0);
  Times make, limit, remove;
  for (int i = 0; i < kTimes; ++i) {
    auto t0 = Clock::now();
    auto group = groups.make(static_cast<std::uint64_t>(i));
    auto t1 = Clock::now();
    group.limit({});
    auto t2 = Clock::now();
    while (!group.remove()) usleep(100);
    make.push_back(us(t1 - t0));
    limit.push_back(us(t2 - t1));
    remove.push_back(us(Clock::now() - t2));
  }
  row("control groups, made", make);
  row("control groups, limits set", limit);
  row("control groups, removed", remove);
  groups.remove();

  const auto filter = jail::compile_filter();
  auto load = [&] {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    jail::check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "seccomp");
  };
  auto thousand_calls = [] {
    for (int i = 0; i < 1000; ++i) syscall(SYS_getppid);
  };
  row("system call filter, loaded", alone(load));
  row("1,000 system calls with the filter", alone(thousand_calls, load), alone(thousand_calls));
}

async::Task<http::Response> nothing(http::Request) { co_return http::Response{}; }

sandbox::Invocation invocation() {
  sandbox::Invocation made;
  made.request_id = "00000000-0000-4000-8000-000000000000";
  made.payload = "{}";
  made.timeout = 30s;
  return made;
}

void need(const sandbox::Outcome& outcome) {
  if (outcome.kind == sandbox::Outcome::Kind::success) return;
  std::cerr << "failed: " << outcome.error_type << " " << outcome.payload << "\n";
  std::exit(1);
}

async::Task<> make(sandbox::Sandbox& sandbox, sandbox::FunctionSpec spec, std::unique_ptr<sandbox::Environment>& into) {
  into = co_await sandbox.create(std::move(spec));
  need(co_await into->invoke(invocation(), [](base::Timestamp, std::string) {}));
}

async::Task<> warm(sandbox::Environment& environment, int count, Times& times) {
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    need(co_await environment.invoke(invocation(), [](base::Timestamp, std::string) {}));
    times.push_back(us(Clock::now() - began));
  }
}

// Proportional memory of everything this process started.
long descendants_kb() {
  long sum = 0;
  std::map<pid_t, pid_t> parents;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/proc", none)) {
    const auto pid = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    std::getline(stat, text);
    if (pid > 0 && text.rfind(')') != std::string::npos)
      parents[pid] = static_cast<pid_t>(std::strtol(text.c_str() + text.rfind(')') + 4, nullptr, 10));
  }
  for (auto [pid, parent] : parents) {
    auto up = parent;
    while (up > 1 && up != getpid()) up = parents[up];
    if (up != getpid()) continue;
    std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string line; std::getline(rollup, line);)
      if (line.starts_with("Pss:")) sum += std::strtol(line.c_str() + 4, nullptr, 10);
  }
  return sum;
}

struct Whole {
  Times cold, warm;
  double each_us = 0, each_mb = 0;
};

Whole whole(const fs::path& code, sandbox::Isolation isolation) {
  Whole found;
  async::Loops loops(2);
  http::Server endpoint(loops, nothing);
  sandbox::Options options;
  options.isolation = isolation;
  options.state_directory = code / "state";
  auto sandbox = sandbox::Sandbox::start(loops, endpoint, options);
  sandbox::FunctionSpec spec;
  spec.runtime = "python3.11";
  spec.handler = "app.handler";
  spec.code = code;
  spec.environment = {{"AWS_LAMBDA_FUNCTION_NAME", "f"}};
  for (int i = 0; i < kCold + 5; ++i) {
    std::unique_ptr<sandbox::Environment> one;
    std::this_thread::sleep_for(100ms);
    const auto began = Clock::now();
    loops.run(make(*sandbox, spec, one));
    if (i >= 5) found.cold.push_back(us(Clock::now() - began));
  }
  std::vector<std::unique_ptr<sandbox::Environment>> all(kMany);
  const auto before = descendants_kb();
  const auto began = Clock::now();
  for (auto& one : all) loops.run(make(*sandbox, spec, one));
  found.each_us = us(Clock::now() - began) / kMany;
  found.each_mb = static_cast<double>(descendants_kb() - before) / 1024 / kMany;
  loops.run(warm(*all[0], kWarm, found.warm));
  all.clear();
  sandbox.reset();
  loops.stop();
  return found;
}

}  // namespace

int main() {
  std::string pattern = "/tmp/lambari-isolation-bench-XXXXXX";
  const fs::path code = mkdtemp(pattern.data());
  fs::permissions(code, fs::perms(0755));
  std::ofstream(code / "app.py") << "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n";
  with_and_without();
  parts(code);
  const auto plain = whole(code, sandbox::Isolation::process), isolated = whole(code, sandbox::Isolation::full);
  row("cold start and first answer, Python", isolated.cold, plain.cold, "as a plain process, without a warm interpreter,");
  row("warm answer, Python, one at a time", isolated.warm, plain.warm, "as a plain process");
  row(fmt::format("{} environments, Python, one after another", kMany),
      fmt::format("{:.0f} us, {:.1f} MB each", isolated.each_us, isolated.each_mb),
      fmt::format("as plain processes {:.0f} us, {:.1f} MB each", plain.each_us, plain.each_mb),
      fmt::format("{:.2f}", isolated.each_us / plain.each_us));
  fs::remove_all(code);
}
