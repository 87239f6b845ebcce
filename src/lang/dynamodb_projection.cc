#include "lang/dynamodb_projection.h"

namespace lambari::lang::dynamodb {
namespace {

enum Rank : int { reserved, undefined, overlap, conflict };

}  // namespace

void check_apart(Reader& reader, const std::vector<Path>& paths, int overlap_rank, int conflict_rank) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto found = clash(paths[j], paths[i]);
      if (found == Clash::none) continue;
      reader.note(found == Clash::overlap ? overlap_rank : conflict_rank,
                  std::string("Two document paths ") + (found == Clash::overlap ? "overlap" : "conflict") +
                      " with each other; must remove or rewrite one of these paths; path one: " + text_of(paths[j]) +
                      ", path two: " + text_of(paths[i]));
      if (found == Clash::overlap) return;
    }
  }
}

std::vector<Path> parse_projection(std::string_view text, Placeholders& placeholders) {
  Reader reader("ProjectionExpression", text, placeholders);
  reader.reserved_rank = Rank::reserved;
  reader.undefined_name_rank = reader.undefined_value_rank = Rank::undefined;
  std::vector<Path> paths;
  do {
    paths.push_back(reader.path());
  } while (reader.take_symbol(","));
  if (!reader.at_end()) reader.syntax_error();
  check_apart(reader, paths, Rank::overlap, Rank::conflict);
  reader.tell();
  return paths;
}

}  // namespace lambari::lang::dynamodb
