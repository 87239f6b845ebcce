// The first line is a filter policy of SNS, the rest a message's body.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lang/filter_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = input.find('\n');
  for (const auto scope : {lambari::lang::FilterScope::attributes, lambari::lang::FilterScope::body}) {
    try {
      const auto policy = lambari::lang::parse_filter_policy(input.substr(0, line), scope);
      if (!policy || line == input.npos) continue;
      if (const auto body = lambari::base::parse_json(input.substr(line + 1))) policy->matches(*body);
    } catch (const lambari::lang::EventPatternError&) {
    }
  }
  return 0;
}
