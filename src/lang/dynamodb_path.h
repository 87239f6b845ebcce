// Document paths: where in an item a value lies. "a.b[2].c"
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lang/dynamodb_value.h"

namespace lambari::lang::dynamodb {

using PathElement = std::variant<std::string, std::size_t>;  // of a map, of a list
using Path = std::vector<PathElement>;                       // the first is the name of an attribute

std::string text_of(const Path& path);  // as error messages spell it: "[a, b, [2], c]"

// nullptr when nothing lies there.
const Value* find(const Item& item, const Path& path);

// What two paths are to each other.
enum class Clash {
  none,
  overlap,   // one leads into the other, or they are the same
  conflict,  // one takes a map where the other takes a list
};
Clash clash(const Path& a, const Path& b);

// The paths of a projection, cut out of an item: maps keep what was asked for, lists close their gaps.
Item project(const Item& item, const std::vector<Path>& paths);

}  // namespace lambari::lang::dynamodb
