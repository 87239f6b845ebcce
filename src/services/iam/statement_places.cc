#include "services/iam/statement_places.h"

namespace lambari::iam {

std::vector<StatementPlace> statement_places(std::string_view document) {
  std::vector<StatementPlace> out;
  std::int32_t line = 1, column = 1;
  int depth = 0;            // of braces
  int lists = 0;            // brackets opened outside of statements
  bool inside = false;      // of the value of "Statement"
  int statement_depth = 0;  // of the brace that opened a statement
  std::string_view last_text;
  StatementPlace place;
  for (std::size_t i = 0; i < document.size(); ++i) {
    const char c = document[i];
    const auto begin = i;
    if (c == '"') {
      for (++i; i < document.size() && document[i] != '"'; ++i) i += document[i] == '\\' ? 1 : 0;
      if (i >= document.size()) break;
      last_text = document.substr(begin + 1, i - begin - 1);
    } else if (c == ':' && depth == 1) {
      inside = last_text == "Statement";
    } else if (c == ',' && depth == 1 && lists == 0) {
      inside = false;
    } else if (c == '[' && depth == 1) {
      ++lists;
    } else if (c == ']' && depth == 1) {
      --lists;
    } else if (c == '{') {
      if (++depth == 2 && inside) {
        statement_depth = depth;
        place.begin_line = line;
        place.begin_column = column;
      }
    } else if (c == '}') {
      if (depth == statement_depth) {
        place.end_line = line;
        place.end_column = column + 1;
        out.push_back(place);
        statement_depth = 0;
      }
      --depth;
    }
    for (auto k = begin; k <= i; ++k) {
      if (document[k] == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
  }
  return out;
}

}  // namespace lambari::iam
