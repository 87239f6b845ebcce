// Durations as people write them: "90s", "6h", "1d12h", "250ms".
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace lambari::front {

// Nothing when malformed, zero or longer than ten years. Units: ms, s, m, h, d, w.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace lambari::front
