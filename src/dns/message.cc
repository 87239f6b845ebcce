#include "dns/message.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>

#include "base/text.h"

namespace lambari::dns {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint8_t kIsAnswer = 0x80, kOpcode = 0x78, kAuthoritative = 0x04, kCut = 0x02, kRecursionWanted = 0x01;
constexpr std::uint32_t kTtl = 60;  // seconds
constexpr std::uint16_t kTypeOpt = 41;
constexpr std::size_t kMostAddresses = 16;

void put(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to += static_cast<char>(value >> shift & 0xff);
}

std::uint16_t number_at(std::string_view message, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(message[at]) << 8 | static_cast<std::uint8_t>(message[at + 1]));
}

const std::uint8_t* bytes_of(std::string_view message) { return reinterpret_cast<const std::uint8_t*>(message.data()); }

}  // namespace

std::optional<Query> read_query(std::string_view message) {
  if (message.size() < kHeader || (static_cast<std::uint8_t>(message[2]) & kIsAnswer)) return std::nullopt;
  Query query;
  query.head = kHeader;
  if ((static_cast<std::uint8_t>(message[2]) & kOpcode) != 0) {
    query.problem = Code::not_done;
    return query;
  }
  query.problem = Code::malformed;
  if (message.size() > kLargestQuery || number_at(message, 4) != 1) return query;
  ns_msg parsed;
  ns_rr record;
  if (ns_initparse(bytes_of(message), static_cast<int>(message.size()), &parsed) != 0) return query;
  if (ns_parserr(&parsed, ns_s_qd, 0, &record) != 0) return query;
  // The question is repeated as it came, so it must not lean on other parts of the message: a pointer in it is not of this world.
  const auto* start = bytes_of(message) + kHeader;
  const int name = dn_skipname(start, bytes_of(message) + message.size());
  if (name < 0 || std::any_of(start, start + name, [](std::uint8_t byte) { return byte >= 0xc0; })) return query;
  query.name = base::lower(ns_rr_name(record));
  query.type = ns_rr_type(record);
  query.internet = ns_rr_class(record) == ns_c_in;
  query.head = kHeader + static_cast<std::size_t>(name) + 4;
  const auto more = std::min<int>(ns_msg_count(parsed, ns_s_ar), 4);
  for (int i = 0; i < more; ++i) {
    if (ns_parserr(&parsed, ns_s_ar, i, &record) != 0) return query;
    if (ns_rr_type(record) == kTypeOpt) query.udp_size = std::clamp<std::size_t>(ns_rr_class(record), 512, 4'096);
  }
  query.problem = Code::ok;
  return query;
}

std::string answer(std::string_view message, const Query& query, Code code, const Addresses& addresses) {
  std::string out(message.substr(0, query.head));
  std::string records;
  std::size_t count = 0;
  auto add = [&](std::uint16_t type, const auto& address) {
    if (query.type != type && query.type != kTypeAny) return;
    if (++count > kMostAddresses) return;
    put(records, 0xc00c, 2);  // the name in the question
    put(records, type, 2);
    put(records, 1, 2);
    put(records, kTtl, 4);
    put(records, address.size(), 2);
    records.append(reinterpret_cast<const char*>(address.data()), address.size());
  };
  if (code == Code::ok && query.internet) {
    for (const auto& address : addresses.v4) add(kTypeA, address);
    for (const auto& address : addresses.v6) add(kTypeAaaa, address);
  }
  const auto asked = static_cast<std::uint8_t>(message[2]);
  out[2] = static_cast<char>(kIsAnswer | (asked & (kOpcode | kRecursionWanted)) | kAuthoritative);
  out[3] = static_cast<char>(0x80 | static_cast<std::uint8_t>(code));  // recursion is there: what is not known does not exist
  out.resize(4);
  put(out, query.head > kHeader ? 1 : 0, 2);
  put(out, std::min(count, kMostAddresses), 2);
  put(out, 0, 4);
  out += message.substr(kHeader, query.head - kHeader);
  return out + records;
}

std::string cut(std::string_view message, const Query& query) {
  auto out = answer(message, query, Code::ok);
  out[2] = static_cast<char>(static_cast<std::uint8_t>(out[2]) | kCut);
  return out;
}

}  // namespace lambari::dns
