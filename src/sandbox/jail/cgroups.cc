#include "sandbox/jail/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

namespace lambari::jail {
namespace {

constexpr const char* kWanted[] = {"memory", "pids", "cpu", "freezer"};

bool lists(const std::string& controllers, const std::string& name) {
  return controllers.find("," + name + ",") != std::string::npos;
}

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Octal escapes of mountinfo.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<std::string> children(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = opendir(path.c_str());
  if (!folder) return names;
  while (auto* entry = readdir(folder))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  closedir(folder);
  return names;
}

bool remove_tree(const std::string& path, int tries = 50) {
  for (const auto& name : children(path)) remove_tree(path + "/" + name, tries);
  for (; tries > 0; --tries) {
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    if (tries > 1) usleep(2000);  // a process that has just ended is still counted for a moment
  }
  return false;
}

// A frozen process does not die: its killer, and the end of its pid namespace, would wait for ever.
void thaw_tree(const std::string& path) {
  for (const auto& name : children(path)) thaw_tree(path + "/" + name);
  if (!put(AT_FDCWD, (path + "/freezer.state").c_str(), "THAWED")) put(AT_FDCWD, (path + "/cgroup.freeze").c_str(), "0");
}

// Also true of one that was killed and waits for the processes of its pid namespace: they may be frozen.
bool is_gone(pid_t pid) {
  if (kill(pid, 0) != 0) return errno == ESRCH;
  Fd line(::open(("/proc/" + std::to_string(pid) + "/cmdline").c_str(), O_RDONLY | O_CLOEXEC));
  char first = 0;
  return line && read(line.get(), &first, 1) == 0;
}

// Directories of runs whose process is gone.
std::vector<std::string> stale(const std::string& parent) {
  constexpr std::string_view kPrefix = "lambari-";
  std::vector<std::string> found;
  for (const auto& name : children(parent)) {
    if (!name.starts_with(kPrefix)) continue;
    auto pid = static_cast<pid_t>(to_number(std::string_view(name).substr(kPrefix.size())));
    if (pid > 0 && is_gone(pid)) found.push_back(parent + "/" + name);
  }
  return found;
}

// Their processes may be on their way out still, and nobody else will remove them: waits up to 100 ms, however many they are.
void remove_stale(const std::string& parent) {
  for (int turn = 0; turn < 10; ++turn) {
    bool all = true;
    for (const auto& path : stale(parent)) all = remove_tree(path, 1) && all;
    if (all) return;
    usleep(10'000);
  }
}

void move_processes(const std::string& from, const std::string& to) {
  std::istringstream pids(read_file(from + "/cgroup.procs"));
  for (std::string pid; pids >> pid;) put(AT_FDCWD, (to + "/cgroup.procs").c_str(), pid);
}

// Version 2 gives children controllers only where the parent has no process of its own (the root may have some).
std::string enable_version2(const std::string& parent) {
  std::string available = "," + read_file(parent + "/cgroup.controllers");
  std::replace_if(available.begin(), available.end(), [](char c) { return c == ' ' || c == '\n'; }, ',');
  std::string enabled = ",";
  for (const char* name : {"memory", "pids", "cpu"})
    if (lists(available, name) && put(AT_FDCWD, (parent + "/cgroup.subtree_control").c_str(), std::string("+") + name))
      enabled += std::string(name) + ",";
  return enabled;
}

}  // namespace

std::vector<CgroupMount> parse_mounts(const std::string& mountinfo) {
  std::vector<CgroupMount> found;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream left(line.substr(0, dash)), right(line.substr(dash + 3));
    std::string id, parent, device, root, path, type, source, options;
    left >> id >> parent >> device >> root >> path;
    right >> type >> source >> options;
    if (type == "cgroup2")
      found.push_back({true, "", unescape(root), unescape(path)});
    else if (type == "cgroup")
      found.push_back({false, "," + options + ",", unescape(root), unescape(path)});
  }
  return found;
}

std::string own_group(const std::string& text, const std::string& controller) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    auto names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controller.empty() ? names == ",," : lists(names, controller)) return line.substr(second + 1);
  }
  return {};
}

std::uint64_t field(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ' ')
      return to_number(std::string_view(line).substr(name.size() + 1));
  return 0;
}

unsigned cpu_quota_us(int memory_mb) {
  return std::max(kCpuPeriodUs, static_cast<unsigned>(static_cast<std::uint64_t>(kCpuPeriodUs) *
                                                      static_cast<unsigned>(std::max(memory_mb, 0)) / 1769));
}

unsigned cpu_shares(int memory_mb) { return std::max(2U, static_cast<unsigned>(1024LL * memory_mb / 1769)); }

Cgroups Cgroups::open(pid_t run, bool root) {
  Cgroups all;
  const auto mounts = parse_mounts(read_file("/proc/self/mountinfo"));
  const auto own = read_file("/proc/self/cgroup");
  const auto name = "/lambari-" + std::to_string(run);
  std::string taken = ",";

  // Where our own group is below a mount; a mount may show only a part of its hierarchy.
  auto place = [](const CgroupMount& mount, const std::string& group) {
    auto inside = group;
    if (mount.root != "/" && inside.starts_with(mount.root)) inside = inside.substr(mount.root.size());
    return inside.empty() || inside == "/" ? mount.path : mount.path + inside;
  };
  auto try_version1 = [&](const CgroupMount& mount) {
    std::string controllers = ",";
    for (const char* wanted : kWanted)
      if (lists(mount.controllers, wanted) && !lists(taken, wanted)) controllers += std::string(wanted) + ",";
    if (controllers == ",") return;
    auto first = controllers.substr(1, controllers.find(',', 1) - 1);
    Hierarchy hierarchy{controllers, false, place(mount, own_group(own, first)), {}, {}};
    remove_stale(hierarchy.parent);
    hierarchy.path = hierarchy.parent + name;
    if (mkdir(hierarchy.path.c_str(), 0755) != 0) {
      all.problems_.push_back("mkdir " + hierarchy.path + ": " + strerror(errno));
      return;
    }
    taken += controllers.substr(1);
    all.all_.push_back(std::move(hierarchy));
  };
  auto try_version2 = [&](const std::string& parent, bool step_aside) {
    remove_stale(parent);
    Hierarchy hierarchy{",", true, parent, parent + name, {}};
    if (mkdir(hierarchy.path.c_str(), 0755) != 0) {
      all.problems_.push_back("mkdir " + hierarchy.path + ": " + strerror(errno));
      return false;
    }
    auto enabled = enable_version2(parent);
    if (enabled == "," && step_aside && !lists(taken, "memory")) {
      hierarchy.sidestep = hierarchy.path + "-aside";
      if (mkdir(hierarchy.sidestep.c_str(), 0755) == 0) {
        move_processes(parent, hierarchy.sidestep);
        enabled = enable_version2(parent);
      }
    }
    hierarchy.controllers = enable_version2(hierarchy.path);
    if (!lists(taken, "freezer")) hierarchy.controllers += "freezer,";  // version 2 has it in every group
    bool useful = hierarchy.controllers != ",";
    if (useful) {
      taken += hierarchy.controllers.substr(1);
      all.all_.push_back(std::move(hierarchy));
    } else {
      rmdir(hierarchy.path.c_str());
    }
    return useful;
  };

  // Thawed first of all: the processes of a killed run's frozen environments die then, and leave their groups everywhere.
  for (const auto& mount : mounts) {
    if (!mount.version2 && !lists(mount.controllers, "freezer")) continue;
    std::set<std::string> parents{place(mount, own_group(own, mount.version2 ? "" : "freezer"))};
    if (mount.version2) parents.insert(mount.path);
    for (const auto& parent : parents)
      for (const auto& path : stale(parent)) thaw_tree(path);
  }
  for (const auto& mount : mounts)
    if (!mount.version2) try_version1(mount);
  for (const auto& mount : mounts)
    if (mount.version2 && !(lists(taken, "memory") && lists(taken, "pids") && lists(taken, "freezer"))) {
      if (root && try_version2(mount.path, false)) break;
      if (try_version2(place(mount, own_group(own, "")), true)) break;
    }
  if (mounts.empty()) all.problems_.push_back("no cgroup file system is mounted");
  return all;
}

std::vector<Capability> Cgroups::capabilities() const {
  // What is done instead.
  const std::pair<const char*, const char*> wanted[] = {
      {"memory", "the first process of each environment watches it instead"},
      {"pids", "rlimits allow 1,024 instead"},
      {"cpu", "processors are not shared by memory"},
      {"freezer", "what a function leaves running runs on between invocations"},
  };
  std::vector<Capability> result;
  for (auto [name, instead] : wanted) {
    Capability one{std::string("cgroup ") + name, false, "", ""};
    for (const auto& hierarchy : all_)
      if (lists(hierarchy.controllers, name)) {
        one.available = true;
        one.detail = std::string(hierarchy.version2 ? "version 2, " : "version 1, ") + hierarchy.parent;
      }
    if (!one.available) {
      auto problem = std::find_if(problems_.begin(), problems_.end(), [&, wanted = std::string("/") + name](const auto& text) {
        return text.find(wanted) != std::string::npos;
      });
      if (problem == problems_.end()) problem = problems_.begin();
      one.detail = (problem == problems_.end() ? "the kernel does not offer it here" : *problem) + "; " + instead;
      one.remedy = "run as root; or, where control groups are of version 2, under `systemd-run --user --scope -p Delegate=yes`";
    }
    result.push_back(std::move(one));
  }
  return result;
}

Group Cgroups::make(std::uint64_t id) const {
  Group group;
  for (const auto& hierarchy : all_) {
    Group::Part part{hierarchy.controllers, hierarchy.version2, hierarchy.path + "/" + std::to_string(id), {}};
    check(mkdir(part.path.c_str(), 0755) == 0, "mkdir " + part.path);
    part.directory.reset(::open(part.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    group.parts_.push_back(std::move(part));
    check(static_cast<bool>(group.parts_.back().directory), "open " + group.parts_.back().path);
  }
  return group;
}

void Cgroups::thaw() const {
  for (const auto& hierarchy : all_)
    if (lists(hierarchy.controllers, "freezer")) thaw_tree(hierarchy.path);
}

void Cgroups::remove() {
  for (auto& hierarchy : all_) {
    remove_tree(hierarchy.path);
    if (hierarchy.sidestep.empty()) continue;
    for (const char* name : {"-memory", "-pids", "-cpu"})
      put(AT_FDCWD, (hierarchy.parent + "/cgroup.subtree_control").c_str(), name);
    move_processes(hierarchy.sidestep, hierarchy.parent);
    rmdir(hierarchy.sidestep.c_str());
  }
  all_.clear();
}

const Group::Part* Group::of(const char* controller) const {
  for (const auto& part : parts_)
    if (lists(part.controllers, controller)) return &part;
  return nullptr;
}

void Group::join() const {
  for (const auto& part : parts_) check(put(part.directory.get(), "cgroup.procs", "0"), "join " + part.path);
}

std::vector<Fd> Group::doors() const {
  std::vector<Fd> all;
  for (const auto& part : parts_) {
    all.emplace_back(openat(part.directory.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
    check(static_cast<bool>(all.back()), part.path + "/cgroup.procs");
  }
  return all;
}

void Group::limit(const Limits& limits) {
  auto set = [](const Part* part, const char* file, const std::string& value, bool required = true) {
    if (!put(part->directory.get(), file, value) && required) fail(part->path + "/" + file);
  };
  if (auto* part = of("memory")) {
    allowance_ = static_cast<std::uint64_t>(limits.memory_mb) << 20;
    const bool told = set_alarm(allowance_);
    const auto hard = std::to_string(allowance_ + (told ? static_cast<std::uint64_t>(limits.tmp_mb) << 20 : 0));
    if (part->version2) {
      set(part, "memory.max", hard);
      set(part, "memory.swap.max", "0", false);
      set(part, "memory.oom.group", "1", false);
      set(part, "memory.peak", "0", false);
    } else {
      set(part, "memory.memsw.limit_in_bytes", "-1", false);  // must never be the smaller one
      set(part, "memory.limit_in_bytes", hard);
      set(part, "memory.memsw.limit_in_bytes", hard, false);
      set(part, "memory.swappiness", "0", false);
      set(part, "memory.max_usage_in_bytes", "0", false);
    }
  }
  if (auto* part = of("pids")) set(part, "pids.max", std::to_string(limits.processes));
  if (auto* part = of("cpu")) {
    // Shares by memory; and at most that many processors, but never less than one (docs/decisions/0021).
    const auto quota = std::to_string(cpu_quota_us(limits.memory_mb));
    if (part->version2) {
      set(part, "cpu.weight", std::to_string(std::clamp(cpu_shares(limits.memory_mb) * 100U / 1024U, 1U, 10000U)), false);
      set(part, "cpu.max", quota + " " + std::to_string(kCpuPeriodUs), false);
      set(part, "cpu.max.burst", quota, false);
    } else {
      set(part, "cpu.shares", std::to_string(cpu_shares(limits.memory_mb)), false);
      set(part, "cpu.cfs_quota_us", quota, false);
      set(part, "cpu.cfs_burst_us", quota, false);
    }
  }
}

bool Group::set_alarm(std::uint64_t at) {
  auto* part = of("memory");
  if (part->version2) {
    // Past `high` the kernel slows the group down and counts an event.
    if (!put(part->directory.get(), "memory.high", std::to_string(at))) return false;
    alarm_is_priority_ = true;
    if (!alarm_) alarm_.reset(openat(part->directory.get(), "memory.events", O_RDONLY | O_CLOEXEC));
    return static_cast<bool>(alarm_);
  }
  if (!usage_) usage_.reset(openat(part->directory.get(), "memory.usage_in_bytes", O_RDONLY | O_CLOEXEC));
  alarm_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));  // the one before is forgotten when it is closed
  if (!usage_ || !alarm_) return false;
  // The kernel takes milliseconds for this (a grace period of RCU), which is a cold start's time: a child does it meanwhile.
  pid_t child = fork();
  if (child == 0) {
    if (!put(part->directory.get(), "cgroup.event_control",
             std::to_string(alarm_.get()) + " " + std::to_string(usage_.get()) + " " + std::to_string(at)))
      put(part->directory.get(), "memory.limit_in_bytes", std::to_string(allowance_));
    _exit(0);
  }
  return child > 0;
}

bool Group::over_limit() {
  auto* part = of("memory");
  if (!part || !alarm_) return false;
  const int directory = part->directory.get();
  const auto stat = read_at(directory, "memory.stat");
  const auto all = to_number(read_at(directory, part->version2 ? "memory.current" : "memory.usage_in_bytes"));
  const auto files = field(stat, part->version2 ? "file" : "cache");  // what is in /tmp, and what can be read again
  char seen[512];
  if (part->version2 && pread(alarm_.get(), seen, sizeof seen, 0) < 0)
    return false;  // the next event is told once this one was read
  if (all > files && all - files > allowance_) return true;
  constexpr std::uint64_t kStep = 8 << 20;
  set_alarm(std::max(all, allowance_) + kStep);
  return false;
}

Fd Group::peak() const {
  auto* part = of("memory");
  if (!part) return Fd();
  for (const char* file : {"memory.peak", "memory.max_usage_in_bytes", "memory.current"})
    if (Fd opened(openat(part->directory.get(), file, O_RDONLY | O_CLOEXEC)); opened) return opened;
  return Fd();
}

Fd Group::freezer(bool& version2) const {
  auto* part = of("freezer");
  if (!part) return Fd();
  version2 = part->version2;
  return Fd(openat(part->directory.get(), version2 ? "cgroup.freeze" : "freezer.state", O_WRONLY | O_CLOEXEC));
}

std::uint64_t Group::peak_bytes() const {
  auto* part = of("memory");
  if (!part) return 0;
  for (const char* file : {"memory.peak", "memory.max_usage_in_bytes", "memory.current"})
    if (auto text = read_at(part->directory.get(), file); !text.empty()) return to_number(text);
  return 0;
}

bool Group::out_of_memory() const {
  auto* part = of("memory");
  return part && field(read_at(part->directory.get(), part->version2 ? "memory.events" : "memory.oom_control"), "oom_kill") > 0;
}

void Group::thaw() const {
  if (auto* part = of("freezer"); part)
    put(part->directory.get(), part->version2 ? "cgroup.freeze" : "freezer.state", part->version2 ? "0" : "THAWED");
}

void Group::kill_all() const {
  if (parts_.empty()) return;
  std::istringstream pids(read_at(parts_.front().directory.get(), "cgroup.procs"));
  for (pid_t pid; pids >> pid;) kill(pid, SIGKILL);
}

bool Group::remove() {
  std::erase_if(parts_, [](const Part& part) { return rmdir(part.path.c_str()) == 0 || errno == ENOENT; });
  return parts_.empty();
}

}  // namespace lambari::jail
