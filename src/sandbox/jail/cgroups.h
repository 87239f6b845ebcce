// Limits and counts per slot, on control groups version 1, 2 or both at once (controllers of each are met side by side).
// Everything is made below one directory per run, `lambari-<pid>`, which is removed at the end; left-overs of runs that were
// killed are removed at the next start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/jail/os.h"

namespace lambari::jail {

struct Capability {
  std::string name;
  bool available = false;
  std::string detail;
  std::string remedy;
};

struct Limits {
  int memory_mb = 128;
  int tmp_mb = 512;  // what /tmp holds is memory of this kernel, but not of the function's allowance
  int processes = 1024;
};

// The groups of one slot, one directory per hierarchy.
class Group {
 public:
  Group() = default;
  bool any() const { return !parts_.empty(); }
  bool counts_memory() const { return of("memory") != nullptr; }

  void join() const;              // the calling process
  std::vector<Fd> doors() const;  // files to which a process writes "0" to join
  void limit(const Limits& limits);

  // What /tmp holds counts as memory of the group but not of the function. So the group's hard limit has room for both, and the
  // kernel tells on this descriptor when their sum passes the function's part; whose memory it is, over_limit() finds out.
  int alarm() const { return alarm_.get(); }  // -1 when the kernel cannot tell: then the hard limit is the function's part alone
  bool alarm_is_priority() const { return alarm_is_priority_; }  // EPOLLPRI, not EPOLLIN
  bool over_limit();                                             // sets the next alarm when it is not

  Fd peak() const;  // a file that reads as the most bytes used so far; may be empty
  Fd freezer(bool& version2) const;
  std::uint64_t peak_bytes() const;
  bool out_of_memory() const;  // a process was killed for want of memory
  void thaw() const;
  void kill_all() const;  // every process in it, where a pid namespace does not do it
  bool remove();          // false: still busy

 private:
  friend class Cgroups;
  struct Part {
    std::string controllers;  // ",memory,pids,"
    bool version2 = false;
    std::string path;
    Fd directory;
  };
  const Part* of(const char* controller) const;
  bool set_alarm(std::uint64_t at);
  std::vector<Part> parts_;
  std::uint64_t allowance_ = 0;  // bytes
  Fd alarm_, usage_;
  bool alarm_is_priority_ = false;
};

class Cgroups {
 public:
  // Finds the hierarchies and makes the run's directory in each. What cannot be had is missing from capabilities().
  static Cgroups open(pid_t run, bool root);
  std::vector<Capability> capabilities() const;
  Group make(std::uint64_t id) const;
  // The end of the run; no process is left in any group.
  void thaw() const;  // every group
  void remove();

 private:
  struct Hierarchy {
    std::string controllers;
    bool version2 = false;
    std::string parent;    // where the run's directory is
    std::string path;      // the run's directory
    std::string sidestep;  // where processes of `parent` were moved to, so that it may have children with controllers
  };
  std::vector<Hierarchy> all_;
  std::vector<std::string> problems_;
};

// Pure parts, tested.
struct CgroupMount {
  bool version2 = false;
  std::string controllers;  // ",memory," of version 1
  std::string root;         // the part of the hierarchy that is mounted
  std::string path;
};
std::vector<CgroupMount> parse_mounts(const std::string& mountinfo);
// The path of a hierarchy in /proc/self/cgroup; controller empty: version 2's. Empty when there is none.
std::string own_group(const std::string& text, const std::string& controller);
std::uint64_t field(const std::string& text, const std::string& name);  // of "name 12\n" lines; 0 when missing
inline constexpr unsigned kCpuPeriodUs = 100'000;                       // the kernel's default
unsigned cpu_quota_us(int memory_mb);  // of a period: one processor for each 1769 MB, and at least one
unsigned cpu_shares(int memory_mb);    // 1024 for 1769 MB, AWS's one vCPU

}  // namespace lambari::jail
