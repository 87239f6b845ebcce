// DNS queries as they come from functions, and the answers that are made of them.
#include <cstdint>
#include <string>
#include <string_view>

#include "dns/message.h"

using namespace lambari;

namespace {

void require(bool ok) {
  if (!ok) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view message(reinterpret_cast<const char*>(data), size);
  auto query = dns::read_query(message);
  if (!query) return 0;
  require(query->head >= 12 && query->head <= message.size());
  require(query->udp_size >= 512 && query->udp_size <= 4'096);
  require(query->name.size() <= 4 * 256);  // an odd byte is four characters
  const dns::Addresses addresses{.v4 = {{127, 0, 0, 1}}, .v6 = {dns::Address6{}}};
  for (auto code : {dns::Code::ok, dns::Code::no_such_name, dns::Code::malformed}) {
    auto said = dns::answer(message, *query, code, addresses);
    require(said.size() >= query->head && said.size() <= query->head + 44);
    require(!dns::read_query(said));  // an answer is no query: two servers do not talk to each other for ever
  }
  require(dns::cut(message, *query).size() == query->head);
  return 0;
}
