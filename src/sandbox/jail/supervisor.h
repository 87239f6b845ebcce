// The supervisor's loop: does what the server asks, tells it what happened. One thread; no text that a client of the server sent
// ever comes here, except the names of folders that the server made.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <linux/filter.h>

#include "sandbox/jail/cgroups.h"
#include "sandbox/jail/gateway.h"
#include "sandbox/jail/os.h"
#include "sandbox/jail/root.h"
#include "sandbox/jail/slot_process.h"
#include "sandbox/jail/staging.h"
#include "sandbox/protocol.h"

namespace lambari::jail {

struct Settings {
  bool isolated = true;  // false: plain processes
  bool root = false;     // the run holds the host's rights, and slots get users of their own
  std::string runtimes;
  std::string library;
  std::uint16_t endpoint_port = 0;
  std::string trusted;  // as in Roots
  Internet internet = Internet::none;
  pid_t run = 0;  // the keeper's number, on the host
};

class Supervisor {
 public:
  Supervisor(Fd server, Settings settings, Cgroups cgroups);
  ~Supervisor();

  // Prepares what all slots share, says hello, and serves until the server is gone. In isolation it runs as process 1 of its pid
  // namespace: when it ends, so does everything.
  void run();

 private:
  struct Zygote;
  struct Slot;

  std::vector<Capability> prepare(std::string& problem);
  void serve(const std::string& message);
  void tell(const sandbox::protocol::Writer& message, const std::vector<int>& descriptors = {});
  std::uint32_t free_user();  // the next number that no slot has
  void prepare_slot(std::uint64_t id, const std::string& pack, sandbox::protocol::Mode mode);
  void prepare_plain(Slot& slot);
  void assign(Slot& slot, sandbox::protocol::Reader& message);
  void begin(Slot& slot);
  void on_control(Slot& slot);
  void on_zygote(Zygote& zygote);
  void reap();
  void terminate(Slot& slot);
  void end(Slot& slot);
  void tell_ready(Slot& slot);
  void tell_gone(Slot& slot);
  bool sweep();

  Zygote& zygote(const std::string& pack);
  void zygote_died(Zygote& zygote);
  int root_of(const std::string& pack);
  Fd tree_of(const std::vector<std::string>& folders);
  void watch(int fd, std::uint64_t tag, std::uint32_t events = 1 /* EPOLLIN */);
  void watch_memory(Slot& slot);
  void on_memory(Slot& slot);

  Fd server_;
  Settings settings_;
  Cgroups cgroups_;
  Fd epoll_, signals_, own_mounts_, filter_file_;
  Roots roots_;
  Staging staging_;
  bool overlay_ = false;
  std::unique_ptr<Gateway> gateway_;  // where functions reach the Internet
  std::vector<sock_filter> filter_;
  std::map<std::string, Fd> made_roots_;
  std::map<std::string, std::unique_ptr<Zygote>> zygotes_;
  std::map<std::uint64_t, std::unique_ptr<Slot>> slots_;
  std::vector<Group> leaving_;  // control groups to remove as soon as they are empty
  std::uint32_t users_ = 0, next_user_ = 0;
  bool done_ = false;
};

}  // namespace lambari::jail
