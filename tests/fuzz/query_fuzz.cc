#include "wire_fuzz.h"

using namespace lambari;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto& all = fuzz::services();
  fuzz::decode(fuzz::choose(data[0] & 1 ? static_cast<wire::Service&>(all.iam) : all.sts, data[1],
                            data[0] & 2 ? wire::Protocol::ec2 : wire::Protocol::query),
               fuzz::body(text));
  return 0;
}
