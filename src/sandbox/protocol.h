// What the server and `lambari-sandbox` say to each other: one message per packet over a SOCK_SEQPACKET pair, descriptors beside
// it. Both ends are built together, so a message has no version. README.md lists the messages.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sandbox/launch_message.h"

namespace lambari::sandbox::protocol {

inline constexpr std::size_t kMaxMessage = 64 * 1024;  // paths of five layers and a handful of numbers
inline constexpr std::size_t kMaxDescriptors = 12;

enum class Ask : std::uint32_t {
  prepare = 1,  // id, pack, Mode
  assign,       // id, memory_mb, tmp_mb, code, code is the whole root, count, layer...
  kill,         // id
  terminate,    // id: SIGTERM to what runs in the slot
};

enum class Tell : std::uint32_t {
  hello = 1,  // problem, count, (name, available, detail, remedy)...; the first message
  ready,     // id, Has bits, runtime port, endpoint port; descriptors: runtime listener, endpoint listener, [listeners at 443 and
             // 80, name server UDP and TCP, line for connections], output, launch, [peak], [freezer]
  assigned,  // id, problem
  gone,      // id, has status, wait status, out of memory, peak bytes, problem; the last message about an id
};

// What lives in a slot while it waits.
enum class Mode : std::uint32_t {
  zygote = 1,  // a fork of the pack's warm interpreter
  launch,      // a process that executes what launch messages say
};

inline constexpr std::uint32_t kHasPeak = 1;
inline constexpr std::uint32_t kHasFreezer = 2;
inline constexpr std::uint32_t kHasNetwork = 8;
inline constexpr std::uint32_t kFreezerIsV2 = 4;  // takes "1" and "0" instead of "FROZEN" and "THAWED"

// Companions: what the server and a slot's main process say over the launch socket once the function has external extensions.
struct CompanionAsk {
  enum Kind : std::uint64_t {
    start_runtime = 1,  // the extensions have registered
    terminate,          // the runtime gets SIGTERM, and its end is not the slot's any more
  };
  Kind kind;
};
struct CompanionTell {
  enum Kind : std::uint64_t {
    output = 1,     // with a pipe: what extensions print
    not_started,    // extension number `which`; `status` is an error number
    ended,          // extension number `which`; `status` as wait() gives it
    runtime_ended,  // after `terminate`
  };
  Kind kind;
  std::uint64_t which;
  std::int64_t status;
};

// Connections into a slot's own network, where the server is not: what the server and the slot's init say on a line of their own.
struct ConnectAsk {
  std::uint64_t number;  // the answer's
  std::uint64_t port;    // of the slot's loopback
};
struct ConnectTell {
  std::uint64_t number;
  std::int64_t error;  // an error number; 0: a socket comes with it, connected or about to be
};

class Writer {
 public:
  template <class E>
    requires std::is_enum_v<E>
  explicit Writer(E type) {
    number(static_cast<std::uint64_t>(type));
  }
  Writer& number(std::uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Throws std::runtime_error when a message is shorter than it says.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number())); }

 private:
  std::string_view take(std::size_t size) {
    if (size > left_.size()) throw std::runtime_error("sandbox protocol: short message");
    auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::string_view left_;
};

}  // namespace lambari::sandbox::protocol
