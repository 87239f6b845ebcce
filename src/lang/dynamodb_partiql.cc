#include "lang/dynamodb_partiql.h"

#include <algorithm>
#include <array>

namespace lambari::lang::dynamodb {
namespace {

using Kind = Condition::Kind;

constexpr std::size_t kMaxStatement = 8192;  // bytes
constexpr int kMaxDepth = 50;
constexpr std::size_t kMaxIndexDigits = 9;

[[noreturn]] void malformed(const std::string& what) {
  throw StatementError("Statement wasn't well formed, can't be processed: " + what);
}

struct Word {
  enum class Kind { word, quoted, text, number, symbol, end };
  Kind kind = Kind::end;
  std::string text;
};

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> out;
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (is_space(c)) {
      ++i;
      continue;
    }
    Word word;
    const auto run = [&](auto&& belongs) {
      while (i < text.size() && belongs(text[i])) word.text += text[i++];
    };
    if (is_alpha(c)) {
      word.kind = Word::Kind::word;
      run([](char d) { return is_alpha(d) || is_digit(d); });
    } else if (is_digit(c) || (c == '.' && i + 1 < text.size() && is_digit(text[i + 1]))) {
      word.kind = Word::Kind::number;
      run([](char d) { return is_digit(d) || d == '.'; });
      if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        word.text += text[i++];
        if (i < text.size() && (text[i] == '+' || text[i] == '-')) word.text += text[i++];
        run(is_digit);
      }
    } else if (c == '"' || c == '\'') {
      word.kind = c == '"' ? Word::Kind::quoted : Word::Kind::text;
      for (++i;; ++i) {
        if (i >= text.size()) malformed("unterminated quotation");
        if (text[i] != c) {
          word.text += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == c) {  // a doubled quote is one
          word.text += c;
          ++i;
        } else {
          ++i;
          break;
        }
      }
    } else {
      static constexpr std::array<std::string_view, 6> kPairs{"<<", ">>", "<>", "<=", ">=", "!="};
      word.kind = Word::Kind::symbol;
      const auto two = text.substr(i, 2);
      const bool pair = std::find(kPairs.begin(), kPairs.end(), two) != kPairs.end();
      word.text = pair ? two : text.substr(i, 1);
      i += word.text.size();
      if (!pair && std::string_view("=<>()[]{}.,:?*+-;").find(c) == std::string_view::npos) malformed("Unexpected character");
    }
    out.push_back(std::move(word));
  }
  out.push_back({});
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, const std::vector<Value>& parameters) : words_(words_of(text)), parameters_(parameters) {}

  Statement whole() {
    if (take("SELECT")) {
      select();
    } else if (take("INSERT")) {
      insert();
    } else if (take("UPDATE")) {
      update();
    } else if (take("DELETE")) {
      erase();
    } else {
      malformed("Expected SELECT, INSERT, UPDATE or DELETE");
    }
    take_symbol(";");
    if (peek().kind != Word::Kind::end) malformed("Unexpected token: " + peek().text);
    if (used_ != parameters_.size()) {
      throw StatementError("Number of parameters in request and statement don't match.");
    }
    return std::move(out_);
  }

 private:
  // ---- words ----
  const Word& peek(std::size_t ahead = 0) const { return words_[std::min(at_ + ahead, words_.size() - 1)]; }
  Word next() {
    auto word = peek();
    if (at_ + 1 < words_.size()) ++at_;
    return word;
  }
  bool at(std::string_view keyword, std::size_t ahead = 0) const {
    return peek(ahead).kind == Word::Kind::word && upper(peek(ahead).text) == keyword;
  }
  bool take(std::string_view keyword) {
    if (!at(keyword)) return false;
    next();
    return true;
  }
  void need(std::string_view keyword) {
    if (!take(keyword)) malformed("Expected " + std::string(keyword));
  }
  bool at_symbol(std::string_view symbol) const { return peek().kind == Word::Kind::symbol && peek().text == symbol; }
  bool take_symbol(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    next();
    return true;
  }
  void need_symbol(std::string_view symbol) {
    if (!take_symbol(symbol)) malformed("Expected '" + std::string(symbol) + "'");
  }
  std::string identifier() {
    if (peek().kind != Word::Kind::word && peek().kind != Word::Kind::quoted) malformed("Expected identifier");
    return next().text;
  }
  struct Deeper {
    explicit Deeper(int& depth) : depth(depth) {
      if (++depth > kMaxDepth) malformed("nested too deep");
    }
    ~Deeper() { --depth; }
    int& depth;
  };

  // ---- statements ----
  void select() {
    if (!take_symbol("*")) {
      out_.paths.emplace();
      do {
        out_.paths->push_back(path());
      } while (take_symbol(","));
    }
    need("FROM");
    out_.table = identifier();
    if (take_symbol(".")) out_.index = identifier();
    if (take("WHERE")) out_.where = disjunction();
    if (take("ORDER")) {
      need("BY");
      do {
        out_.order_by = identifier();
        out_.descending = take("DESC");
        if (!out_.descending) take("ASC");
      } while (take_symbol(","));
    }
  }

  void insert() {
    out_.kind = Statement::Kind::insert;
    need("INTO");
    out_.table = identifier();
    need("VALUE");
    auto value = literal();
    if (value.map() == nullptr) malformed("Expected a tuple after VALUE");
    out_.item = std::move(*value.map());
    if (take("ON")) {
      need("CONFLICT");
      need("DO");
      need("NOTHING");
      out_.or_nothing = true;
    }
  }

  void update() {
    out_.kind = Statement::Kind::update;
    out_.table = identifier();
    bool any = false;
    for (; at("SET") || at("REMOVE"); any = true) {
      const bool set = at("SET");
      next();
      do {
        auto where = path();
        if (!set) {
          out_.update.remove.push_back(std::move(where));
          continue;
        }
        need_symbol("=");
        assign(std::move(where));
      } while (take_symbol(","));
    }
    if (!any) malformed("Expected SET or REMOVE");
    need("WHERE");
    out_.where = disjunction();
    returning();
  }

  void erase() {
    out_.kind = Statement::Kind::erase;
    need("FROM");
    out_.table = identifier();
    need("WHERE");
    out_.where = disjunction();
    returning();
  }

  void returning() {
    if (!take("RETURNING")) return;
    const bool all = take("ALL");
    if (!all) need("MODIFIED");
    const bool old = take("OLD");
    if (!old) need("NEW");
    need_symbol("*");
    out_.returning = std::string(all ? "ALL_" : "UPDATED_") + (old ? "OLD" : "NEW");
  }

  void assign(Path where) {
    // set_add(path, <<...>>) and set_delete(path, <<...>>) change sets in place.
    for (const auto& [name, changes] : {std::pair{"SET_ADD", &out_.update.add}, std::pair{"SET_DELETE", &out_.update.erase}}) {
      if (!at(name)) continue;
      next();
      need_symbol("(");
      if (path() != where) malformed("the first argument must be the attribute that is set");
      need_symbol(",");
      changes->push_back({std::move(where), literal()});
      need_symbol(")");
      return;
    }
    out_.update.set.push_back({std::move(where), sum()});
  }

  UpdateOperand sum() {
    auto left = term();
    for (const auto& [symbol, kind] : {std::pair{"+", UpdateOperand::Kind::plus}, std::pair{"-", UpdateOperand::Kind::minus}}) {
      if (!take_symbol(symbol)) continue;
      std::vector<UpdateOperand> both;
      both.push_back(std::move(left));
      both.push_back(term());
      return {kind, {}, {}, std::move(both)};
    }
    return left;
  }

  UpdateOperand term() {
    const Deeper deeper(depth_);
    const bool call = peek().kind == Word::Kind::word && peek(1).kind == Word::Kind::symbol && peek(1).text == "(";
    if (call) {
      const auto name = upper(next().text);
      if (name != "LIST_APPEND" && name != "IF_NOT_EXISTS") malformed("Unknown function: " + name);
      need_symbol("(");
      std::vector<UpdateOperand> both;
      both.push_back(term());
      need_symbol(",");
      both.push_back(term());
      need_symbol(")");
      const bool append = name == "LIST_APPEND";
      if (!append && both[0].kind != UpdateOperand::Kind::path) malformed("IF_NOT_EXISTS takes a path");
      return {append ? UpdateOperand::Kind::list_append : UpdateOperand::Kind::if_not_exists, {}, {}, std::move(both)};
    }
    if (at_literal()) return {UpdateOperand::Kind::value, {}, literal(), {}};
    return {UpdateOperand::Kind::path, path(), {}, {}};
  }

  // ---- paths and values ----
  Path path() {
    Path out{identifier()};
    for (;;) {
      if (take_symbol(".")) {
        out.emplace_back(identifier());
      } else if (take_symbol("[")) {
        if (peek().kind == Word::Kind::text) {
          out.emplace_back(next().text);
        } else {
          const auto& digits = peek().text;
          const bool whole = std::all_of(digits.begin(), digits.end(), is_digit);
          if (peek().kind != Word::Kind::number || !whole || digits.size() > kMaxIndexDigits) malformed("Expected an index");
          out.emplace_back(static_cast<std::size_t>(std::stoul(next().text)));
        }
        need_symbol("]");
      } else {
        return out;
      }
    }
  }

  bool at_literal() const {
    switch (peek().kind) {
      case Word::Kind::text:
      case Word::Kind::number: return true;
      case Word::Kind::symbol: {
        static constexpr std::array<std::string_view, 5> kStarts{"?", "[", "{", "<<", "-"};
        return std::find(kStarts.begin(), kStarts.end(), peek().text) != kStarts.end();
      }
      default: return at("TRUE") || at("FALSE") || at("NULL");
    }
  }

  Value literal() {
    const Deeper deeper(depth_);
    if (peek().kind == Word::Kind::text) return {next().text};
    if (peek().kind == Word::Kind::number) return {Number::parse(next().text)};
    if (take("TRUE")) return {true};
    if (take("FALSE")) return {false};
    if (take("NULL")) return {Null{}};
    if (take_symbol("?")) {
      if (used_ >= parameters_.size()) throw StatementError("Number of parameters in request and statement don't match.");
      return parameters_[used_++];
    }
    if (take_symbol("-")) {
      if (peek().kind != Word::Kind::number) malformed("Expected a number");
      return {Number::parse("-" + next().text)};
    }
    if (take_symbol("[")) {
      List list;
      if (take_symbol("]")) return {std::move(list)};
      do {
        list.push_back(literal());
      } while (take_symbol(","));
      need_symbol("]");
      return {std::move(list)};
    }
    if (take_symbol("<<")) return set();
    need_symbol("{");
    Map map;
    if (take_symbol("}")) return {std::move(map)};
    do {
      if (peek().kind != Word::Kind::text) malformed("Expected a name in single quotes");
      auto name = next().text;
      need_symbol(":");
      if (!map.emplace(std::move(name), literal()).second) malformed("a name stands twice in a tuple");
    } while (take_symbol(","));
    need_symbol("}");
    return {std::move(map)};
  }

  Value set() {
    StringSet texts;
    NumberSet numbers;
    BinarySet binaries;
    do {
      auto element = literal();
      if (auto* text = std::get_if<std::string>(&element.of)) {
        texts.elements.push_back(std::move(*text));
      } else if (element.number() != nullptr) {
        numbers.elements.push_back(*element.number());
      } else if (auto* binary = std::get_if<Binary>(&element.of)) {
        binaries.elements.push_back(std::move(*binary));
      } else {
        malformed("a set holds strings, numbers or binaries");
      }
    } while (take_symbol(","));
    need_symbol(">>");
    const int kinds = !texts.elements.empty() + !numbers.elements.empty() + !binaries.elements.empty();
    if (kinds != 1) malformed("a set holds values of one type");
    if (!texts.elements.empty()) return {unique(std::move(texts))};
    if (!numbers.elements.empty()) return {unique(std::move(numbers))};
    return {unique(std::move(binaries))};
  }

  template <class Element>
  static Set<Element> unique(Set<Element> set) {
    auto sorted = set.elements;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) malformed("Input collection contains duplicates.");
    return set;
  }

  // ---- conditions ----
  static Condition pair(Kind kind, Condition left, Condition right) {
    std::vector<Condition> both;
    both.push_back(std::move(left));
    both.push_back(std::move(right));
    return Condition::of(kind, std::move(both));
  }
  static Condition one(Kind kind, Condition child) {
    std::vector<Condition> children;
    children.push_back(std::move(child));
    return Condition::of(kind, std::move(children));
  }

  Condition disjunction() {
    auto left = conjunction();
    while (take("OR")) left = pair(Kind::any, std::move(left), conjunction());
    return left;
  }
  Condition conjunction() {
    auto left = negation();
    while (take("AND")) left = pair(Kind::all, std::move(left), negation());
    return left;
  }
  Condition negation() {
    const Deeper deeper(depth_);
    if (take("NOT")) return one(Kind::negation, negation());
    if (take_symbol("(")) {
      auto inner = disjunction();
      need_symbol(")");
      return inner;
    }
    return comparison();
  }

  Condition operand() {
    const Deeper deeper(depth_);
    if (at("SIZE") && peek(1).kind == Word::Kind::symbol && peek(1).text == "(") {
      next();
      need_symbol("(");
      auto inner = Condition::of_path(path());
      need_symbol(")");
      return one(Kind::size, std::move(inner));
    }
    if (at_literal()) return Condition::of_value(literal());
    return Condition::of_path(path());
  }

  Condition comparison() {
    static constexpr std::array<std::pair<std::string_view, Kind>, 6> kFunctions{
        {{"BEGINS_WITH", Kind::begins_with},
         {"CONTAINS", Kind::contains},
         {"ATTRIBUTE_TYPE", Kind::attribute_type},
         {"ATTRIBUTE_EXISTS", Kind::attribute_exists},
         {"ATTRIBUTE_NOT_EXISTS", Kind::attribute_not_exists},
         {"MISSING", Kind::attribute_not_exists}}};
    if (peek().kind == Word::Kind::word && peek(1).kind == Word::Kind::symbol && peek(1).text == "(" && !at("SIZE")) {
      const auto name = upper(next().text);
      const auto* it = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const auto& each) { return each.first == name; });
      if (it == kFunctions.end()) malformed("Unknown function: " + name);
      need_symbol("(");
      auto first = Condition::of_path(path());
      if (it->second == Kind::attribute_exists || it->second == Kind::attribute_not_exists) {
        need_symbol(")");
        return one(it->second, std::move(first));
      }
      need_symbol(",");
      auto second = operand();
      if (it->second == Kind::attribute_type && second.value.string() == nullptr) malformed("Expected the name of a type");
      need_symbol(")");
      return pair(it->second, std::move(first), std::move(second));
    }
    auto left = operand();
    if (take("IS")) {
      const bool negated = take("NOT");
      if (take("MISSING")) return one(negated ? Kind::attribute_exists : Kind::attribute_not_exists, std::move(left));
      need("NULL");
      auto test = pair(Kind::equal, std::move(left), Condition::of_value({Null{}}));
      return negated ? one(Kind::negation, std::move(test)) : test;
    }
    if (take("BETWEEN")) {
      std::vector<Condition> all;
      all.push_back(std::move(left));
      all.push_back(operand());
      need("AND");
      all.push_back(operand());
      return Condition::of(Kind::between, std::move(all));
    }
    if (take("IN")) {
      std::vector<Condition> all;
      all.push_back(std::move(left));
      const bool bracket = take_symbol("[");
      if (!bracket) need_symbol("(");
      do {
        all.push_back(operand());
      } while (take_symbol(","));
      need_symbol(bracket ? "]" : ")");
      return Condition::of(Kind::in, std::move(all));
    }
    static constexpr std::array<std::pair<std::string_view, Kind>, 7> kComparators{{{"=", Kind::equal},
                                                                                    {"<>", Kind::not_equal},
                                                                                    {"!=", Kind::not_equal},
                                                                                    {"<", Kind::less},
                                                                                    {"<=", Kind::less_equal},
                                                                                    {">", Kind::greater},
                                                                                    {">=", Kind::greater_equal}}};
    for (const auto& [symbol, kind] : kComparators) {
      if (take_symbol(symbol)) return pair(kind, std::move(left), operand());
    }
    malformed("Expected a comparison");
  }

  const std::vector<Word> words_;
  const std::vector<Value>& parameters_;
  std::size_t at_ = 0, used_ = 0;
  int depth_ = 0;
  Statement out_;
};

}  // namespace

Statement parse_statement(std::string_view text, const std::vector<Value>& parameters) {
  if (text.size() > kMaxStatement) malformed("Statement is too long");
  return Parser(text, parameters).whole();
}

}  // namespace lambari::lang::dynamodb
