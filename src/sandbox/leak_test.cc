// Makes and drops many environments, and looks for what they left: descriptors, mounts, control groups, namespaces, processes,
// files, memory. A few hundred in every run; as many as LAMBARI_SOAK says otherwise (100000 takes about half an hour).
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "async/loops.h"
#include "http/server.h"
#include "sandbox/sandbox.h"

namespace lambari::sandbox {
namespace {

// Sanitizers hold back what is freed, up to hundreds of megabytes: there the counts tell, not the memory.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kFreedMemoryIsKept = true;
#else
constexpr bool kFreedMemoryIsKept = false;
#endif
#else
constexpr bool kFreedMemoryIsKept = false;
#endif

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

long field(const std::string& text, const std::string& name) {
  const auto at = text.find(name + ":");
  return at == std::string::npos ? 0 : std::strtol(text.c_str() + at + name.size() + 1, nullptr, 10);
}

std::size_t entries(const fs::path& folder) {
  std::error_code none;
  std::size_t count = 0;
  for (fs::directory_iterator it(folder, none), end; it != end; it.increment(none)) ++count;
  return count;
}

std::size_t lines(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

// Control groups of the runs that are ours. Neighbours run the same tests, and theirs go while one looks: each folder is read by
// itself, so that the loss of one hides no other.
std::size_t groups_in(const fs::path& folder, const std::function<bool(pid_t run)>& ours, bool inside = false) {
  std::size_t count = 0;
  std::error_code none;
  for (fs::directory_iterator it(folder, none), end; !none && it != end; it.increment(none)) {
    std::error_code gone;
    if (!it->is_directory(gone) || it->is_symlink(gone)) continue;
    const auto name = it->path().filename().string();
    const bool run = name.starts_with("lambari-");
    if (run && !ours(static_cast<pid_t>(std::strtol(name.c_str() + 8, nullptr, 10)))) continue;
    count += (inside || run) + groups_in(it->path(), ours, inside || run);
  }
  return count;
}

// All that this process and what it started hold.
struct Holdings {
  std::map<std::string, std::size_t> counts;
  std::map<std::string, long> memory_kb;  // by process
};

Holdings look(const fs::path& state) {
  Holdings held;
  std::map<pid_t, pid_t> parents;
  std::map<pid_t, std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/proc", none)) {
    const auto pid = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    if (pid <= 0) continue;
    const auto status = read(entry.path() / "status");
    parents[pid] = static_cast<pid_t>(field(status, "PPid"));
    names[pid] = read(entry.path() / "comm");
  }
  std::set<std::string> namespaces;
  for (auto [pid, parent] : parents) {
    auto up = pid;
    for (int depth = 0; up > 1 && up != getpid() && depth < 8; ++depth) up = parents[up];
    if (up != getpid()) continue;
    const fs::path proc = "/proc/" + std::to_string(pid);
    ++held.counts["processes"];
    held.counts["descriptors"] += entries(proc / "fd");
    for (const char* kind : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"})
      if (auto link = fs::read_symlink(proc / "ns" / kind, none); !link.empty()) namespaces.insert(link);
    if (pid == getpid() || parent == getpid() || parents[parent] == getpid()) {  // the server, the keeper, the supervisor
      held.counts["mounts"] += lines(read(proc / "mountinfo"));
      held.memory_kb[names[pid] + (parent == getpid() ? "(keeper)" : "")] = field(read(proc / "status"), "VmRSS");
    }
  }
  held.counts["namespaces"] = namespaces.size();
  held.counts["control groups"] =
      groups_in("/sys/fs/cgroup", [&](pid_t run) { return parents.contains(run) && parents[run] == getpid(); });
  held.counts["files"] = entries(state);
  return held;
}

async::Task<http::Response> nothing(http::Request) { co_return http::Response{}; }

async::Task<> come_and_go(Sandbox& sandbox, FunctionSpec spec, int count, int& done) {
  for (int i = 0; i < count; ++i) {
    auto environment = co_await sandbox.create(spec);
    Invocation invocation;
    invocation.request_id = std::to_string(i);
    invocation.payload = "{}";
    invocation.timeout = 30s;
    auto outcome = co_await environment->invoke(std::move(invocation), [](base::Timestamp, std::string) {});
    done += outcome.kind == Outcome::Kind::success;
  }
}

TEST(Leaks, EnvironmentsLeaveNothing) {
  int rounds = 300;
  if (const char* soak = std::getenv("LAMBARI_SOAK")) rounds = std::max(rounds, std::atoi(soak));
  std::string pattern = fs::temp_directory_path() / "lambari-leak-XXXXXX";
  const fs::path folder = mkdtemp(pattern.data());
  fs::permissions(folder, fs::perms(0755));
  fs::create_directory(folder / "code");
  std::ofstream(folder / "code" / "app.py") << "import subprocess\ndef handler(event, context):\n"
                                               "  open('/tmp/left', 'w').write('x' * 100000)\n  print('here')\n  return 1\n";
  std::ofstream(folder / "code" / "bootstrap") << "#!/bin/sh\nexit 1\n";
  fs::permissions(folder / "code" / "bootstrap", fs::perms(0755));
  fs::create_directories(folder / "layer" / "extensions");
  const auto extension = folder / "layer" / "extensions" / "polite";
  std::ofstream(extension) << "#!/usr/bin/python3\nimport http.client, os\n"
                              "c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
                              "c.request('POST', '/2020-01-01/extension/register', '{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}', "
                              "{'Lambda-Extension-Name': 'polite'})\n"
                              "r = c.getresponse()\nr.read()\n"
                              "i = {'Lambda-Extension-Identifier': r.headers['Lambda-Extension-Identifier']}\nwhile True:\n"
                              "  c.request('GET', '/2020-01-01/extension/event/next', None, i)\n"
                              "  if b'SHUTDOWN' in c.getresponse().read(): break\n";
  fs::permissions(extension, fs::perms(0755));
  {
    async::Loops loops(2);
    http::Server endpoint(loops, nothing);
    Options options;
    options.state_directory = folder / "state";
    options.warm_slots = 1;
    auto sandbox = Sandbox::start(loops, endpoint, options);
    FunctionSpec spec;
    spec.runtime = "python3.11";
    spec.handler = "app.handler";
    spec.code = folder / "code";
    spec.environment = {{"AWS_LAMBDA_FUNCTION_NAME", "f"}};
    auto failing = spec;  // one that crashes at its start
    failing.runtime = "provided.al2023";

    auto accompanied = spec;
    accompanied.layers = {folder / "layer"};

    int done = 0, failed = 0, together = 0;
    auto round = [&](int count) {
      loops.run(come_and_go(*sandbox, spec, count, done));
      loops.run(come_and_go(*sandbox, failing, count / 10, failed));
      loops.run(come_and_go(*sandbox, accompanied, count / 20, together));
    };
    // The same before and after, once what is ending has ended.
    auto settled = [&](const std::map<std::string, std::size_t>& wanted) {
      Holdings held;
      for (int i = 0; i < 200; ++i, std::this_thread::sleep_for(50ms)) {
        held = look(options.state_directory);
        if (held.counts == wanted) break;
      }
      return held;
    };
    round(50);
    std::this_thread::sleep_for(1s);
    const auto before = look(options.state_directory);
    round(rounds);
    EXPECT_EQ(done, rounds + 50);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(together, rounds / 20 + 50 / 20);
    const auto after = settled(before.counts);
    EXPECT_EQ(after.counts, before.counts);
    for (const auto& [who, kb] : before.memory_kb) {
      const auto grown = after.memory_kb.contains(who) ? after.memory_kb.at(who) - kb : 0;
      if (!kFreedMemoryIsKept) EXPECT_LT(grown, 16 << 10) << who << " grew from " << kb << " kB";
      RecordProperty("grown_kb_" + who.substr(0, who.find('\n')), static_cast<int>(grown));
    }
    sandbox.reset();
    loops.stop();
  }
  EXPECT_EQ(look(folder / "state").counts["control groups"], 0U);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace lambari::sandbox
