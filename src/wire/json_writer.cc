#include "base/bytes.h"
#include "base/json.h"
#include "wire/json.h"
#include "wire/rest.h"
#include "wire/scalar.h"

namespace lambari::wire {
namespace {

struct MapWriter {
  std::string& out;
  const Member& element;
  JsonStyle style;
  bool comma = false;
};

}  // namespace

void append_json_members(std::string& out, const Shape& shape, const void* value, bool& comma, JsonStyle style) {
  JsonStyle below = style;
  below.every_location = true;  // bindings mean nothing below the top
  for (const auto& member : shape.members) {
    if (!style.every_location && !in_response_body(member)) continue;
    const void* item = member.read(value, member);
    if (!item) continue;
    if (comma) out += ',';
    comma = true;
    out += '"';  // names of the model need no escapes
    out += style.model_names ? member.name : member.wire_name;
    out += "\":";
    append_json(out, member, item, below);
  }
}

void append_json(std::string& out, const Member& member, const void* value, JsonStyle style) {
  const Shape& shape = *member.shape();
  switch (shape.kind) {
    case Kind::string: return base::append_json_string(out, *static_cast<const std::string*>(value));
    case Kind::blob:
      out += '"';
      out += base::base64(*static_cast<const std::string*>(value));
      out += '"';
      return;
    case Kind::float_:
    case Kind::double_:
      if (auto special = special_double(*static_cast<const double*>(value)); !special.empty()) {
        out += '"';
        out += special;
        out += '"';
        return;
      }
      return append_double(out, *static_cast<const double*>(value));
    case Kind::timestamp: {
      bool quoted = time_format(member, style.time) != TimeFormat::unix_seconds;
      if (quoted) out += '"';
      append_scalar(out, member, value, style.time);
      if (quoted) out += '"';
      return;
    }
    case Kind::boolean:
    case Kind::integer:
    case Kind::long_: return append_scalar(out, member, value, style.time);
    case Kind::document: {
      const auto& json = static_cast<const Document*>(value)->json;
      out += json.empty() ? "null" : json;
      return;
    }
    case Kind::list: {
      out += '[';
      std::size_t count = shape.count(value);
      for (std::size_t i = 0; i < count; ++i) {
        if (i) out += ',';
        append_json(out, *shape.element, shape.at(value, i), style);
      }
      out += ']';
      return;
    }
    case Kind::map: {
      out += '{';
      MapWriter writer{out, *shape.element, style};
      shape.for_each(value, &writer, [](void* context, const std::string& key, const void* item) {
        auto& w = *static_cast<MapWriter*>(context);
        if (w.comma) w.out += ',';
        w.comma = true;
        base::append_json_string(w.out, key);
        w.out += ':';
        append_json(w.out, w.element, item, w.style);
      });
      out += '}';
      return;
    }
    case Kind::structure: {
      out += '{';
      bool comma = false;
      style.every_location = true;
      append_json_members(out, shape, value, comma, style);
      out += '}';
      return;
    }
  }
}

}  // namespace lambari::wire
