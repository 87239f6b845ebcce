// The constraints of the model, checked on a decoded value, reported in AWS's words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/service.h"
#include "wire/shape.h"

namespace lambari::wire {

// Throws Fault with the service's name for it: "N validation error(s) detected: ...", 400. `missing` are paths of required
// members that were absent. Without a model: ValidationException.
void check(const ServiceModel* model, const Shape& shape, const void* value, const std::vector<std::string>& missing);

}  // namespace lambari::wire
