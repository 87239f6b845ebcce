#include "wire/scalar.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/reading.h"

namespace lambari::wire {
namespace {

template <class T>
bool whole(std::string_view text, T& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

bool parse_double(std::string_view text, double& out) {
  if (text == "NaN") {
    out = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    out = std::numeric_limits<double>::infinity();
  } else if (text == "-Infinity") {
    out = -std::numeric_limits<double>::infinity();
  } else {
    if (!text.empty() && text[0] == '+') text.remove_prefix(1);
    return whole(text, out) && std::isfinite(out);
  }
  return true;
}

}  // namespace

TimeFormat time_format(const Member& member, TimeFormat place) {
  if (member.time_format != TimeFormat::unset) return member.time_format;
  TimeFormat shape = member.shape()->time_format;
  return shape != TimeFormat::unset ? shape : place;
}

void append_integer(std::string& out, std::int64_t value) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

std::string_view special_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return {};
}

void append_double(std::string& out, double value) {
  if (auto special = special_double(value); !special.empty()) {
    out += special;
    return;
  }
  char buffer[40];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_time(std::string& out, base::Timestamp time, TimeFormat format) {
  switch (format) {
    case TimeFormat::rfc822: out += base::http_date(time); return;
    case TimeFormat::iso8601: out += base::iso8601(time, time.ms % 1000 != 0); return;
    default: break;
  }
  std::int64_t seconds = time.ms / 1000, ms = time.ms % 1000;
  if (ms == 0) return append_integer(out, seconds);
  if (time.ms < 0) out += '-';
  append_integer(out, std::abs(seconds));
  char fraction[4] = {'.', static_cast<char>('0' + std::abs(ms) / 100), static_cast<char>('0' + std::abs(ms) / 10 % 10),
                      static_cast<char>('0' + std::abs(ms) % 10)};
  out.append(fraction, 4);
}

base::Timestamp time_from_seconds(double seconds) {
  // Milliseconds beyond 2^53 are no dates anyone means.
  if (!(std::abs(seconds) < 9.0e12)) refuse("Timestamp out of range");
  return {static_cast<std::int64_t>(std::llround(seconds * 1000.0))};
}

base::Timestamp parse_time(std::string_view text, TimeFormat) {
  base::Timestamp time;
  double seconds = 0;
  if (base::parse_iso8601(text, time) || base::parse_http_date(text, time)) return time;
  if (whole(text, seconds)) return time_from_seconds(seconds);
  refuse("Invalid timestamp");
}

void append_scalar(std::string& out, const Member& member, const void* value, TimeFormat place) {
  switch (member.shape()->kind) {
    case Kind::string: out += *static_cast<const std::string*>(value); return;
    case Kind::blob: out += base::base64(*static_cast<const std::string*>(value)); return;
    case Kind::boolean: out += *static_cast<const bool*>(value) ? "true" : "false"; return;
    case Kind::integer: return append_integer(out, *static_cast<const std::int32_t*>(value));
    case Kind::long_: return append_integer(out, *static_cast<const std::int64_t*>(value));
    case Kind::float_:
    case Kind::double_: return append_double(out, *static_cast<const double*>(value));
    case Kind::timestamp: return append_time(out, *static_cast<const base::Timestamp*>(value), time_format(member, place));
    case Kind::document: out += static_cast<const Document*>(value)->json; return;
    case Kind::list:
    case Kind::map:
    case Kind::structure: return;  // the model binds none of these to text
  }
}

void parse_scalar(std::string_view text, const Member& member, void* value, TimeFormat place) {
  const Shape& shape = *member.shape();
  switch (shape.kind) {
    case Kind::string:
      if (!base::is_utf8(text)) refuse("Text is not UTF-8");
      static_cast<std::string*>(value)->assign(text);
      return;
    case Kind::blob:
      if (auto bytes = base::unbase64(text)) {
        *static_cast<std::string*>(value) = std::move(*bytes);
        return;
      }
      refuse("Invalid base64");
    case Kind::boolean:
      if (base::iequals(text, "true"))
        *static_cast<bool*>(value) = true;
      else if (base::iequals(text, "false"))
        *static_cast<bool*>(value) = false;
      else
        refuse("Invalid boolean");
      return;
    case Kind::integer:
      if (!whole(text, *static_cast<std::int32_t*>(value))) refuse("STRING_VALUE cannot be converted to Integer");
      return;
    case Kind::long_:
      if (!whole(text, *static_cast<std::int64_t*>(value))) refuse("STRING_VALUE cannot be converted to Long");
      return;
    case Kind::float_:
    case Kind::double_:
      if (!parse_double(text, *static_cast<double*>(value))) refuse("STRING_VALUE cannot be converted to Double");
      return;
    case Kind::timestamp: *static_cast<base::Timestamp*>(value) = parse_time(text, time_format(member, place)); return;
    default: refuse("Unexpected field type");
  }
}

}  // namespace lambari::wire
