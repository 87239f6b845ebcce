#include "base/text.h"
#include "wire_fuzz.h"

using namespace lambari;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // method, target, host, content type, X-Amz-Target, Authorization; then the body.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  auto line = [&] {
    auto [one, more] = base::cut(rest, '\n');
    rest = more;
    return std::string(one);
  };
  http::Request request;
  request.method = line();
  request.target = line();
  for (const char* name : {"Host", "Content-Type", "X-Amz-Target", "Authorization"})
    if (auto value = line(); !value.empty()) request.headers.add(name, value);
  request.body = rest;
  auto match = fuzz::services().router.match(request);
  if (match) fuzz::decode(*match, std::move(request));
  return 0;
}
