// XML by the tables: bodies of rest-xml, results of query and ec2.
#pragma once

#include <string>
#include <string_view>

#include "wire/reading.h"
#include "wire/shape.h"

namespace pugi {
class xml_node;
}

namespace lambari::wire {

// Fills `value` (a structure's) from the root element of `text`, whatever that is called; `presence` is finished by the caller.
void read_xml(std::string& text, const Shape& shape, void* value, Presence& presence, Reading& reading);
// The same from an element that is already parsed.
void read_xml(const pugi::xml_node& from, const Shape& shape, void* value, Presence& presence, Reading& reading);

void append_xml_text(std::string& out, std::string_view text);
void append_xml_element(std::string& out, std::string_view name, std::string_view text);
// A member as elements under its wire name.
void append_xml(std::string& out, const Member& member, const void* value);
// The members of a structure, without an element around them. At the top what goes elsewhere than the body is left out;
// below it bindings mean nothing.
void append_xml_members(std::string& out, const Shape& shape, const void* value, bool top = true);
// ' name="value"' for members that are attributes.
void append_xml_attributes(std::string& out, const Shape& shape, const void* value);
// ' xmlns="uri"', or ' xmlns:prefix="uri"'; nothing for an empty uri.
void append_xml_namespace(std::string& out, std::string_view uri, std::string_view prefix = {});

}  // namespace lambari::wire
