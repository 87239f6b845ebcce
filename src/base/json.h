// Boost.JSON as the document type of the program. A file that only passes documents through includes this, not <boost/json.hpp>.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/fwd.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace lambari::base {

namespace json = boost::json;

// Nothing when `text` is not one JSON value nested at most `depth` deep. Duplicate names: the last wins.
std::optional<json::value> parse_json(std::string_view text, std::size_t depth = 64);
std::string to_json(const json::value& value);

// Appends `text` quoted and escaped, without a document in between. Bytes that are not UTF-8 become U+FFFD, one for each, so
// that the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

}  // namespace lambari::base
