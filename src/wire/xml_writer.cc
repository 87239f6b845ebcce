#include "wire/rest.h"
#include "wire/scalar.h"
#include "wire/xml.h"

namespace lambari::wire {
namespace {

void open(std::string& out, std::string_view name, const Member& member) {
  out += '<';
  out += name;
  const Shape& shape = *member.shape();
  if (!member.xml_namespace.empty())
    append_xml_namespace(out, member.xml_namespace, member.xml_prefix);
  else if (shape.kind == Kind::structure)
    append_xml_namespace(out, shape.xml_namespace, shape.xml_prefix);
}

void close(std::string& out, std::string_view name) {
  out += "</";
  out += name;
  out += '>';
}

void append_named(std::string& out, std::string_view name, const Member& member, const void* value);

struct EntryWriter {
  std::string& out;
  const Member& member;
  const Shape& map;
  std::string_view entry;
  bool flat;
};

void append_map(std::string& out, std::string_view name, const Member& member, const void* value) {
  const Shape& shape = *member.shape();
  bool flat = member.flattened || shape.flattened;
  if (!flat) {
    open(out, name, member);
    out += '>';
  }
  EntryWriter writer{out, member, shape, flat ? name : "entry", flat};
  shape.for_each(value, &writer, [](void* context, const std::string& key, const void* item) {
    auto& w = *static_cast<EntryWriter*>(context);
    if (w.flat)
      open(w.out, w.entry, w.member);
    else
      (w.out += '<') += w.entry;
    w.out += '>';
    append_named(w.out, w.map.key->wire_name, *w.map.key, &key);
    append_named(w.out, w.map.element->wire_name, *w.map.element, item);
    close(w.out, w.entry);
  });
  if (!flat) close(out, name);
}

void append_list(std::string& out, std::string_view name, const Member& member, const void* value) {
  const Shape& shape = *member.shape();
  const Member& element = *shape.element;
  bool flat = member.flattened || shape.flattened;
  std::size_t count = shape.count(value);
  if (flat) {
    for (std::size_t i = 0; i < count; ++i) append_named(out, name, element, shape.at(value, i));
    return;
  }
  open(out, name, member);
  out += '>';
  for (std::size_t i = 0; i < count; ++i) append_named(out, element.wire_name, element, shape.at(value, i));
  close(out, name);
}

void append_value(std::string& out, std::string_view name, const Member& member, const void* value) {
  const Shape& shape = *member.shape();
  open(out, name, member);
  if (shape.kind == Kind::structure) {
    append_xml_attributes(out, shape, value);
    out += '>';
    append_xml_members(out, shape, value, false);
  } else {
    out += '>';
    std::string text;
    append_scalar(text, member, value, TimeFormat::iso8601);
    append_xml_text(out, text);
  }
  close(out, name);
}

void append_named(std::string& out, std::string_view name, const Member& member, const void* value) {
  switch (member.shape()->kind) {
    case Kind::list: return append_list(out, name, member, value);
    case Kind::map: return append_map(out, name, member, value);
    default: return append_value(out, name, member, value);
  }
}

}  // namespace

void append_xml_namespace(std::string& out, std::string_view uri, std::string_view prefix) {
  if (uri.empty()) return;
  out += " xmlns";
  if (!prefix.empty()) (out += ':') += prefix;
  out += "=\"";
  append_xml_text(out, uri);
  out += '"';
}

void append_xml_text(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\r': out += "&#xD;"; break;  // a parser would make it a line feed
      default:
        // XML 1.0 has no other control characters, not even escaped.
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
          out += "\xEF\xBF\xBD";
        else
          out += c;
    }
  }
}

void append_xml_element(std::string& out, std::string_view name, std::string_view text) {
  (out += '<') += name;
  out += '>';
  append_xml_text(out, text);
  close(out, name);
}

void append_xml_attributes(std::string& out, const Shape& shape, const void* value) {
  for (const auto& member : shape.members) {
    const void* item = member.xml_attribute ? member.read(value, member) : nullptr;
    if (!item) continue;
    (out += ' ') += member.wire_name;
    out += "=\"";
    std::string text;
    append_scalar(text, member, item, TimeFormat::iso8601);
    append_xml_text(out, text);
    out += '"';
  }
}

void append_xml_members(std::string& out, const Shape& shape, const void* value, bool top) {
  for (const auto& member : shape.members) {
    if ((top && !in_response_body(member)) || member.xml_attribute) continue;
    if (const void* item = member.read(value, member)) append_xml(out, member, item);
  }
}

void append_xml(std::string& out, const Member& member, const void* value) { append_named(out, member.wire_name, member, value); }

}  // namespace lambari::wire
