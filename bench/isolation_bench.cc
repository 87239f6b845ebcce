// What isolation costs: its parts one by one, then cold and warm starts with and without it, then 64 environments at once.
// The parts are timed where the supervisor uses them, each in a child that does nothing else; the first line is what a child
// costs by itself. Needs what the sandbox needs.
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
#include <iostream>
#include <map>
#include <sstream>
#include <thread>

#include "async/loops.h"
#include "http/server.h"
#include "sandbox/jail/cgroups.h"
#include "sandbox/jail/house.h"
#include "sandbox/jail/os.h"
#include "sandbox/jail/seccomp.h"
#include "sandbox/jail/staging.h"
#include "sandbox/sandbox.h"

namespace {

using namespace lambari;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kTimes = 100, kCold = 40, kWarm = 2000, kMany = 64;

double us(Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

void print(const std::string& what, std::vector<double> all) {
  std::sort(all.begin(), all.end());
  auto at = [&](double part) { return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))]; };
  std::cout << fmt::format("{:52} p50 {:9.1f} us   p90 {:9.1f} us\n", what, at(0.5), at(0.9)) << std::flush;
}

// The work alone, timed inside a child; or the whole life of the child.
void in_children(const std::string& what, bool whole, auto&& work) {
  std::vector<double> times;
  for (int i = 0; i < kTimes; ++i) {
    auto [read_end, write_end] = jail::pipe_pair();
    const auto began = Clock::now();
    pid_t child = fork();
    if (child == 0) {
      const auto inside = Clock::now();
      int code = 0;
      try {
        work();
      } catch (const std::exception& error) {
        std::cerr << what << ": " << error.what() << "\n";
        code = 1;
      }
      const double took = us(Clock::now() - inside);
      if (write(write_end.get(), &took, sizeof took) != sizeof took) code = 1;
      _exit(code);
    }
    double took = 0;
    const bool told = read(read_end.get(), &took, sizeof took) == sizeof took;
    int status = 0;
    waitpid(child, &status, 0);
    if (!told || status != 0) {
      std::cout << fmt::format("{:52} not here\n", what);
      return;
    }
    times.push_back(whole ? us(Clock::now() - began) : took);
  }
  print(what, times);
}

void parts(const fs::path& code) {
  in_children("a child, born and buried", true, [] {});
  const std::pair<const char*, int> kinds[] = {{"user", CLONE_NEWUSER},  {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
                                               {"ipc", CLONE_NEWIPC},    {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP},
                                               {"network", CLONE_NEWNET}};
  int all = 0;
  for (auto [name, flag] : kinds) {
    in_children(fmt::format("{} namespace", name), false, [flag = flag] { jail::check(unshare(flag) == 0, "unshare"); });
    all |= flag;
  }
  in_children("all seven at once", false, [all] { jail::check(unshare(all) == 0, "unshare"); });
  in_children("all seven: a child, born and buried", true, [all] { jail::check(unshare(all) == 0, "unshare"); });

  in_children("code as a bind mount", false, [&] {
    auto tree = jail::clone_tree(code);
    jail::set_read_only(tree, code);
  });
  in_children("code as an overlay that tells no path", false, [&] {
    static jail::Staging staging;
    staging.open();
    staging.tree({code});
  });
  in_children("/proc of its own", false, [] {
    jail::check(unshare(CLONE_NEWNS | CLONE_NEWPID) == 0, "unshare");
    pid_t child = fork();
    if (child == 0) {
      jail::mount_at(nullptr, "/", nullptr, 0x44000 /* MS_REC | MS_PRIVATE */);
      jail::mount_at("proc", "/proc", "proc", 0);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  });

  auto groups = jail::Cgroups::open(getpid(), geteuid() == 0);
  std::vector<double> make, limit, join, remove;
  for (int i = 0; i < kTimes; ++i) {
    auto t0 = Clock::now();
    auto group = groups.make(static_cast<std::uint64_t>(i));
    auto t1 = Clock::now();
    group.limit({});
    auto t2 = Clock::now();
    pid_t child = fork();
    if (child == 0) {
      group.join();
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    auto t3 = Clock::now();
    while (!group.remove()) usleep(100);
    make.push_back(us(t1 - t0));
    limit.push_back(us(t2 - t1));
    join.push_back(us(t3 - t2));
    remove.push_back(us(Clock::now() - t3));
  }
  print("control groups: made", make);
  print("control groups: limits set", limit);
  print("control groups: a child that joins, born and buried", join);
  print("control groups: removed", remove);
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
  in_children("system call filter, loaded", false, load);
  in_children("1,000 system calls without it", false, thousand_calls);
  std::vector<double> filtered;
  for (int i = 0; i < kTimes; ++i) {
    auto [read_end, write_end] = jail::pipe_pair();
    pid_t child = fork();
    if (child == 0) {
      load();
      const auto began = Clock::now();
      thousand_calls();
      const double took = us(Clock::now() - began);
      _exit(write(write_end.get(), &took, sizeof took) == sizeof took ? 0 : 1);
    }
    double took = 0;
    if (read(read_end.get(), &took, sizeof took) == sizeof took) filtered.push_back(took);
    waitpid(child, nullptr, 0);
  }
  print("1,000 system calls with it", filtered);
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

async::Task<> warm(sandbox::Environment& environment, int count, std::vector<double>& times) {
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

void whole(const fs::path& code, sandbox::Isolation isolation) {
  const std::string name = isolation == sandbox::Isolation::full ? "isolated" : "plain processes";
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
  std::vector<double> cold, hot;
  for (int i = 0; i < kCold + 5; ++i) {
    std::unique_ptr<sandbox::Environment> one;
    std::this_thread::sleep_for(100ms);
    const auto began = Clock::now();
    loops.run(make(*sandbox, spec, one));
    if (i >= 5) cold.push_back(us(Clock::now() - began));
  }
  print(name + ": cold start and first answer", cold);
  std::vector<std::unique_ptr<sandbox::Environment>> all(kMany);
  const auto before = descendants_kb();
  const auto began = Clock::now();
  for (auto& one : all) loops.run(make(*sandbox, spec, one));
  std::cout << fmt::format("{:52}     {:9.1f} us each, {:.1f} MB each\n", fmt::format("{}: {} environments", name, kMany),
                           us(Clock::now() - began) / kMany, static_cast<double>(descendants_kb() - before) / 1024 / kMany);
  loops.run(warm(*all[0], kWarm, hot));
  print(name + ": warm answer, one at a time", hot);
  all.clear();
  sandbox.reset();
  loops.stop();
}

}  // namespace

int main() {
  std::string pattern = "/tmp/lambari-isolation-bench-XXXXXX";
  const fs::path code = mkdtemp(pattern.data());
  fs::permissions(code, fs::perms(0755));
  std::ofstream(code / "app.py") << "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n";
  parts(code);
  whole(code, sandbox::Isolation::process);
  whole(code, sandbox::Isolation::full);
  fs::remove_all(code);
}
