// The model's regular expressions (Java's dialect, whole match), by RE2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lambari::wire {

// `pattern` is compiled at first use and kept. One that RE2 cannot express matches everything.
bool matches_pattern(std::string_view pattern, std::string_view text);
bool pattern_is_enforced(std::string_view pattern);

// The same expression in RE2's words, as far as it has them.
std::string re2_syntax(std::string_view pattern);

}  // namespace lambari::wire
