#include "lang/dynamodb_tokens.h"

#include <algorithm>

#include "lang/dynamodb_reserved.h"

namespace lambari::lang::dynamodb {
namespace {

constexpr std::size_t kMaxExpression = 4096;  // bytes
constexpr std::size_t kMaxIndexDigits = 9;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x & ~0x20) == (y & ~0x20); });
}

}  // namespace

Placeholders::Placeholders(std::map<std::string, std::string> names, std::map<std::string, Value> values)
    : names_(std::move(names)), values_(std::move(values)) {
  for (const auto& [name, attribute] : names_) unused_names_.insert(name);
  for (const auto& [name, value] : values_) unused_values_.insert(name);
}

const std::string* Placeholders::name(const std::string& placeholder) {
  const auto it = names_.find(placeholder);
  if (it == names_.end()) return nullptr;
  unused_names_.erase(placeholder);
  return &it->second;
}

const Value* Placeholders::value(const std::string& placeholder) {
  const auto it = values_.find(placeholder);
  if (it == values_.end()) return nullptr;
  unused_values_.erase(placeholder);
  return &it->second;
}

Reader::Reader(std::string_view kind, std::string_view text, Placeholders& placeholders)
    : kind_(kind), text_(text), placeholders_(placeholders) {
  if (text.empty()) fail("The expression can not be empty;");
  if (text.size() > kMaxExpression) {
    fail("Expression size has exceeded the maximum allowed size; expression size: " + std::to_string(text.size()));
  }
  tokenize(text_);
}

void Reader::tokenize(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    Token token;
    token.begin = i;
    const auto run = [&](auto&& belongs) {
      while (i < text.size() && belongs(text[i])) ++i;
    };
    if (is_alpha(text[i])) {
      token.kind = Token::Kind::word;
      run([](char c) { return is_alpha(c) || is_digit(c); });
    } else if (is_digit(text[i])) {
      token.kind = Token::Kind::number;
      run(is_digit);
    } else if ((text[i] == '#' || text[i] == ':') && i + 1 < text.size() && (is_alpha(text[i + 1]) || is_digit(text[i + 1]))) {
      token.kind = text[i] == '#' ? Token::Kind::name : Token::Kind::value;
      ++i;
      run([](char c) { return is_alpha(c) || is_digit(c); });
    } else {
      token.kind = Token::Kind::symbol;
      const auto two = text.substr(i, 2);
      i += two == "<>" || two == "<=" || two == ">=" ? 2 : 1;
    }
    token.end = i;
    token.text = text.substr(token.begin, token.end - token.begin);
    tokens_.push_back(std::move(token));
  }
  tokens_.push_back({Token::Kind::end, "<EOF>", text.size(), text.size()});
  for (const auto& token : tokens_) {
    static constexpr std::string_view kSymbols = "=<>()[].,+-";
    if (token.kind == Token::Kind::symbol && kSymbols.find(token.text[0]) == std::string_view::npos) syntax_error();
    ++at_;
  }
  at_ = 0;
}

Token Reader::take() {
  auto token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Reader::take_symbol(std::string_view symbol) {
  if (peek().kind != Token::Kind::symbol || peek().text != symbol) return false;
  take();
  return true;
}

bool Reader::at_word(std::string_view keyword, std::size_t ahead) const {
  return peek(ahead).kind == Token::Kind::word && same_word(peek(ahead).text, keyword);
}

bool Reader::take_word(std::string_view keyword) {
  if (!at_word(keyword)) return false;
  take();
  return true;
}

void Reader::need_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) syntax_error();
}

// "near" goes from the token before to the token after.
void Reader::syntax_error() const {
  const auto at = std::min(at_, tokens_.size() - 1);
  const auto first = at > 0 ? at - 1 : 0, last = std::min(at + 1, tokens_.size() - 1);
  const auto begin = tokens_[first].begin, end = tokens_[last].end;
  fail("Syntax error; token: \"" + tokens_[at].text + "\", near: \"" + text_.substr(begin, end - begin) + "\"");
}

PathElement Reader::element(const Token& token) {
  if (token.kind == Token::Kind::word) {
    if (is_reserved(token.text)) {
      note(reserved_rank, "Attribute name is a reserved keyword; reserved keyword: " + token.text);
    }
    return token.text;
  }
  if (const auto* name = placeholders_.name(token.text)) return *name;
  note(undefined_name_rank,
       "An expression attribute name used in the document path is not defined; attribute name: " + token.text);
  return token.text;
}

Path Reader::path() {
  const auto name = [&] {
    if (peek().kind != Token::Kind::word && peek().kind != Token::Kind::name) syntax_error();
    return element(take());
  };
  Path out{name()};
  for (;;) {
    if (take_symbol(".")) {
      out.push_back(name());
    } else if (take_symbol("[")) {
      if (peek().kind != Token::Kind::number || peek().text.size() > kMaxIndexDigits) syntax_error();
      out.emplace_back(static_cast<std::size_t>(std::stoul(take().text)));
      need_symbol("]");
    } else {
      return out;
    }
  }
}

const Value* Reader::value(const Token& token) {
  const auto* found = placeholders_.value(token.text);
  if (found == nullptr) {
    note(undefined_value_rank, "An expression attribute value used in expression is not defined; attribute value: " + token.text);
  }
  return found;
}

void Reader::note(int rank, std::string message) { findings_.try_emplace(rank, std::move(message)); }

void Reader::tell() const {
  if (!findings_.empty()) fail(findings_.begin()->second);
}

void Reader::fail(const std::string& message) const { throw ExpressionError("Invalid " + kind_ + ": " + message); }

}  // namespace lambari::lang::dynamodb
