#include "dynamic.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace lambari::dynamic {
namespace {

using wire::Kind;
using wire::Member;
using wire::Shape;

// A table names a member's shape by a plain function: here one for each slot.
constexpr std::size_t kSlots = 256;
std::array<const Shape*, kSlots> slots{};
template <std::size_t I>
const Shape* slot() {
  return slots[I];
}
template <std::size_t... I>
constexpr std::array<const Shape* (*)(), kSlots> make_slots(std::index_sequence<I...>) {
  return {slot<I>...};
}
constexpr auto kSlotFunctions = make_slots(std::make_index_sequence<kSlots>());

Node empty(const Shape& shape) {
  switch (shape.kind) {
    case Kind::string:
    case Kind::blob: return {std::string()};
    case Kind::boolean: return {false};
    case Kind::integer: return {std::int32_t{0}};
    case Kind::long_: return {std::int64_t{0}};
    case Kind::float_:
    case Kind::double_: return {0.0};
    case Kind::timestamp: return {base::Timestamp{}};
    case Kind::document: return {wire::Document{}};
    case Kind::list: return {List{&shape, {}}};
    case Kind::map: return {Map{&shape, {}}};
    case Kind::structure: return {Structure{}};
  }
  return {};
}

void* address(Node& node) {
  return std::visit([](auto& value) { return static_cast<void*>(&value); }, node.value);
}
const void* address(const Node& node) {
  return std::visit([](const auto& value) { return static_cast<const void*>(&value); }, node.value);
}

void* mutate(void* structure, const Member& member) {
  auto& members = static_cast<Structure*>(structure)->members;
  auto found = members.find(member.name);
  if (found == members.end()) found = members.emplace(std::string(member.name), empty(*member.shape())).first;
  return address(found->second);
}
const void* read(const void* structure, const Member& member) {
  const auto& members = static_cast<const Structure*>(structure)->members;
  auto found = members.find(member.name);
  return found == members.end() ? nullptr : address(found->second);
}

std::size_t list_count(const void* list) { return static_cast<const List*>(list)->items.size(); }
void* list_append(void* list) {
  auto& l = *static_cast<List*>(list);
  return address(l.items.emplace_back(empty(*l.shape->element->shape())));
}
const void* list_at(const void* list, std::size_t index) { return address(static_cast<const List*>(list)->items[index]); }
std::size_t map_count(const void* map) { return static_cast<const Map*>(map)->items.size(); }
void* map_emplace(void* map, std::string_view key) {
  auto& m = *static_cast<Map*>(map);
  return address(m.items.try_emplace(std::string(key), empty(*m.shape->element->shape())).first->second);
}
void map_for_each(const void* map, void* context, void (*visit)(void*, const std::string&, const void*)) {
  for (const auto& [key, node] : static_cast<const Map*>(map)->items) visit(context, key, address(node));
}

bool flag(const json::object& from, const char* name) {
  auto* found = from.if_contains(name);
  return found && found->is_bool() && found->as_bool();
}
std::string text(const json::object& from, const char* name) {
  auto* found = from.if_contains(name);
  return found && found->is_string() ? std::string(found->as_string()) : std::string();
}

wire::TimeFormat time_format(const std::string& name) {
  if (name == "iso8601") return wire::TimeFormat::iso8601;
  if (name == "rfc822") return wire::TimeFormat::rfc822;
  if (name == "unixTimestamp") return wire::TimeFormat::unix_seconds;
  return wire::TimeFormat::unset;
}

Kind kind_of(const json::object& shape) {
  if (flag(shape, "document")) return Kind::document;
  static const std::map<std::string, Kind> kKinds = {
      {"string", Kind::string},   {"character", Kind::string},    {"blob", Kind::blob},    {"boolean", Kind::boolean},
      {"integer", Kind::integer}, {"long", Kind::long_},          {"float", Kind::float_}, {"double", Kind::double_},
      {"list", Kind::list},       {"timestamp", Kind::timestamp}, {"map", Kind::map},      {"structure", Kind::structure}};
  return kKinds.at(text(shape, "type"));
}

double number(const json::value& from) {
  if (from.is_string()) {
    if (from.as_string() == "NaN") return std::numeric_limits<double>::quiet_NaN();
    return from.as_string() == "Infinity" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  }
  return from.to_number<double>();
}

}  // namespace

std::string_view Model::keep(std::string value) { return strings_.emplace_back(std::move(value)); }

Member Model::member(const json::object& spec, const std::string& name) {
  std::string target = text(spec, "shape");
  const json::object& shape = shapes_json_.at(target).as_object();
  Member out;
  out.name = keep(name);
  out.wire_name = spec.contains("locationName") ? keep(text(spec, "locationName")) : out.name;
  out.query_name = keep(text(spec, "queryName"));
  static const std::map<std::string, wire::Location> kLocations = {{"header", wire::Location::header},
                                                                   {"headers", wire::Location::headers},
                                                                   {"querystring", wire::Location::query},
                                                                   {"uri", wire::Location::uri},
                                                                   {"statusCode", wire::Location::status}};
  if (auto found = kLocations.find(text(spec, "location")); found != kLocations.end()) out.location = found->second;
  out.flattened = flag(spec, "flattened") || flag(shape, "flattened");
  out.xml_attribute = flag(spec, "xmlAttribute");
  out.idempotency_token = flag(spec, "idempotencyToken");
  out.json_value = flag(spec, "jsonvalue");
  out.has_location_name = spec.contains("locationName");
  auto format = time_format(text(spec, "timestampFormat"));
  out.time_format = format != wire::TimeFormat::unset ? format : time_format(text(shape, "timestampFormat"));
  if (auto* ns = spec.if_contains("xmlNamespace")) {
    out.xml_namespace = keep(ns->is_object() ? text(ns->as_object(), "uri") : std::string(ns->as_string()));
    if (ns->is_object()) out.xml_prefix = keep(text(ns->as_object(), "prefix"));
  }
  out.shape = kSlotFunctions.at(slots_.at(target));
  out.mutate = mutate;
  out.read = read;
  return out;
}

void Model::fill(const std::string& name, Shape& shape) {
  const json::object& from = shapes_json_.at(name).as_object();
  shape.kind = kind_of(from);
  shape.name = keep(name);
  shape.location_name = keep(text(from, "locationName"));
  if (auto* ns = from.if_contains("xmlNamespace"))
    shape.xml_namespace = keep(ns->is_object() ? text(ns->as_object(), "uri") : std::string(ns->as_string()));
  if (auto* ns = from.if_contains("xmlNamespace"); ns && ns->is_object())
    shape.xml_prefix = keep(text(ns->as_object(), "prefix"));
  shape.flattened = flag(from, "flattened");
  shape.is_union = flag(from, "union");
  shape.streaming = flag(from, "streaming");
  shape.time_format = time_format(text(from, "timestampFormat"));
  shape.payload = keep(text(from, "payload"));
  if (auto* min = from.if_contains("min")) shape.min = min->to_number<std::int64_t>();
  if (auto* max = from.if_contains("max")) shape.max = max->to_number<std::int64_t>();
  if (auto* values = from.if_contains("enum")) {
    auto& list = enums_.emplace_back();
    for (const auto& value : values->as_array()) list.push_back(keep(std::string(value.as_string())));
    shape.enum_values = list;
  }
  if (shape.kind == Kind::structure) {
    auto& list = member_lists_.emplace_back();
    std::vector<std::string> required;
    if (auto* names = from.if_contains("required"))
      for (const auto& n : names->as_array()) required.emplace_back(n.as_string());
    for (const auto& [key, spec] : from.at("members").as_object()) {
      list.push_back(member(spec.as_object(), std::string(key)));
      list.back().required = std::find(required.begin(), required.end(), key) != required.end();
    }
    shape.members = list;
  } else if (shape.kind == Kind::list) {
    shape.element = &members_.emplace_back(member(from.at("member").as_object(), "member"));
    shape.count = list_count;
    shape.append = list_append;
    shape.at = list_at;
  } else if (shape.kind == Kind::map) {
    shape.key = &members_.emplace_back(member(from.at("key").as_object(), "key"));
    shape.element = &members_.emplace_back(member(from.at("value").as_object(), "value"));
    shape.count = map_count;
    shape.emplace = map_emplace;
    shape.for_each = map_for_each;
  }
}

Model::Model(const json::object& suite)
    : shapes_json_(suite.at("shapes").as_object()), metadata_(suite.at("metadata").as_object()) {
  if (shapes_json_.size() > kSlots) throw std::runtime_error("a suite has more shapes than there are slots");
  for (const auto& [name, shape] : shapes_json_) {
    std::size_t index = slots_.size();
    slots_.emplace(std::string(name), index);
    slots[index] = &shapes_.emplace_back();
  }
  for (const auto& [name, index] : slots_) fill(name, shapes_[index]);
}

Model::~Model() { slots.fill(nullptr); }

const Shape* Model::shape(const std::string& name) const { return &shapes_[slots_.at(name)]; }

wire::Operation Model::operation(const json::object& given) {
  wire::Operation out;
  out.name = keep(text(given, "name"));
  const json::object& http = given.at("http").as_object();
  out.method = keep(text(http, "method"));
  out.uri = http.contains("requestUri") ? keep(text(http, "requestUri")) : std::string_view("/");
  if (auto* status = http.if_contains("responseCode")) out.status = status->to_number<int>();
  if (auto* input = given.if_contains("input")) out.input = shape(text(input->as_object(), "shape"));
  if (auto* output = given.if_contains("output")) {
    out.output = shape(text(output->as_object(), "shape"));
    out.result_wrapper = keep(text(output->as_object(), "resultWrapper"));
  }
  if (auto* errors = given.if_contains("errors")) {
    auto& list = errors_.emplace_back();
    for (const auto& error : errors->as_array()) list.push_back(shape(text(error.as_object(), "shape")));
    out.errors = list;
  }
  out.served = true;
  out.make_request = [] { return wire::make_value(Structure{}); };
  return out;
}

Structure Model::make_structure(const Shape& shape, const json::value& from) {
  Structure out;
  if (!from.is_object()) return out;
  for (const auto& [key, value] : from.as_object()) {
    if (value.is_null()) continue;
    const Member* found = wire::find_member(shape, key);
    if (!found) throw std::runtime_error("no member " + std::string(key));
    out.members.emplace(std::string(key), make(*found, value));
  }
  return out;
}

Node Model::make(const Member& member, const json::value& from) {
  const Shape& shape = *member.shape();
  switch (shape.kind) {
    case Kind::string: return {member.json_value && !from.is_string() ? base::to_json(from) : std::string(from.as_string())};
    case Kind::blob: return {std::string(from.as_string())};
    case Kind::boolean: return {from.as_bool()};
    case Kind::integer: return {from.to_number<std::int32_t>()};
    case Kind::long_: return {from.to_number<std::int64_t>()};
    case Kind::float_:
    case Kind::double_: return {number(from)};
    case Kind::timestamp: return {base::Timestamp{std::llround(from.to_number<double>() * 1000)}};
    case Kind::document: return {wire::Document{base::to_json(from)}};
    case Kind::list: {
      List list{&shape, {}};
      for (const auto& item : from.as_array())
        if (!item.is_null()) list.items.push_back(make(*shape.element, item));
      return {list};
    }
    case Kind::map: {
      Map map{&shape, {}};
      for (const auto& [key, item] : from.as_object())
        if (!item.is_null()) map.items.emplace(std::string(key), make(*shape.element, item));
      return {map};
    }
    case Kind::structure: return {make_structure(shape, from)};
  }
  return {};
}

namespace {

std::string differs(const Member& member, const Node& node, const json::value& expected, const std::string& at);

// Nothing inside: a client may leave it out, or send it where there is nothing; the wire does not tell these apart.
bool hollow(const json::value& expected) {
  return (expected.is_array() && expected.as_array().empty()) || (expected.is_object() && expected.as_object().empty());
}
bool hollow(const Node& node) {
  auto* structure = std::get_if<Structure>(&node.value);
  return structure && structure->members.empty();
}

std::string structure_differs(const Shape& shape, const Structure& value, const json::value& expected, const std::string& at) {
  if (!expected.is_object()) return at + ": expected " + base::to_json(expected);
  const auto& object = expected.as_object();
  for (const auto& member : shape.members) {
    auto found = value.members.find(member.name);
    const json::value* wanted = object.if_contains(member.name);
    std::string here = at + "." + std::string(member.name);
    if (!wanted || wanted->is_null()) {
      if (found != value.members.end() && !member.idempotency_token && !hollow(found->second)) return here + ": not expected";
      continue;
    }
    if (found == value.members.end() && hollow(*wanted)) continue;
    if (found == value.members.end()) return here + ": missing, expected " + base::to_json(*wanted);
    if (auto difference = differs(member, found->second, *wanted, here); !difference.empty()) return difference;
  }
  return {};
}

std::string differs(const Member& member, const Node& node, const json::value& expected, const std::string& at) {
  const Shape& shape = *member.shape();
  auto unless = [&](bool same, const std::string& got) {
    return same ? std::string() : at + ": got " + got + ", expected " + base::to_json(expected);
  };
  switch (shape.kind) {
    case Kind::string: {
      const auto& got = std::get<std::string>(node.value);
      // Some cases give a jsonvalue as JSON, some as its text.
      if (member.json_value && base::parse_json(got) == expected) return {};
      if (member.json_value && expected.is_string())
        return unless(base::parse_json(got) == base::parse_json(std::string(expected.as_string())), got);
      return unless(expected.is_string() && expected.as_string() == got, got);
    }
    case Kind::blob:
      return unless(expected.is_string() && expected.as_string() == std::get<std::string>(node.value),
                    std::get<std::string>(node.value));
    case Kind::boolean: return unless(expected.is_bool() && expected.as_bool() == std::get<bool>(node.value), "the other");
    case Kind::integer:
      return unless(expected.is_number() && expected.to_number<std::int64_t>() == std::get<std::int32_t>(node.value),
                    "another number");
    case Kind::long_:
      return unless(expected.is_number() && expected.to_number<std::int64_t>() == std::get<std::int64_t>(node.value),
                    "another number");
    case Kind::float_:
    case Kind::double_: {
      double want = number(expected), got = std::get<double>(node.value);
      bool same = (std::isnan(want) && std::isnan(got)) || want == got ||
                  (shape.kind == Kind::float_ && static_cast<float>(want) == static_cast<float>(got));
      return unless(same, fmt::format("{}", got));
    }
    case Kind::timestamp: {
      auto got = std::get<base::Timestamp>(node.value).ms;
      return unless(got == std::llround(expected.to_number<double>() * 1000), std::to_string(got) + " ms");
    }
    case Kind::document: {
      const auto& got = std::get<wire::Document>(node.value).json;
      return unless(base::parse_json(got) == expected, got);
    }
    case Kind::list: {
      const auto& items = std::get<List>(node.value).items;
      if (!expected.is_array() || expected.as_array().size() != items.size())
        return unless(false, fmt::format("{} elements", items.size()));
      for (std::size_t i = 0; i < items.size(); ++i)
        if (auto difference = differs(*shape.element, items[i], expected.as_array()[i], fmt::format("{}[{}]", at, i));
            !difference.empty())
          return difference;
      return {};
    }
    case Kind::map: {
      const auto& items = std::get<Map>(node.value).items;
      if (!expected.is_object() || expected.as_object().size() != items.size())
        return unless(false, fmt::format("{} entries", items.size()));
      for (const auto& [key, item] : items) {
        auto* wanted = expected.as_object().if_contains(key);
        if (!wanted) return at + ": unexpected key " + key;
        if (auto difference = differs(*shape.element, item, *wanted, at + "{" + key + "}"); !difference.empty())
          return difference;
      }
      return {};
    }
    case Kind::structure: return structure_differs(shape, std::get<Structure>(node.value), expected, at);
  }
  return {};
}

}  // namespace

std::string difference(const Shape& shape, const Structure& value, const json::value& expected) {
  return structure_differs(shape, value, expected, "params");
}

}  // namespace lambari::dynamic
