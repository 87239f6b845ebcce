// The constraints of the model, checked on a decoded value, reported in AWS's words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/shape.h"

namespace lambari::wire {

// Throws Fault(`code`, "N validation error(s) detected: ...", 400). `missing` are paths of required members that were absent.
void check(std::string_view code, const Shape& shape, const void* value, const std::vector<std::string>& missing);

}  // namespace lambari::wire
