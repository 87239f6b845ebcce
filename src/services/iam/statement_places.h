// Where the statements of a policy document stand in its text: lines and columns from 1, as SimulatePrincipalPolicy tells them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lambari::iam {

struct StatementPlace {
  std::int32_t begin_line = 1, begin_column = 1;
  std::int32_t end_line = 1, end_column = 1;  // after its last character
};

// `document` is known to be a policy.
std::vector<StatementPlace> statement_places(std::string_view document);

}  // namespace lambari::iam
