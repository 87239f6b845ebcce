// Small text helpers that the standard library lacks. All are ASCII-only where case is concerned.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambari::base {

std::string lower(std::string_view text);
std::string upper(std::string_view text);
std::string_view trim(std::string_view text);  // spaces and tabs, both ends
bool iequals(std::string_view a, std::string_view b);
std::vector<std::string_view> split(std::string_view text, char separator);  // "a,,b" gives three; "" gives one
// Cuts at the first separator; the second part is empty when there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator);
std::optional<long long> parse_int(std::string_view text);

// RFC 3986. `encode` leaves A-Z a-z 0-9 - _ . ~ (and '/' when keep_slash) as they are, as SigV4 asks.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// Malformed escapes stay as they are. `plus_is_space` for query strings and forms.
std::string percent_decode(std::string_view text, bool plus_is_space = false);
// "a=1&b" as decoded pairs, in order.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query, bool plus_is_space = true);

}  // namespace lambari::base
