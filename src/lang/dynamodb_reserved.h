// Words that may not stand for themselves as attribute names in expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
#pragma once

#include <string_view>

namespace lambari::lang::dynamodb {

bool is_reserved(std::string_view name);  // whatever its case

}  // namespace lambari::lang::dynamodb
