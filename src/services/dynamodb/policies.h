// Resource policies of tables and streams.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
#pragma once

#include <string>
#include <string_view>

#include "services/dynamodb/state.h"

namespace lambari::dynamodb {

struct Policy {
  std::string document;
  std::string revision;
};

std::string encode(const Policy& policy);
Policy decode_policy(std::string_view row);

// Throws ValidationException unless it is a policy document of a resource.
void check_policy(const std::string& document);
// Greater than those before.
std::string new_revision(State& state);

}  // namespace lambari::dynamodb
