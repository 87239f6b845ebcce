// What IAM is asked before each operation: the action and the resources that the request names.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
#pragma once

#include "contracts/identity.h"
#include "services/lambda/house.h"
#include "wire/service.h"

namespace lambari::lambda {

// Throws the fault of a name that is none.
contracts::AccessRequest access_of(House& house, const wire::Call& call, const wire::Operation& operation, const void* request);

}  // namespace lambari::lambda
