// The server's end of the line to `lambari-sandbox`, and what it told about each slot.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/gate.h"
#include "async/loops.h"
#include "sandbox/descriptor.h"
#include "sandbox/protocol.h"
#include "sandbox/sandbox.h"

namespace lambari::sandbox {

// A place for one function, made by the executable. Thread-safe.
class Slot {
 public:
  struct Gone {
    bool has_status = false;
    int status = 0;  // as wait() gives it
    bool out_of_memory = false;
    std::uint64_t peak_bytes = 0;
    std::string problem;
  };
  // Descriptors; taken by who uses them. Set when ready.
  struct Parts {
    Descriptor runtime, endpoint, output, launch, peak, freezer;
    Descriptor https, http, names_udp, names_tcp;  // in isolation: where AWS's host names lead, and what leads there
    Descriptor network;                            // in isolation: SlotNetwork's line
    bool freezer_v2 = false;
    std::uint16_t runtime_port = 0, endpoint_port = 0;
  };

  Slot(std::uint64_t id, std::string primer) : id(id), primer_(std::move(primer)) {}
  const std::uint64_t id;

  bool ready() const;
  std::optional<Gone> gone() const;
  Parts& parts() { return parts_; }  // once ready; by the one who has the slot

  // Until it is ready or gone, or assigned or gone; false when the time is over.
  async::Task<bool> until_ready(std::chrono::milliseconds timeout);
  async::Task<bool> until_assigned(std::chrono::milliseconds timeout);
  void on_gone(std::function<void()> call);     // from any thread; at once when it is gone already
  std::optional<std::string> assigned() const;  // the problem; "" when well
  async::Event& changed() { return changed_; }

 private:
  friend class Link;
  mutable std::mutex mutex_;
  const std::string primer_;
  bool ready_ = false;
  std::optional<std::string> assigned_;
  std::optional<Gone> gone_;
  std::function<void()> on_gone_;
  void set_gone(Gone gone);
  Parts parts_;
  async::Event changed_;
};

struct Hello {
  std::string problem;
  std::vector<Capability> capabilities;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  struct Program {
    std::filesystem::path executable, library, runtimes;
    bool isolated = true;
    std::uint16_t endpoint_port = 0;
    std::filesystem::path trusted;
    Internet internet = Internet::none;
  };
  // Starts the executable and waits for its hello. Throws SandboxFailed when it cannot be started.
  static std::shared_ptr<Link> start(const Program& program, Hello& hello);
  ~Link();  // closes the line: everything the executable made goes; waits for that, some seconds at most

  // Runs until the executable is gone.
  static async::Task<> receive(std::shared_ptr<Link> self, boost::asio::io_context& context);
  bool alive() const;

  // Throw SandboxFailed when the executable is gone. `primer` goes into the slot's launch socket as soon as there is one.
  std::shared_ptr<Slot> prepare(const std::string& pack, protocol::Mode mode, std::string primer);
  void assign(const Slot& slot, int memory_mb, int tmp_mb, const std::string& code, bool whole,
              const std::vector<std::string>& layers);
  void terminate(const Slot& slot) noexcept;
  void kill(const Slot& slot) noexcept;

 private:
  Link(Descriptor socket, int process);
  void send(const protocol::Writer& message);
  void tell(protocol::Ask what, const Slot& slot) noexcept;
  void told(std::string_view bytes, std::vector<Descriptor> descriptors);
  void lost();

  mutable std::mutex mutex_;
  Descriptor socket_;
  int process_;
  bool alive_ = true;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Slot>> slots_;
};

}  // namespace lambari::sandbox
