// Scalars as text: in headers, query strings, forms, XML; and timestamps in each of their formats.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "wire/shape.h"

namespace lambari::wire {

// The format of a timestamp: the member's, else its shape's, else what the place it stands in uses.
TimeFormat time_format(const Member& member, TimeFormat place);

void append_time(std::string& out, base::Timestamp time, TimeFormat format);
// Accepts what the format allows, and the other two formats as well: AWS's own services do.
base::Timestamp parse_time(std::string_view text, TimeFormat format);
base::Timestamp time_from_seconds(double seconds);

void append_integer(std::string& out, std::int64_t value);
// Shortest text that reads back the same; NaN, Infinity, -Infinity.
void append_double(std::string& out, double value);
std::string_view special_double(double value);  // one of those three names, or empty

// Text to and from any kind but list, map, structure and document. Reading throws SerializationException.
void append_scalar(std::string& out, const Member& member, const void* value, TimeFormat place);
void parse_scalar(std::string_view text, const Member& member, void* value, TimeFormat place);

}  // namespace lambari::wire
