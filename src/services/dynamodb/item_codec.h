// Items as bytes. Every value says how long it is, so that one attribute is found without reading the others.
//
//   item   := format-byte { length name value }
//   value  := type-byte length bytes        lengths are base-128, least significant group first
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/dynamodb/model.h"

namespace lambari::dynamodb {

std::string encode(const Item& item);
// Bytes that were not made by encode() throw std::runtime_error: a broken invariant.
Item decode_item(std::string_view bytes);
std::optional<Value> decode_attribute(std::string_view bytes, std::string_view name);

}  // namespace lambari::dynamodb
