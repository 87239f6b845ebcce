#include "lang/wildcard.h"

namespace lambari::lang {

namespace {
char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text, Case sensitivity) {
  const bool exact = sensitivity == Case::sensitive;
  std::size_t p = 0, t = 0;
  // Only the last star is ever taken back: an earlier one that matched stays matched, so no choice is tried twice.
  std::size_t star = pattern.npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || (exact ? pattern[p] == text[t] : fold(pattern[p]) == fold(text[t])))) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace lambari::lang
