// Faults that every service has, under the names that its protocol uses, and what services call a request that the model forbids.
#pragma once

#include <string_view>

#include "wire/service.h"

namespace lambari::wire {

// "SignatureDoesNotMatch" is InvalidSignatureException in JSON protocols. Other codes stay as they are.
std::string_view common_code(std::string_view code, Protocol protocol);

// "ValidationException" or the service's own name.
std::string_view validation_code(const ServiceModel& model);

}  // namespace lambari::wire
