#include "wire_fuzz.h"

using namespace lambari;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto& all = fuzz::services();
  fuzz::decode(
      fuzz::choose(data[0] & 1 ? static_cast<wire::Service&>(all.logs) : all.lambda, data[1], wire::Protocol::rpc_v2_cbor),
      fuzz::body(text));
  return 0;
}
