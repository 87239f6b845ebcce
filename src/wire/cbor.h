// CBOR by the tables: bodies of rpc-v2-cbor. https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
#pragma once

#include <string>
#include <string_view>

#include "wire/reading.h"
#include "wire/shape.h"

namespace lambari::wire {

// Fills `value` (a structure's) from one CBOR map; `presence` is finished by the caller.
void read_cbor(std::string_view bytes, const Shape& shape, void* value, Presence& presence, Reading& reading);

void append_cbor(std::string& out, const Member& member, const void* value);
void append_cbor_text(std::string& out, std::string_view text);
void append_cbor_map(std::string& out, std::size_t pairs);
// How many members append_cbor_members will write, and those members as pairs.
std::size_t count_cbor_members(const Shape& shape, const void* value);
void append_cbor_members(std::string& out, const Shape& shape, const void* value);

}  // namespace lambari::wire
