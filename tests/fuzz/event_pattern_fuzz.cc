// The first line is an event pattern, the second an event. The automaton and the direct trial must agree.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lang/event_pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = input.find('\n');
  if (line == input.npos) return 0;
  try {
    const auto pattern = lambari::lang::EventPattern::parse(input.substr(0, line));
    const auto event = lambari::base::parse_json(input.substr(line + 1));
    if (!event) return 0;
    lambari::lang::EventPatternSet set;
    set.add(1, pattern);
    if (pattern.matches(*event) == set.match(*event).empty()) std::abort();
    set.remove(1);
    if (!set.match(*event).empty()) std::abort();
  } catch (const lambari::lang::EventPatternError&) {
  }
  return 0;
}
