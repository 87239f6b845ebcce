#include "wire_fuzz.h"

using namespace lambari;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto& all = fuzz::services();
  if (data[0] % 2)
    fuzz::decode(fuzz::choose(all.logs, data[1], wire::Protocol::json_1_1), fuzz::body(text));
  else
    fuzz::decode(fuzz::choose(all.lambda, data[1], wire::Protocol::rest_json), fuzz::body(text));
  return 0;
}
