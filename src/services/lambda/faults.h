// How this room refuses: AWS's exceptions with the members that AWS fills.
#pragma once

#include <string>
#include <utility>

#include "aws/lambda/types.h"
#include "wire/fault.h"

namespace lambari::lambda {

// Every modelled exception carries Type beside its message; for what the caller can mend it is "User".
template <class Exception>
[[noreturn]] void refuse(std::string message) {
  Exception fault(std::move(message));
  fault.fields.Type = "User";
  throw fault;
}

[[noreturn]] inline void invalid(std::string message) { refuse<aws::lambda::InvalidParameterValueException>(std::move(message)); }

// What a client asked for is real in AWS but not here yet. Never accepted and ignored.
[[noreturn]] inline void not_here(std::string_view what) { invalid(std::string(what) + " is not supported by lambari yet."); }

// As AWS's front line says it, before the service is reached.
[[noreturn]] inline void violates(std::string_view value, std::string_view member, std::string_view constraint) {
  throw wire::Fault("ValidationException",
                    "1 validation error detected: Value '" + std::string(value) + "' at '" + std::string(member) +
                        "' failed to satisfy constraint: " + std::string(constraint),
                    400);
}

[[noreturn]] inline void refuse_runtime_of_image() {
  invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.");
}

}  // namespace lambari::lambda
