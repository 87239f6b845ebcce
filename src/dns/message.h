// DNS messages, as far as a server needs them that knows a few names itself: RFC 1035, and RFC 6891 for larger answers over UDP.
// Pure. Names are taken apart by glibc (ns_parserr); only the few bytes of an answer are put together here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lambari::dns {

inline constexpr std::uint16_t kTypeA = 1, kTypeAaaa = 28, kTypeAny = 255;
inline constexpr std::size_t kLargestMessage = 65'535;
inline constexpr std::size_t kLargestQuery = 4'096;  // a name has 255 bytes; anything longer asks for nothing we know

enum class Code : std::uint8_t { ok = 0, malformed = 1, failed = 2, no_such_name = 3, not_done = 4, refused = 5 };

struct Query {
  Code problem = Code::ok;  // when it must be answered with this
  std::string name;         // lower case, without the dot at the end; odd bytes are escaped, as in zone files
  std::uint16_t type = 0;
  bool internet = true;        // class IN
  std::size_t head = 0;        // bytes of the message that an answer repeats: header and question
  std::size_t udp_size = 512;  // what the asker takes over UDP
};

// Nothing when it is no query at all: too short, or an answer. Such a thing is not answered.
std::optional<Query> read_query(std::string_view message);

using Address4 = std::array<std::uint8_t, 4>;
using Address6 = std::array<std::uint8_t, 16>;
struct Addresses {
  std::vector<Address4> v4;
  std::vector<Address6> v6;
};

// An answer to `message`, of which `query` was read. With ok, the addresses of the type that was asked for, or none of them: the
// name exists.
std::string answer(std::string_view message, const Query& query, Code code, const Addresses& addresses = {});

// For an answer that is too large for the way it must go: the same without records, marked as cut (RFC 1035 4.2.1).
std::string cut(std::string_view message, const Query& query);

}  // namespace lambari::dns
