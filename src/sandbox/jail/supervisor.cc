#include "sandbox/jail/supervisor.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>

#include "sandbox/jail/confine.h"
#include "sandbox/jail/house.h"
#include "sandbox/jail/seccomp.h"
#include "sandbox/jail/zygote_protocol.h"

namespace lambari::jail {
namespace protocol = sandbox::protocol;
using protocol::Ask;
using protocol::Mode;
using protocol::Reader;
using protocol::Tell;
using protocol::Writer;

namespace {

constexpr std::uint16_t kRuntimePort = 9001;
constexpr std::uint64_t kServerTag = 0, kSignalTag = 1;
constexpr std::uint64_t kZygoteBit = 1ULL << 63, kMemoryBit = 1;  // a slot's tag is its id times four, and this
constexpr std::uint32_t kFirstUser = 1000;                        // in the house; lower ones are its root and the zygotes
constexpr uid_t kZygoteUser = 1;
// Where the loader looks; it reads that once, when a process starts. As sandbox/runtimes.cc has it for functions.
constexpr const char* kLibraryPath =
    "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";

bool safe_name(const std::string& pack) {
  return !pack.empty() && pack.size() < 64 && pack.find("..") == std::string::npos &&
         std::all_of(
             pack.begin(), pack.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace

struct Supervisor::Zygote {
  std::string pack;
  pid_t pid = 0;
  Fd control;
  std::map<pid_t, std::uint64_t> children;  // the slots' main processes
  std::uint64_t tag = 0;
};

struct Supervisor::Slot {
  std::uint64_t id = 0;
  std::uint32_t user = 0;  // in the house; 0 where all are one
  std::string pack;
  Mode mode{};
  Group group;
  pid_t init = 0;  // isolated: process 1 of the slot; plain: the function's process
  Fd process;      // pidfd of init
  Fd control;
  Fd peak;                     // what the init writes where no control group counts memory
  std::vector<Fd> namespaces;  // until they are not needed: they would outlive the slot
  Fd output_read, output_write, launch_server, launch_slot;
  std::vector<Fd> listeners;  // as SlotListener has them; of a plain process the first two
  std::uint16_t runtime_port = 0, endpoint_port = 0;
  Zygote* zygote = nullptr;
  bool entered = false;
  bool ready = false;  // said to the server
  bool ending = false;
  bool over_memory = false;
  bool has_status = false;
  int status = 0;
  std::string problem;
};

Supervisor::Supervisor(Fd server, Settings settings, Cgroups cgroups)
    : server_(std::move(server)), settings_(std::move(settings)), cgroups_(std::move(cgroups)) {}

Supervisor::~Supervisor() = default;

void Supervisor::watch(int fd, std::uint64_t tag, std::uint32_t events) {
  epoll_event event{events, {.u64 = tag}};
  check(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

std::vector<Capability> Supervisor::prepare(std::string& problem) {
  std::vector<Capability> all;
  auto attempt = [&](const char* name, const char* detail, const char* remedy, bool needed, auto&& act) {
    Capability one{name, false, detail, ""};
    try {
      act();
      one.available = true;
    } catch (const std::exception& error) {
      one.detail = error.what();
      one.remedy = remedy;
      if (needed && problem.empty()) problem = std::string(name) + ": " + error.what() + ". " + remedy;
    }
    all.push_back(std::move(one));
    return all.back().available;
  };

  attempt("seccomp", "system call filter", "use a kernel built with CONFIG_SECCOMP_FILTER", true, [&] {
    filter_ = compile_filter();
    filter_file_.reset(memfd_create("filter", MFD_CLOEXEC));
    auto size = static_cast<ssize_t>(filter_.size() * sizeof(sock_filter));
    check(filter_file_ && write(filter_file_.get(), filter_.data(), static_cast<std::size_t>(size)) == size, "filter");
  });
  attempt("mount namespaces", "private mounts", "run as root, or allow unprivileged user namespaces", true, [&] {
    settle_mounts();
    own_mounts_.reset(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    check(static_cast<bool>(own_mounts_), "/proc/self/ns/mnt");
  });
  attempt("overlayfs", "layers are one file system; mounts do not tell where on the host they are from",
          "layers are merged into folders instead, and functions can see the paths of their code on the host", false, [&] {
            staging_.open();
            staging_.tree({"/usr/bin", "/usr/lib"});  // any two that exist
            overlay_ = true;
          });
  attempt(
      "user namespaces", settings_.root ? "each environment is a host user of its own" : "unprivileged: environments run as you",
      "sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0, and no AppArmor restriction of user namespaces",
      true, [&] {
        if (!settings_.root) return;  // entered already
        setgroups(0, nullptr);
        auto range = choose_users(read_file("/proc/self/uid_map"));
        if (range.count == 0) throw Failure("no user numbers to give away");
        roots_.user_namespace = make_user_namespace(range);
        users_ = range.count - 1 - kFirstUser;
      });
  attempt("read-only root", "made of allow-listed parts of this host", "see the detail", true, [&] {
    if (problem.empty()) root_of("provided");
  });
  const char* internet = settings_.internet == Internet::nat     ? "nat: public IPv4 addresses, translated by the kernel"
                         : settings_.internet == Internet::pasta ? "pasta: public IPv4 addresses, translated by a program"
                                                                 : "none: functions reach lambari only; --internet=nat or pasta";
  attempt("internet", internet,
          settings_.internet == Internet::nat
              ? "nat needs root, a default route and nftables (apt install nftables); --internet=none does without"
              : "pasta needs a default route, /dev/net/tun, and apt install passt nftables; --internet=none does without",
          true, [&] {
            if (settings_.internet != Internet::none && problem.empty())
              gateway_ = std::make_unique<Gateway>(settings_.internet, roots_.user_namespace.get(), settings_.run);
          });
  return all;
}

void Supervisor::run() {
  prctl(PR_SET_NAME, "lambari-sandbox", 0, 0, 0);
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);  // the server decides when we end
  sigprocmask(SIG_BLOCK, &set, nullptr);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  signals_.reset(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  check(signals_ && epoll_, "epoll");

  roots_.library = settings_.library;
  roots_.trusted = settings_.trusted;
  std::string problem;
  std::vector<Capability> capabilities;
  if (settings_.isolated)
    capabilities = prepare(problem);
  else
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (auto& one : cgroups_.capabilities()) {
    if (settings_.isolated && !one.available && one.name == "cgroup memory" && settings_.root && problem.empty())
      problem = one.name + ": " + one.detail + ". " + one.remedy;
    capabilities.push_back(std::move(one));
  }
  Writer hello(Tell::hello);
  hello.text(problem).number(capabilities.size());
  for (const auto& one : capabilities) hello.text(one.name).number(one.available).text(one.detail).text(one.remedy);
  tell(hello);
  if (!problem.empty()) return;

  watch(server_.get(), kServerTag);
  watch(signals_.get(), kSignalTag);
  while (!done_) {
    epoll_event events[64];
    int count = epoll_wait(epoll_.get(), events, 64, sweep() ? 5 : -1);
    for (int i = 0; i < count && !done_; ++i) {
      auto tag = events[i].data.u64;
      if (tag == kServerTag) {
        auto packet = receive_packet(server_.get(), protocol::kMaxMessage);
        if (packet.bytes.empty()) {
          done_ = true;
          break;
        }
        serve(packet.bytes);
      } else if (tag == kSignalTag) {
        reap();
      } else if (tag & kZygoteBit) {
        auto found = std::find_if(zygotes_.begin(), zygotes_.end(), [&](auto& one) { return one.second->tag == tag; });
        if (found != zygotes_.end()) on_zygote(*found->second);
      } else if (auto found = slots_.find(tag >> 2); found != slots_.end()) {
        if (tag & kMemoryBit)
          on_memory(*found->second);
        else
          on_control(*found->second);
      }
    }
  }
  // In isolation the kernel ends everything with us.
  if (settings_.isolated) return;
  for (auto& [id, slot] : slots_) {
    if (slot->init > 0) kill(-slot->init, SIGKILL);
    slot->group.kill_all();
  }
}

void Supervisor::tell(const Writer& message, const std::vector<int>& descriptors) {
  try {
    send_packet(server_.get(), message.bytes(), descriptors);
  } catch (const Failure&) {
    done_ = true;  // the server is gone
  }
}

void Supervisor::serve(const std::string& bytes) {
  Reader message(bytes);
  auto ask = static_cast<Ask>(message.number());
  auto id = message.number();
  if (ask == Ask::prepare) {
    auto pack = message.text();
    prepare_slot(id, pack, static_cast<Mode>(message.number()));
    return;
  }
  auto found = slots_.find(id);
  if (found == slots_.end()) return;  // gone, and told
  if (ask == Ask::assign) assign(*found->second, message);
  if (ask == Ask::terminate) terminate(*found->second);
  if (ask == Ask::kill) end(*found->second);
}

// A hint: whoever does not heed it is ended by `kill`.
void Supervisor::terminate(Slot& slot) {
  if (slot.ending || !slot.init) return;
  if (!settings_.isolated) {
    kill(slot.init, SIGTERM);
  } else if (slot.zygote) {
    for (const auto& [pid, id] : slot.zygote->children)
      if (id == slot.id) kill(pid, SIGTERM);
  } else {
    try {
      send_packet(slot.control.get(), {reinterpret_cast<const char*>(&kTerminate), sizeof kTerminate});
    } catch (const Failure&) {  // its init is ending
    }
  }
}

int Supervisor::root_of(const std::string& pack) {
  auto& root = made_roots_[pack];
  if (!root) {
    const auto folder = pack == "provided" ? std::string() : settings_.runtimes + "/" + pack;
    root = make_root(roots_, folder, overlay_ ? &staging_ : nullptr);
  }
  return root.get();
}

// A read-only mount of folders of the server's, the first over the second and so on.
Fd Supervisor::tree_of(const std::vector<std::string>& folders) {
  if (overlay_) {
    try {
      return staging_.tree(folders);
    } catch (const Failure&) {  // what the folders lie on may be stacked too high already
      if (folders.size() > 1) throw;
    }
  }
  if (folders.size() != 1) throw Failure("layers cannot be stacked here");
  struct stat info{};
  if (lstat(folders[0].c_str(), &info) != 0) fail(folders[0]);
  if (!S_ISDIR(info.st_mode)) throw Failure(folders[0] + ": not a folder");
  Fd tree = clone_tree(folders[0], !settings_.root);
  set_read_only(tree, folders[0], !settings_.root);
  return tree;
}

std::uint32_t Supervisor::free_user() {
  if (slots_.size() >= users_) throw Failure("there are no user numbers left");
  for (;;) {
    const auto user = kFirstUser + next_user_++ % users_;
    if (std::ranges::none_of(slots_, [&](const auto& each) { return each.second->user == user; })) return user;
  }
}

void Supervisor::prepare_slot(std::uint64_t id, const std::string& pack, Mode mode) {
  auto& slot = *(slots_[id] = std::make_unique<Slot>());
  slot.id = id;
  slot.pack = pack;
  slot.mode = mode;
  try {
    if (!safe_name(pack)) throw Failure("no such runtime pack");
    slot.group = cgroups_.make(id);
    std::tie(slot.output_read, slot.output_write) = pipe_pair();
    std::tie(slot.launch_server, slot.launch_slot) = socket_pair();
    if (!settings_.isolated) return prepare_plain(slot);

    SlotPlan plan;
    plan.id = id;
    plan.mode = mode;
    plan.group = &slot.group;
    plan.user_namespace = roots_.user_namespace.get();
    plan.root = root_of(pack);
    if (users_) plan.user = slot.user = free_user();
    plan.output = slot.output_write.get();
    plan.launch = slot.launch_slot.get();
    slot.runtime_port = plan.runtime_port = kRuntimePort;
    slot.endpoint_port = plan.endpoint_port = settings_.endpoint_port;
    plan.filter = &filter_;
    auto [ours, theirs] = socket_pair();
    int yes = 1;
    setsockopt(ours.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    plan.control = theirs.get();
    if (!slot.group.counts_memory()) slot.peak.reset(memfd_create("peak", MFD_CLOEXEC));
    plan.peak = slot.peak.get();
    if (mode == Mode::zygote) slot.zygote = &zygote(pack);  // first, so that both start together
    pid_t entrant = fork();
    check(entrant >= 0, "fork");
    if (entrant == 0) enter_slot(plan);
    slot.control = std::move(ours);
    watch(slot.control.get(), id << 2);
  } catch (const std::exception& error) {
    slot.problem = error.what();
    end(slot);
  }
}

// The runtime as an ordinary process of the server's user. Only what needs no right is set.
void Supervisor::prepare_plain(Slot& slot) {
  slot.listeners.push_back(listen_local(slot.runtime_port));
  slot.listeners.push_back(listen_local(slot.endpoint_port));
  pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    try {
      slot.group.join();
    } catch (const std::exception&) {  // it was made, so we may; without it there is only no limit
    }
    rlimit none{1, 1};  // see confine()
    setrlimit(RLIMIT_CORE, &none);
    reset_signals();
    int keep[2] = {slot.launch_slot.get(), slot.output_write.get()};
    if (!arrange_descriptors(slot.output_write.get(), keep, 2)) _exit(125);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    launch();
  }
  slot.init = child;
  slot.process = open_process(child);
  tell_ready(slot);
}

void Supervisor::on_control(Slot& slot) {
  auto packet = receive_packet(slot.control.get(), 512);
  if (slot.ready) packet.descriptors.clear();
  SlotReport report{};
  if (packet.bytes.size() < sizeof report) {  // closed: its init is ending
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, slot.control.get(), nullptr);
    if (slot.problem.empty() && !slot.ready) slot.problem = "the environment's first process died";
    end(slot);
    return;
  }
  memcpy(&report, packet.bytes.data(), sizeof report);
  // The first two tell of trusted processes that hold rights yet; the function's code comes much later.
  if (report.kind == SlotReport::entered && slot.namespaces.empty() && !slot.entered &&
      packet.descriptors.size() == kNamespaces) {
    slot.namespaces = std::move(packet.descriptors);
    slot.entered = true;
    if (gateway_) {
      try {
        gateway_->connect(slot.id, slot.namespaces[kNetworkNamespace].get());
      } catch (const std::exception& error) {
        slot.problem = error.what();
        return end(slot);
      }
    }
    begin(slot);
  } else if (report.kind == SlotReport::ready && !slot.init && packet.descriptors.size() == kSlotListeners && packet.sender > 1) {
    slot.init = packet.sender;
    slot.process = open_process(slot.init);
    slot.listeners = std::move(packet.descriptors);
    begin(slot);
  } else if (report.kind == SlotReport::exited) {
    if (!slot.has_status) slot.status = static_cast<int>(report.status);
    slot.has_status = true;
    end(slot);
  } else if (report.kind == SlotReport::over_memory) {
    slot.over_memory = true;
    end(slot);
  } else {
    if (report.kind == SlotReport::failed) slot.problem = packet.bytes.substr(sizeof report);
    end(slot);
  }
}

// Once the slot is made: has its main process born, or tells that it is there.
void Supervisor::begin(Slot& slot) {
  if (!slot.init || !slot.entered) return;
  if (slot.ending) return end(slot);
  if (!slot.zygote) return tell_ready(slot);
  try {
    ZygoteOrder order{slot.id};
    std::vector<int> descriptors;
    for (const auto& fd : slot.namespaces) descriptors.push_back(fd.get());
    descriptors.push_back(slot.output_write.get());
    descriptors.push_back(slot.launch_slot.get());
    const auto doors = slot.group.doors();
    for (const auto& door : doors) descriptors.push_back(door.get());
    send_packet(slot.zygote->control.get(), {reinterpret_cast<const char*>(&order), sizeof order}, descriptors);
  } catch (const std::exception& error) {
    slot.problem = std::string("zygote: ") + error.what();
    end(slot);
  }
}

void Supervisor::on_zygote(Zygote& zygote) {
  ZygoteReport report;
  auto packet = receive_packet(zygote.control.get(), sizeof report);
  if (packet.bytes.size() != sizeof report) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, zygote.control.get(), nullptr);
    kill(zygote.pid, SIGKILL);  // reap() does the rest
    return;
  }
  memcpy(&report, packet.bytes.data(), sizeof report);
  if (report.kind == ZygoteReport::exited) {
    auto child = zygote.children.find(static_cast<pid_t>(report.pid));
    if (child == zygote.children.end()) return;
    auto slot = slots_.find(child->second);
    zygote.children.erase(child);
    if (slot == slots_.end()) return;
    if (!slot->second->has_status) slot->second->status = static_cast<int>(report.status);
    slot->second->has_status = true;
    end(*slot->second);
    return;
  }
  auto found = slots_.find(report.slot);
  if (found == slots_.end()) return;
  auto& slot = *found->second;
  try {
    if (report.kind == ZygoteReport::failed) {
      errno = static_cast<int>(report.status);
      fail("fork of the zygote");
    }
    zygote.children[static_cast<pid_t>(report.pid)] = slot.id;
    if (slot.ending) return;
    tell_ready(slot);
  } catch (const std::exception& error) {
    slot.problem = error.what();
    end(slot);
  }
}

void Supervisor::tell_ready(Slot& slot) {
  slot.ready = true;
  std::uint32_t has = 0;
  if (slot.listeners.size() == kSlotListeners) has |= protocol::kHasNetwork;
  std::vector<int> descriptors;
  for (const auto& listener : slot.listeners) descriptors.push_back(listener.get());
  descriptors.push_back(slot.output_read.get());
  descriptors.push_back(slot.launch_server.get());
  Fd peak = slot.peak ? Fd(fcntl(slot.peak.get(), F_DUPFD_CLOEXEC, 0)) : slot.group.peak();
  if (peak) {
    has |= protocol::kHasPeak;
    descriptors.push_back(peak.get());
  }
  bool version2 = false;
  Fd freezer = slot.group.freezer(version2);
  if (freezer) {
    has |= protocol::kHasFreezer | (version2 ? protocol::kFreezerIsV2 : 0);
    descriptors.push_back(freezer.get());
  }
  tell(Writer(Tell::ready).number(slot.id).number(has).number(slot.runtime_port).number(slot.endpoint_port), descriptors);
  // Theirs now; an end of ours would keep the function's output and network alive.
  slot.listeners.clear();
  for (Fd* fd : {&slot.output_read, &slot.output_write, &slot.launch_server, &slot.launch_slot}) fd->reset();
}

void Supervisor::assign(Slot& slot, Reader& message) {
  std::string problem;
  try {
    Limits limits;
    limits.memory_mb = static_cast<int>(message.number());
    limits.tmp_mb = static_cast<int>(message.number());
    const auto code = message.text();
    const bool whole = message.number() != 0;
    std::vector<std::string> layers(message.number());
    if (layers.size() > 16) throw Failure("too many layers");
    for (auto& layer : layers) layer = message.text();
    slot.group.limit(limits);
    if (slot.group.alarm() >= 0) watch_memory(slot);
    if (const auto most = static_cast<std::uint64_t>(limits.memory_mb) << 20; slot.peak)
      send_packet(slot.control.get(), {reinterpret_cast<const char*>(&most), sizeof most});
    if (settings_.isolated) {
      Fd task = tree_of({code}), opt;
      std::reverse(layers.begin(), layers.end());  // the last one wins
      if (!layers.empty()) opt = tree_of(layers);
      if (slot.namespaces.empty()) throw Failure("assigned twice");
      check(setns(slot.namespaces[kMountNamespace].get(), CLONE_NEWNS) == 0, "enter the slot's mounts");
      try {
        if (whole)
          become_root(task);
        else
          attach_tree(task, "/var/task");
        if (opt) attach_tree(opt, "/opt");
        mount_at("tmp", "/tmp", "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV,
                 ("size=" + std::to_string(limits.tmp_mb) + "m").c_str());
      } catch (const std::exception& error) {
        problem = error.what();
      }
      // Nothing can be done anywhere else: not coming back would be working in a function's root.
      if (setns(own_mounts_.get(), CLONE_NEWNS) != 0 || chdir("/") != 0) _exit(70);
    }
  } catch (const std::exception& error) {
    problem = error.what();
  }
  slot.namespaces.clear();
  tell(Writer(Tell::assigned).number(slot.id).text(problem));
}

void Supervisor::watch_memory(Slot& slot) {
  watch(slot.group.alarm(), slot.id << 2 | kMemoryBit, slot.group.alarm_is_priority() ? EPOLLPRI | EPOLLET : EPOLLIN);
}

// The slot and its /tmp together hold more than the function may.
void Supervisor::on_memory(Slot& slot) {
  const int before = slot.group.alarm();
  const bool renewed = !slot.group.alarm_is_priority();
  if (renewed) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, before, nullptr);
  if (slot.group.over_limit()) {
    slot.over_memory = true;
    end(slot);
  } else if (renewed && slot.group.alarm() >= 0) {
    watch_memory(slot);
  }
}

// Begins or continues the end of a slot; it is over when its init was buried.
void Supervisor::end(Slot& slot) {
  slot.ending = true;
  if (slot.init == 0) {
    // Not ready yet, or never: its control socket says when its processes are gone.
    if (slot.control && slot.problem.empty()) return;
    return tell_gone(slot);
  }
  slot.group.thaw();
  if (slot.process && syscall(SYS_pidfd_send_signal, slot.process.get(), SIGKILL, nullptr, 0) != 0 && errno == ESRCH &&
      !slot.ready)
    tell_gone(slot);
}

void Supervisor::tell_gone(Slot& slot) {
  if (!settings_.isolated) {
    if (slot.init > 0) kill(-slot.init, SIGKILL);
    slot.group.kill_all();
  }
  const bool oom = slot.over_memory || slot.group.out_of_memory();
  tell(Writer(Tell::gone)
           .number(slot.id)
           .number(slot.has_status)
           .number(static_cast<std::uint32_t>(slot.status))
           .number(oom)
           .number(slot.group.peak_bytes())
           .text(slot.problem));
  leaving_.push_back(std::move(slot.group));
  slots_.erase(slot.id);  // `slot` is gone from here on
}

// True while control groups wait for their last process to leave.
bool Supervisor::sweep() {
  std::erase_if(leaving_, [](Group& group) { return group.remove(); });
  return !leaving_.empty();
}

void Supervisor::reap() {
  signalfd_siginfo ignored;
  while (read(signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (gateway_ && gateway_->buried(pid)) continue;
    auto zygote = std::find_if(zygotes_.begin(), zygotes_.end(), [&](auto& one) { return one.second->pid == pid; });
    if (zygote != zygotes_.end()) {
      zygote_died(*zygote->second);
      continue;
    }
    auto slot = std::find_if(slots_.begin(), slots_.end(), [&](auto& one) { return one.second->init == pid; });
    if (slot == slots_.end()) continue;
    if (!settings_.isolated) {
      slot->second->status = status;
      slot->second->has_status = true;
    }
    tell_gone(*slot->second);
  }
}

Supervisor::Zygote& Supervisor::zygote(const std::string& pack) {
  auto& place = zygotes_[pack];
  if (place) return *place;
  static std::uint64_t tags = 0;
  auto made = std::make_unique<Zygote>();
  made->pack = pack;
  made->tag = kZygoteBit | ++tags;
  const int root = root_of(pack);
  auto [ours, theirs] = socket_pair();
  made->control = std::move(ours);
  made->pid = fork();
  check(made->pid >= 0, "fork");
  if (made->pid == 0) {
    try {
      if (roots_.user_namespace) check(setns(roots_.user_namespace.get(), CLONE_NEWUSER) == 0, "user namespace");
      check(setns(root, CLONE_NEWNS) == 0, "root");
      check(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0, "unshare");
      reset_signals();
      // All it needs is to enter the slots, whose user namespaces are children of its own.
      constexpr std::uint32_t kKept = 1U << CAP_SYS_ADMIN | 1U << CAP_SYS_CHROOT;
      for (int capability = 0; capability < 64; ++capability)
        if (capability >= 32 || !(kKept & 1U << capability)) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
      prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
      if (roots_.user_namespace)
        check(setresgid(kZygoteUser, kZygoteUser, kZygoteUser) == 0 && setresuid(kZygoteUser, kZygoteUser, kZygoteUser) == 0,
              "user");
      __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
      __user_cap_data_struct kept[2] = {{kKept, kKept, kKept}, {0, 0, 0}};
      check(syscall(SYS_capset, &header, kept) == 0, "capset");
      for (int capability : {CAP_SYS_ADMIN, CAP_SYS_CHROOT})
        check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0, "ambient capabilities");
      check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
      int control = fcntl(theirs.get(), F_DUPFD, 64), filter = fcntl(filter_file_.get(), F_DUPFD, 64);
      int null = open("/dev/null", O_RDWR);
      if (null != 0) dup2(null, 0);
      dup2(0, 1);  // its errors go where ours go
      dup2(control, 3);
      dup2(filter, 4);
      close_range(5, ~0U, 0);
      const char* arguments[] = {
          "/var/lang/bin/python3", "-S", "-s", "-E", "/var/runtime/lambari_python.py", "zygote", "3", "4", nullptr};
      const char* environment[] = {"PATH=/usr/bin", "LANG=C.UTF-8", "TZ=:UTC", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001",
                                   kLibraryPath,    nullptr};
      execve(arguments[0], const_cast<char**>(arguments), const_cast<char**>(environment));
      fail(arguments[0]);
    } catch (const std::exception& error) {
      dprintf(2, "lambari-sandbox: zygote: %s\n", error.what());
    }
    _exit(1);
  }
  watch(made->control.get(), made->tag);
  place = std::move(made);
  return *place;
}

void Supervisor::zygote_died(Zygote& zygote) {
  std::vector<Slot*> orphans;
  for (auto& [id, slot] : slots_)
    if (slot->zygote == &zygote) orphans.push_back(slot.get());
  for (auto* slot : orphans) {
    slot->zygote = nullptr;
    slot->problem = "the interpreter it was to be forked from died";
    end(*slot);
  }
  const auto pack = zygote.pack;
  zygotes_.erase(pack);  // the next slot starts another
}

}  // namespace lambari::jail
