#include "front/duration.h"

#include <array>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace lambari::front {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  // Longest name first: "ms" before "m".
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits = {
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}}};
  constexpr std::int64_t kMost = 3650LL * 86'400'000;
  text = base::trim(text);
  std::int64_t sum = 0;
  while (!text.empty()) {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    if (count == 0 || count > 12) return std::nullopt;
    auto number = base::parse_int(text.substr(0, count));
    text.remove_prefix(count);
    std::int64_t unit = 0;
    for (auto [name, ms] : kUnits) {
      if (!text.starts_with(name)) continue;
      unit = ms;
      text.remove_prefix(name.size());
      break;
    }
    if (!number || unit == 0 || *number > kMost / unit) return std::nullopt;
    sum += *number * unit;
    if (sum > kMost) return std::nullopt;
  }
  if (sum == 0) return std::nullopt;
  return std::chrono::milliseconds(sum);
}

}  // namespace lambari::front
