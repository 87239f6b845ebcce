// What the three kinds of DynamoDB expressions share: words, placeholders, and how errors are told.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lang/dynamodb_path.h"

namespace lambari::lang::dynamodb {

// what() is AWS's message, "Invalid <kind>: ..." included.
struct ExpressionError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// The placeholders of a request, and which of them no expression has used so far.
class Placeholders {
 public:
  // Names with their '#', values with their ':'.
  Placeholders(std::map<std::string, std::string> names, std::map<std::string, Value> values);

  const std::string* name(const std::string& placeholder);
  const Value* value(const std::string& placeholder);

  const std::set<std::string>& unused_names() const { return unused_names_; }
  const std::set<std::string>& unused_values() const { return unused_values_; }

 private:
  const std::map<std::string, std::string> names_;
  const std::map<std::string, Value> values_;
  std::set<std::string> unused_names_, unused_values_;
};

struct Token {
  enum class Kind { word, name, value, number, symbol, end };
  Kind kind = Kind::end;
  std::string text;  // of `end`: "<EOF>"
  std::size_t begin = 0, end = 0;
};

// Reads one expression, token by token. What is wrong with it in meaning is collected, and the gravest is told once the whole
// has been read; what is wrong in syntax is told at once.
class Reader {
 public:
  // Throws ExpressionError when `text` is empty, too long, or has characters that no expression has.
  Reader(std::string_view kind, std::string_view text, Placeholders& placeholders);

  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  Token take();
  bool take_symbol(std::string_view symbol);
  bool at_word(std::string_view keyword, std::size_t ahead = 0) const;  // whatever its case
  bool take_word(std::string_view keyword);
  void need_symbol(std::string_view symbol);
  std::size_t position() const { return at_; }  // in tokens
  bool at_end() const { return peek().kind == Token::Kind::end; }
  [[noreturn]] void syntax_error() const;  // at the next token

  Path path();                             // "a.b[1]", "#n.c"
  const Value* value(const Token& token);  // nullptr, and noted, when it is not defined

  // Of several findings the one with the lowest rank is told; of the same rank the first.
  void note(int rank, std::string message);
  void tell() const;  // throws ExpressionError if something was noted
  [[noreturn]] void fail(const std::string& message) const;

  // Ranks differ from kind to kind of expression.
  int reserved_rank = 0, undefined_name_rank = 1, undefined_value_rank = 2;

 private:
  void tokenize(std::string_view text);
  PathElement element(const Token& token);

  const std::string kind_, text_;
  Placeholders& placeholders_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::map<int, std::string> findings_;
};

}  // namespace lambari::lang::dynamodb
