#include <simdjson.h>

#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "wire/json.h"
#include "wire/scalar.h"

namespace lambari::wire {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// simdjson counts arrays and objects; documents may nest below the typed part.
constexpr std::size_t kParserDepth = 512;
constexpr std::size_t kKeptCapacity = 1024 * 1024;  // a larger body gets a parser of its own

[[noreturn]] void refuse_type(element_type got, std::string_view wanted) {
  switch (got) {
    case element_type::OBJECT: refuse("Start of structure or map found where not expected.");
    case element_type::ARRAY: refuse("Start of list found where not expected");
    case element_type::STRING: refuse(std::string("STRING_VALUE cannot be converted to ") += wanted);
    case element_type::BOOL: refuse(std::string("TRUE_VALUE cannot be converted to ") += wanted);
    default: refuse(std::string("NUMBER_VALUE cannot be converted to ") += wanted);
  }
}

std::int64_t integer(element from, std::int64_t low, std::int64_t high, std::string_view wanted) {
  std::int64_t value = 0;
  switch (from.type()) {
    case element_type::INT64: value = from.get_int64().value_unsafe(); break;
    case element_type::UINT64: refuse(std::string("NUMBER_VALUE cannot be converted to ") += wanted);
    case element_type::DOUBLE: {
      double number = from.get_double().value_unsafe();
      if (number != std::floor(number) || !(std::abs(number) < 9.0e15))
        refuse(std::string("NUMBER_VALUE cannot be converted to ") += wanted);
      value = static_cast<std::int64_t>(number);
      break;
    }
    default: refuse_type(from.type(), wanted);
  }
  if (value < low || value > high) refuse(std::string("NUMBER_VALUE cannot be converted to ") += wanted);
  return value;
}

class Reader {
 public:
  Reader(Reading& reading, JsonStyle style) : reading_(reading), style_(style) {}

  void read_members(element from, const Shape& shape, void* value, Presence& presence, const Path& at, int depth) {
    if (!from.is_object()) refuse_type(from.type(), "Structure");
    MemberFinder finder(shape);
    for (auto [key, item] : from.get_object().value_unsafe()) {
      if (item.is_null()) continue;
      const Member* member = finder.find([&, name = key](const Member& m) {
        return (style_.model_names ? m.name : m.wire_name) == name &&
               (depth > 0 || style_.every_location || m.location == Location::body);
      });
      if (!member) continue;
      presence.mark(*member);
      read(item, *member, member->mutate(value, *member), Path{&at, member->name}, depth + 1);
    }
  }

  void read(element from, const Member& member, void* value, const Path& at, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    const Shape& shape = *member.shape();
    element_type type = from.type();
    switch (shape.kind) {
      case Kind::string:
        if (type != element_type::STRING) refuse_type(type, "String");
        static_cast<std::string*>(value)->assign(from.get_string().value_unsafe());
        return;
      case Kind::blob:
        if (type != element_type::STRING) refuse_type(type, "Blob");
        return parse_scalar(from.get_string().value_unsafe(), member, value, style_.time);
      case Kind::boolean:
        if (type != element_type::BOOL) refuse_type(type, "Boolean");
        *static_cast<bool*>(value) = from.get_bool().value_unsafe();
        return;
      case Kind::integer:
        *static_cast<std::int32_t*>(value) = static_cast<std::int32_t>(
            integer(from, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), "Integer"));
        return;
      case Kind::long_:
        *static_cast<std::int64_t*>(value) =
            integer(from, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), "Long");
        return;
      case Kind::float_:
      case Kind::double_:
        if (type == element_type::STRING) return parse_scalar(from.get_string().value_unsafe(), member, value, style_.time);
        if (!from.is_number()) refuse_type(type, "Double");
        *static_cast<double*>(value) = from.get_double().value_unsafe();
        return;
      case Kind::timestamp:
        if (type == element_type::STRING) return parse_scalar(from.get_string().value_unsafe(), member, value, style_.time);
        if (!from.is_number()) refuse_type(type, "Timestamp");
        *static_cast<base::Timestamp*>(value) = time_from_seconds(from.get_double().value_unsafe());
        return;
      case Kind::document: static_cast<Document*>(value)->json = simdjson::to_string(from); return;
      case Kind::list: return read_list(from, shape, value, at, depth);
      case Kind::map: return read_map(from, shape, value, at, depth);
      case Kind::structure: {
        Presence presence(shape);
        read_members(from, shape, value, presence, at, depth);
        presence.finish(value, at, reading_);
        return;
      }
    }
  }

 private:
  void read_list(element from, const Shape& shape, void* value, const Path& at, int depth) {
    if (!from.is_array()) refuse_type(from.type(), "List");
    std::size_t index = 0;
    for (element item : from.get_array().value_unsafe()) {
      ++index;
      if (item.is_null()) continue;
      reading_.count_element();
      read(item, *shape.element, shape.append(value), Path{&at, {}, index}, depth + 1);
    }
  }

  void read_map(element from, const Shape& shape, void* value, const Path& at, int depth) {
    if (!from.is_object()) refuse_type(from.type(), "Map");
    for (auto [key, item] : from.get_object().value_unsafe()) {
      if (item.is_null()) continue;
      reading_.count_element();
      read(item, *shape.element, shape.emplace(value, key), Path{&at, key, 0, true}, depth + 1);
    }
  }

  Reading& reading_;
  JsonStyle style_;
};

// Calls `use` with the root of `text`. A parser keeps its buffers for the next request of its thread.
template <class Use>
void parse(std::string& text, Use use) {
  thread_local simdjson::dom::parser kept(kKeptCapacity);
  std::unique_ptr<simdjson::dom::parser> own;
  simdjson::dom::parser* parser = &kept;
  if (text.size() > kKeptCapacity) {
    own = std::make_unique<simdjson::dom::parser>();
    parser = own.get();
  }
  if (parser->max_depth() != kParserDepth && parser->allocate(std::max<std::size_t>(text.size(), 4096), kParserDepth))
    refuse("Request is too large");
  text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  element root;
  if (parser->parse(text).get(root)) refuse("Request body is not valid JSON");
  use(root);
}

}  // namespace

void read_json(std::string& text, const Shape& shape, void* value, Presence& presence, Reading& reading, JsonStyle style) {
  parse(text, [&](element root) { Reader(reading, style).read_members(root, shape, value, presence, Path{}, 0); });
}

void read_json(std::string& text, const Member& member, void* value, Reading& reading, JsonStyle style) {
  parse(text, [&](element root) { Reader(reading, style).read(root, member, value, Path{}, 1); });
}

}  // namespace lambari::wire
