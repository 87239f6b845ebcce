#include "lang/policy_pattern.h"

#include "base/text.h"

namespace lambari::lang {

namespace {

constexpr char16_t kAny = 0x100, kOne = 0x101;

char16_t fold(char16_t c) { return c >= 'A' && c <= 'Z' ? static_cast<char16_t>(c + 32) : c; }
char16_t byte(char c) { return static_cast<unsigned char>(c); }

// As wildcard_match, over symbols.
bool match_symbols(const std::u16string& pattern, std::string_view text, bool exact) {
  std::size_t p = 0, t = 0, star = pattern.npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kAny) {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() &&
               (pattern[p] == kOne || (exact ? pattern[p] == byte(text[t]) : fold(pattern[p]) == fold(byte(text[t]))))) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kAny) ++p;
  return p == pattern.size();
}

std::string_view unquote(std::string_view text) {
  text = base::trim(text);
  if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

PolicyPattern::PolicyPattern(std::string_view text, Wildcards wildcards, bool variables) : text_(text) {
  const bool wild = wildcards == Wildcards::yes && text.find_first_of("*?") != text.npos;
  if (!variables || text.find("${") == text.npos) {
    form_ = wild ? Form::wildcard : Form::exact;
    return;
  }
  form_ = Form::parts;
  Part part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      const auto close = text.find('}', i);
      if (close == text.npos) throw PolicyError("Syntax errors in policy.");
      const auto inside = text.substr(i + 2, close - i - 2);
      i = close;
      if (inside == "*" || inside == "?" || inside == "$") {
        part.symbols.push_back(byte(inside[0]));
        continue;
      }
      const auto [name, fallback] = base::cut(inside, ',');
      part.variable = std::string(base::trim(name));
      if (part.variable.empty()) throw PolicyError("Syntax errors in policy.");
      if (inside.find(',') != inside.npos) part.fallback = std::string(unquote(fallback));
      parts_.push_back(std::move(part));
      part = {};
      continue;
    }
    const bool star = wildcards == Wildcards::yes && text[i] == '*', one = wildcards == Wildcards::yes && text[i] == '?';
    part.symbols.push_back(star ? kAny : one ? kOne : byte(text[i]));
  }
  if (!part.symbols.empty()) parts_.push_back(std::move(part));
}

bool PolicyPattern::build(const PolicyContext& context, std::u16string& out) const {
  std::vector<std::string_view> values;
  for (const auto& part : parts_) {
    out += part.symbols;
    if (part.variable.empty()) continue;
    values.clear();
    if (context.find(part.variable, values) && values.size() == 1) {
      for (const char c : values.front()) out.push_back(byte(c));
    } else if (values.empty() && part.fallback) {
      for (const char c : *part.fallback) out.push_back(byte(c));
    } else {
      return false;
    }
  }
  return true;
}

bool PolicyPattern::matches(std::string_view text, const PolicyContext& context, Case sensitivity) const {
  switch (form_) {
    case Form::exact: return sensitivity == Case::sensitive ? text_ == text : base::iequals(text_, text);
    case Form::wildcard: return wildcard_match(text_, text, sensitivity);
    case Form::parts: {
      std::u16string symbols;
      return build(context, symbols) && match_symbols(symbols, text, sensitivity == Case::sensitive);
    }
  }
  return false;
}

std::optional<std::string> PolicyPattern::expand(const PolicyContext& context) const {
  if (form_ != Form::parts) return text_;
  std::u16string symbols;
  if (!build(context, symbols)) return std::nullopt;
  std::string out;
  for (const auto symbol : symbols) out.push_back(symbol == kAny ? '*' : symbol == kOne ? '?' : static_cast<char>(symbol));
  return out;
}

}  // namespace lambari::lang
