// A subscription that code of anybody sends to the Telemetry API: it is refused, or has only what may be acted on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sandbox/telemetry.h"

using namespace lambari::sandbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (bool logs_api : {false, true}) {
    const auto parsed = parse_subscription(std::string(reinterpret_cast<const char*>(data), size), logs_api);
    const auto* wants = std::get_if<Subscription>(&parsed);
    if (!wants) continue;
    if (wants->port == 0 || wants->types.empty() || wants->max_items < 1'000 || wants->max_items > 10'000 ||
        wants->max_bytes < 262'144 || wants->max_bytes > 1'048'576 || wants->timeout.count() < 25 ||
        wants->timeout.count() > 30'000)
      std::abort();
    if (!wants->tcp && (wants->path.find_first_of(" \r\n") != std::string::npos ||
                        wants->authority.find_first_of(" \r\n") != std::string::npos || !wants->path.starts_with('/')))
      std::abort();
  }
  return 0;
}
