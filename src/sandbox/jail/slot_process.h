// The processes of a slot. The supervisor forks an entrant; it enters the slot's control groups and a copy of the read-only root,
// makes the namespaces, starts the slot's init inside them and ends. The init (process 1 of the slot, no rights) buries the dead,
// makes connections for the server, and watches memory where the kernel does not. The function's process is a fork of a zygote
// (zygote.cc), or a child of the init that waits to be told what to execute.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/jail/cgroups.h"
#include "sandbox/jail/os.h"
#include "sandbox/protocol.h"

namespace lambari::jail {

// What the init says to the supervisor on its control socket. Nothing it says is trusted: it can only end its own slot.
struct SlotReport {
  enum Kind : std::uint64_t {
    entered = 1,  // from the entrant, with the slot's namespaces
    ready,        // with the listeners
    failed,       // text follows
    exited,       // with the status of the function's process
    over_memory,  // where the init watches it
  };
  Kind kind;
  std::int64_t status;
};

inline constexpr std::uint64_t kTerminate = ~0ULL;  // in place of a limit of memory: SIGTERM to the function's process

// What the server gets of a slot's network, in the order in which the init sends it: the listeners of the Runtime API, of AWS at
// the server's own port and at the ports of its host names, and of the name server that leads there; and a line on which the init
// makes connections to what else listens in there.
enum SlotListener : std::size_t { kRuntime, kEndpoint, kHttps, kHttp, kNamesUdp, kNamesTcp, kConnections, kSlotListeners };

struct SlotPlan {
  std::uint64_t id = 0;
  sandbox::protocol::Mode mode{};
  const Group* group = nullptr;
  int user_namespace = -1;  // the house's; -1 when we are in it
  int root = -1;            // mount namespace to copy
  std::uint32_t user = 0;   // in the house's user namespace; owner of the slot
  int control = -1;
  int output = -1;
  int launch = -1;
  int peak = -1;  // where there is no control group for memory: what MemoryWatch writes to. The limit comes by `control`
  std::uint16_t runtime_port = 0, endpoint_port = 0;
  const std::vector<sock_filter>* filter = nullptr;
};

// Runs in the entrant; does not return.
[[noreturn]] void enter_slot(const SlotPlan& plan);

// Steps of it; they throw Failure. `own_proc` is the process's own folder in a /proc that shows it: its user namespace, just
// made, gets the function's numbers for `user` of the one around it.
void map_self(int own_proc, std::uint32_t user);
void loopback_up();  // in a network namespace of our own
// AWS's host names lead to the loopback, so their ports are opened there, and the one of the name server.
void open_named_ports(Fd* listeners, std::uint16_t endpoint_port);

// Listens on 127.0.0.1; port 0 picks one, which is returned in `port`. Throws Failure.
Fd listen_local(std::uint16_t& port);

// Waits on descriptor 3 for a launch message and executes it. Without arguments the function's own `bootstrap` is looked for.
// Does not return.
[[noreturn]] void launch();

// Pure part of it, tested. False when the message is malformed.
struct Assignment {
  bool primes = false;  // the program keeps descriptor 3, for the next message
  const char* folder = nullptr;
  std::vector<char*> arguments, environment;  // null at the end; they point into the message
  std::vector<char*> extensions, extension_environment;
};
bool parse_assignment(char* message, std::size_t size, Assignment& into);

// Becomes the runtime. Does not return.
[[noreturn]] void execute(const Assignment& assignment);

// Every signal as in a fresh process: what the supervisor ignores or blocks is not the function's business.
void reset_signals();

}  // namespace lambari::jail
