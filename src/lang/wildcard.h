// Matching of names against patterns with '*' (any run of bytes) and '?' (any one byte).
#pragma once

#include <string_view>

namespace lambari::lang {

enum class Case { sensitive, insensitive };  // ASCII

// At most |pattern| * |text| steps and no allocation, whatever the pattern.
bool wildcard_match(std::string_view pattern, std::string_view text, Case sensitivity = Case::sensitive);

}  // namespace lambari::lang
