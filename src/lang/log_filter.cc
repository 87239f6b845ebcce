#include "lang/log_filter.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>
#include <optional>
#include <vector>

#include "base/json.h"
#include "lang/wildcard.h"

namespace lambari::lang {

namespace json = base::json;

namespace {

constexpr std::size_t kMaxPattern = 1024;
constexpr int kMaxNesting = 32;
constexpr int kMaxWildcards = 3;
constexpr std::size_t kMaxFields = 512;  // of a space-delimited event

[[noreturn]] void invalid() { throw LogFilterError("Invalid filter pattern"); }

std::optional<double> to_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

using Regex = std::unique_ptr<const RE2>;

Regex make_regex(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(256 << 10);
  auto regex = std::make_unique<const RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!regex->ok()) invalid();
  return regex;
}

bool search(const RE2& regex, std::string_view text) {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

enum class Op { equal, not_equal, less, less_equal, greater, greater_equal, is_null, is_true, is_false, not_exists };

// What a value is compared with.
struct Operand {
  std::string text;              // may hold '*'
  std::optional<double> number;  // when the text is one
  bool quoted = false;           // quoted text is never a number
  Regex regex;
};

bool compare(Op op, double a, double b) {
  switch (op) {
    case Op::equal: return a == b;
    case Op::not_equal: return a != b;
    case Op::less: return a < b;
    case Op::less_equal: return a <= b;
    case Op::greater: return a > b;
    case Op::greater_equal: return a >= b;
    default: return false;
  }
}

// A '*' stands for any run; nothing else is special.
bool text_equals(const Operand& operand, std::string_view text) {
  if (operand.regex) return search(*operand.regex, text);
  if (operand.text.find('*') == std::string::npos) return operand.text == text;
  if (operand.text.find('?') == std::string::npos) return wildcard_match(operand.text, text);
  // A question mark is literal here: match the pieces between the stars in order.
  std::string_view rest = text, pattern = operand.text;
  bool first = true;
  while (true) {
    const auto star = pattern.find('*');
    const auto piece = pattern.substr(0, star);
    if (star == pattern.npos) return first ? rest == piece : rest.ends_with(piece);
    if (first) {
      if (!rest.starts_with(piece)) return false;
      rest.remove_prefix(piece.size());
    } else {
      const auto found = rest.find(piece);
      if (found == rest.npos) return false;
      rest.remove_prefix(found + piece.size());
    }
    pattern.remove_prefix(star + 1);
    first = false;
  }
}

bool test_text(Op op, const Operand& operand, std::string_view text) {
  switch (op) {
    case Op::equal:
    case Op::not_equal: {
      bool same = text_equals(operand, text);
      if (!same && !operand.quoted && operand.number) {
        const auto number = to_number(text);
        same = number && *number == *operand.number;
      }
      return same == (op == Op::equal);
    }
    default: {
      const auto number = to_number(text);
      return number && operand.number && compare(op, *number, *operand.number);
    }
  }
}

struct Step {
  enum class Kind { name, index, any_element, any_member } kind;
  std::string name;
  std::size_t index = 0;
};

// A condition, or a join of conditions.
struct Node {
  enum class Kind { condition, all, any } kind = Kind::condition;
  std::vector<Node> children;
  // of a condition
  std::vector<Step> path;  // JSON
  Op op = Op::equal;
  Operand operand;
};

struct Field {
  bool ellipsis = false;
  std::optional<Node> condition;
};

struct Term {
  enum class Role { include, optional, exclude } role = Role::include;
  std::string text;
  Regex regex;
  bool in(std::string_view message) const { return regex ? search(*regex, message) : message.find(text) != message.npos; }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  bool done() const { return at_ == text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(std::string_view token) {
    space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) invalid();
  }
  bool word(std::string_view wanted) {
    space();
    const auto rest = text_.substr(at_);
    if (rest.size() < wanted.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if ((rest[i] & ~0x20) != wanted[i]) return false;
    }
    if (rest.size() > wanted.size() && is_word(rest[wanted.size()])) return false;
    at_ += wanted.size();
    return true;
  }

  std::vector<Term> terms() {
    std::vector<Term> out;
    for (space(); !done(); space()) {
      Term term;
      if (peek() == '?') {
        term.role = Term::Role::optional;
        ++at_;
      } else if (peek() == '-') {
        term.role = Term::Role::exclude;
        ++at_;
      }
      if (peek() == '"') {
        term.text = quoted('"');
      } else if (peek() == '%') {
        term.regex = make_regex(regex_text());
      } else {
        const auto begin = at_;
        bool plain = true;
        for (; !done() && peek() != ' ' && peek() != '\t' && peek() != '\n' && peek() != '\r'; ++at_) plain &= is_word(peek());
        term.text = std::string(text_.substr(begin, at_ - begin));
        if (!plain || term.text.empty()) throw LogFilterError(fmt::format("Invalid character(s) in term '{}'", term.text));
      }
      out.push_back(std::move(term));
    }
    return out;
  }

  Node json_pattern() {
    expect("{");
    auto node = any(true);
    expect("}");
    space();
    if (!done()) invalid();
    return node;
  }

  std::vector<Field> fields() {
    std::vector<Field> out;
    expect("[");
    bool ellipsis = false;
    if (!take("]")) {
      do {
        Field field;
        if (take("...")) {
          if (ellipsis) invalid();
          field.ellipsis = ellipsis = true;
        } else {
          const auto begin = at_;
          space();
          if (name().empty()) invalid();
          space();
          if (peek() != ',' && peek() != ']') {
            at_ = begin;
            field.condition = any(false);
          }
        }
        out.push_back(std::move(field));
      } while (take(","));
      expect("]");
    }
    space();
    if (!done()) invalid();
    return out;
  }

 private:
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  }

  std::string_view name() {
    const auto begin = at_;
    while (!done() && (is_word(peek()) || peek() == '-')) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string quoted(char quote) {
    std::string out;
    for (++at_; peek() != quote; ++at_) {
      if (done()) invalid();
      if (peek() == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == quote || text_[at_ + 1] == '\\')) ++at_;
      out.push_back(text_[at_]);
    }
    ++at_;
    return out;
  }

  std::string_view regex_text() {
    const auto begin = ++at_;
    while (!done() && peek() != '%') ++at_;
    if (done()) invalid();
    return text_.substr(begin, at_++ - begin);
  }

  Node any(bool is_json) { return join(Node::Kind::any, "||", is_json); }

  Node join(Node::Kind kind, std::string_view token, bool is_json) {
    if (++nesting_ > kMaxNesting) invalid();
    Node node;
    node.kind = kind;
    do {
      node.children.push_back(kind == Node::Kind::any ? join(Node::Kind::all, "&&", is_json) : unit(is_json));
    } while (take(token));
    --nesting_;
    if (node.children.size() == 1) return std::move(node.children.front());
    return node;
  }

  Node unit(bool is_json) {
    if (take("(")) {
      auto node = any(is_json);
      expect(")");
      return node;
    }
    Node node;
    space();
    if (is_json) {
      node.path = path();
      if (word("IS")) {
        node.op = word("NULL") ? Op::is_null : word("TRUE") ? Op::is_true : word("FALSE") ? Op::is_false : (invalid(), Op::equal);
        return node;
      }
      if (word("NOT")) {
        if (!word("EXISTS")) invalid();
        node.op = Op::not_exists;
        return node;
      }
    } else if (name().empty()) {
      invalid();
    }
    node.op = take("!=")   ? Op::not_equal
              : take("<=") ? Op::less_equal
              : take(">=") ? Op::greater_equal
              : take("<")  ? Op::less
              : take(">")  ? Op::greater
              : take("=")  ? Op::equal
                           : (invalid(), Op::equal);
    node.operand = operand();
    const bool ordered = node.op != Op::equal && node.op != Op::not_equal;
    if (ordered && (!node.operand.number || node.operand.quoted)) invalid();
    return node;
  }

  std::vector<Step> path() {
    std::vector<Step> out;
    int wildcards = 0;
    if (peek() != '$') invalid();
    ++at_;
    while (peek() == '.' || peek() == '[') {
      const bool dot = peek() == '.';
      if (dot) ++at_;
      if (peek() == '[') {
        ++at_;
        if (peek() == '*') {
          ++at_;
          out.push_back({Step::Kind::any_element});
          ++wildcards;
        } else if (peek() == '\'' || peek() == '"') {
          out.push_back({Step::Kind::name, quoted(peek())});
        } else {
          std::size_t index = 0, digits = 0;
          for (; peek() >= '0' && peek() <= '9' && digits < 9; ++at_, ++digits)
            index = index * 10 + static_cast<std::size_t>(peek() - '0');
          if (!digits) invalid();
          out.push_back({Step::Kind::index, {}, index});
        }
        if (peek() != ']') invalid();
        ++at_;
      } else if (dot && peek() == '*') {
        ++at_;
        out.push_back({Step::Kind::any_member});
        ++wildcards;
      } else if (dot) {
        auto text = name();
        if (text.empty()) invalid();
        out.push_back({Step::Kind::name, std::string(text)});
      }
    }
    wildcards_ += wildcards;
    if (out.empty() || wildcards > 1 || wildcards_ > kMaxWildcards) invalid();
    return out;
  }

  Operand operand() {
    space();
    Operand out;
    if (peek() == '"') {
      out.text = quoted('"');
      out.quoted = true;
      out.number = to_number(out.text);
    } else if (peek() == '%') {
      out.regex = make_regex(regex_text());
    } else {
      const auto begin = at_;
      while (!done() && std::string_view(" \t\r\n,()[]{}&|\"").find(peek()) == std::string_view::npos) ++at_;
      out.text = std::string(text_.substr(begin, at_ - begin));
      if (out.text.empty()) invalid();
      out.number = to_number(out.text);
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int wildcards_ = 0;
};

bool test_value(const Node& node, const json::value& value) {
  switch (node.op) {
    case Op::is_null: return value.is_null();
    case Op::is_true: return value.is_bool() && value.as_bool();
    case Op::is_false: return value.is_bool() && !value.as_bool();
    case Op::not_exists: return false;
    default: break;
  }
  if (value.is_string())
    return test_text(node.op, node.operand, std::string_view(value.as_string().data(), value.as_string().size()));
  if (value.is_number()) {
    const auto number = value.to_number<double>();
    if (node.operand.number && !node.operand.quoted) return compare(node.op, number, *node.operand.number);
    return test_text(node.op, node.operand, base::to_json(value));
  }
  if (value.is_bool()) return test_text(node.op, node.operand, value.as_bool() ? "true" : "false");
  return false;  // objects, arrays and null are no value nodes
}

enum class Reached { nothing, something, match };

Reached walk(const Node& node, const json::value& value, std::size_t step) {
  if (step == node.path.size()) return test_value(node, value) ? Reached::match : Reached::something;
  const auto& next = node.path[step];
  auto each = [&](const auto& values, auto&& get) {
    auto reached = Reached::nothing;
    for (const auto& item : values) reached = std::max(reached, walk(node, get(item), step + 1));
    return reached;
  };
  switch (next.kind) {
    case Step::Kind::name:
      if (const auto* object = value.if_object()) {
        if (const auto* member = object->if_contains(next.name)) return walk(node, *member, step + 1);
      }
      return Reached::nothing;
    case Step::Kind::index:
      if (const auto* array = value.if_array(); array && next.index < array->size())
        return walk(node, (*array)[next.index], step + 1);
      return Reached::nothing;
    case Step::Kind::any_element:
      if (const auto* array = value.if_array())
        return each(*array, [](const json::value& item) -> const json::value& { return item; });
      return Reached::nothing;
    case Step::Kind::any_member:
      if (const auto* object = value.if_object()) {
        return each(*object, [](const json::key_value_pair& item) -> const json::value& { return item.value(); });
      }
      return Reached::nothing;
  }
  return Reached::nothing;
}

template <class Test>
bool evaluate(const Node& node, const Test& test) {
  switch (node.kind) {
    case Node::Kind::condition: return test(node);
    case Node::Kind::all:
      for (const auto& child : node.children) {
        if (!evaluate(child, test)) return false;
      }
      return true;
    case Node::Kind::any:
      for (const auto& child : node.children) {
        if (evaluate(child, test)) return true;
      }
      return false;
  }
  return false;
}

// One value of a space-delimited event, and where the rest of the line begins. Brackets and quotes keep spaces together.
struct Value {
  std::string_view text, rest;
};

std::vector<Value> split_event(std::string_view message) {
  std::vector<Value> out;
  std::size_t at = 0;
  const std::string_view blank = " \t\r\n";
  while (out.size() < kMaxFields) {
    at = message.find_first_not_of(blank, at);
    if (at == message.npos) break;
    const auto close = message[at] == '"' ? '"' : message[at] == '[' ? ']' : '\0';
    const auto closed = close ? message.find(close, at + 1) : message.npos;
    auto rest = message.substr(at);
    rest = rest.substr(0, rest.find_last_not_of(blank) + 1);
    if (closed != message.npos) {
      out.push_back({message.substr(at + 1, closed - at - 1), rest});
      at = closed + 1;
    } else {
      const auto end = std::min(message.find_first_of(blank, at), message.size());
      out.push_back({message.substr(at, end - at), rest});
      at = end;
    }
  }
  return out;
}

bool match_fields(const std::vector<Field>& fields, std::string_view message) {
  const auto values = split_event(message);
  std::size_t ellipsis = fields.size();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].ellipsis) ellipsis = i;
  }
  const bool open = ellipsis < fields.size();
  const auto named = fields.size() - (open ? 1 : 0);
  if (values.size() < named) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].condition) continue;
    const auto at = i < ellipsis ? i : values.size() - (fields.size() - i);
    // Without an ellipsis the last name stands for all that is left of the line.
    const bool takes_rest = !open && i + 1 == fields.size() && values.size() > named;
    const auto text = takes_rest ? values[at].rest : values[at].text;
    if (!evaluate(*fields[i].condition, [&](const Node& node) { return test_text(node.op, node.operand, text); })) return false;
  }
  return true;
}

}  // namespace

struct LogFilter::Program {
  enum class Kind { everything, terms, json, fields } kind = Kind::everything;
  std::vector<Term> terms;
  Node node;
  std::vector<Field> fields;
};

LogFilter LogFilter::parse(std::string_view pattern) {
  if (pattern.size() > kMaxPattern) invalid();
  auto program = std::make_shared<Program>();
  Parser parser(pattern);
  parser.space();
  if (parser.peek() == '{') {
    program->kind = Program::Kind::json;
    program->node = parser.json_pattern();
  } else if (parser.peek() == '[') {
    program->kind = Program::Kind::fields;
    program->fields = parser.fields();
  } else if (!parser.done()) {
    program->kind = Program::Kind::terms;
    program->terms = parser.terms();
  }
  return LogFilter(std::move(program));
}

bool LogFilter::matches(std::string_view message) const {
  switch (program_->kind) {
    case Program::Kind::everything: return true;
    case Program::Kind::terms: {
      // As AWS documents: optional terms have no effect beside others.
      bool other = false, optional = false;
      for (const auto& term : program_->terms) {
        if (term.role == Term::Role::optional) {
          optional = optional || term.in(message);
          continue;
        }
        other = true;
        if (term.in(message) != (term.role == Term::Role::include)) return false;
      }
      return other || optional;
    }
    case Program::Kind::json: {
      const auto begin = message.find_first_not_of(" \t\r\n");
      if (begin == message.npos || (message[begin] != '{' && message[begin] != '[')) return false;
      const auto document = base::parse_json(message);
      if (!document) return false;
      return evaluate(program_->node, [&](const Node& node) {
        const auto reached = walk(node, *document, 0);
        return node.op == Op::not_exists ? reached == Reached::nothing : reached == Reached::match;
      });
    }
    case Program::Kind::fields: return match_fields(program_->fields, message);
  }
  return false;
}

}  // namespace lambari::lang
