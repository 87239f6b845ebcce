// Projection expressions: which parts of an item are wanted.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
#pragma once

#include <string_view>
#include <vector>

#include "lang/dynamodb_path.h"
#include "lang/dynamodb_tokens.h"

namespace lambari::lang::dynamodb {

// For project(). Throws ExpressionError.
std::vector<Path> parse_projection(std::string_view text, Placeholders& placeholders);

// Notes two paths of one expression that lead into each other.
void check_apart(Reader& reader, const std::vector<Path>& paths, int overlap_rank, int conflict_rank);

}  // namespace lambari::lang::dynamodb
