#include <pugixml.hpp>

#include "wire/scalar.h"
#include "wire/xml.h"

namespace lambari::wire {
namespace {

std::string_view local_name(std::string_view name) {
  auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool is_element(const pugi::xml_node& node) { return node.type() == pugi::node_element; }

std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const auto& child : node.children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  return text;
}

class Reader {
 public:
  explicit Reader(Reading& reading) : reading_(reading) {}

  void members(const pugi::xml_node& from, const Shape& shape, void* value, Presence& presence, const Path& at, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    for (const auto& attribute : from.attributes()) {
      std::string_view name = attribute.name();
      for (const auto& member : shape.members) {
        if (!member.xml_attribute || (member.wire_name != name && local_name(member.wire_name) != local_name(name))) continue;
        presence.mark(member);
        parse_scalar(attribute.value(), member, member.mutate(value, member), TimeFormat::iso8601);
      }
    }
    MemberFinder finder(shape);
    for (const auto& child : from.children()) {
      if (!is_element(child)) continue;
      std::string_view name = local_name(child.name());
      const Member* member = finder.find([&](const Member& m) {
        return (depth > 0 || m.location == Location::body) && !m.xml_attribute && local_name(m.wire_name) == name;
      });
      // Some clients name a flattened list by its element.
      if (!member)
        member = finder.find(
            [&](const Member& m) { return (depth > 0 || m.location == Location::body) && named_by_element(m, name); });
      if (!member) continue;
      Path here{&at, member->name};
      void* item = member->mutate(value, *member);
      const Shape& target = *member->shape();
      if (!flat(*member)) {
        presence.mark(*member);
        read(child, *member, item, here, depth);
      } else {
        if (!presence.has(static_cast<std::size_t>(member - shape.members.data()))) presence.mark(*member);
        if (target.kind == Kind::list)
          element(child, target, item, here, depth);
        else
          entry(child, target, item, here, depth);
      }
    }
  }

 private:
  static bool flat(const Member& member) {
    Kind kind = member.shape()->kind;
    return (kind == Kind::list || kind == Kind::map) && (member.flattened || member.shape()->flattened);
  }

  static bool named_by_element(const Member& member, std::string_view name) {
    const Shape& shape = *member.shape();
    return shape.kind == Kind::list && flat(member) && shape.element->has_location_name &&
           local_name(shape.element->wire_name) == name;
  }

  void read(const pugi::xml_node& from, const Member& member, void* value, const Path& at, int depth) {
    const Shape& shape = *member.shape();
    switch (shape.kind) {
      case Kind::list:
        for (const auto& child : from.children())
          if (is_element(child)) element(child, shape, value, at, depth);
        return;
      case Kind::map:
        for (const auto& child : from.children())
          if (is_element(child)) entry(child, shape, value, at, depth);
        return;
      case Kind::structure: {
        Presence presence(shape);
        members(from, shape, value, presence, at, depth + 1);
        presence.finish(value, at, reading_);
        return;
      }
      default: return parse_scalar(text_of(from), member, value, TimeFormat::iso8601);
    }
  }

  void element(const pugi::xml_node& from, const Shape& list, void* value, const Path& at, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    reading_.count_element();
    void* item = list.append(value);
    read(from, *list.element, item, Path{&at, {}, list.count(value)}, depth + 1);
  }

  void entry(const pugi::xml_node& from, const Shape& map, void* value, const Path& at, int depth) {
    if (depth > kMaxDepth) refuse("Request is nested too deeply");
    reading_.count_element();
    pugi::xml_node key, item;
    for (const auto& child : from.children()) {
      if (!is_element(child)) continue;
      auto name = local_name(child.name());
      if (name == local_name(map.key->wire_name))
        key = child;
      else if (name == local_name(map.element->wire_name))
        item = child;
    }
    if (!key) refuse("Map entry without a key");
    if (!item) return;
    std::string name = text_of(key);
    read(item, *map.element, map.emplace(value, name), Path{&at, name, 0, true}, depth + 1);
  }

  Reading& reading_;
};

}  // namespace

void read_xml(const pugi::xml_node& from, const Shape& shape, void* value, Presence& presence, Reading& reading) {
  Reader(reading).members(from, shape, value, presence, Path{}, 0);
}

void read_xml(std::string& text, const Shape& shape, void* value, Presence& presence, Reading& reading) {
  pugi::xml_document document;
  // Entities beyond the five of XML are not expanded: pugixml reads no DTD.
  auto result = document.load_buffer_inplace(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata_single,
                                             pugi::encoding_utf8);
  if (!result) refuse("Request body is not well-formed XML");
  read_xml(document.document_element(), shape, value, presence, reading);
}

}  // namespace lambari::wire
