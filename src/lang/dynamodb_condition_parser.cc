#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"
#include "lang/dynamodb_condition.h"

namespace lambari::lang::dynamodb {
namespace {

using Kind = Condition::Kind;

constexpr int kMaxOperators = 300;
constexpr std::size_t kMaxInOperands = 100;

// In which order findings are told.
enum Rank : int { parentheses, unknown_function, misused_function, reserved, undefined, operands, distinct, types };

struct Function {
  std::string_view name;
  Kind kind;
  std::size_t operands;
};
constexpr std::array<Function, 6> kFunctions{{{"attribute_exists", Kind::attribute_exists, 1},
                                              {"attribute_not_exists", Kind::attribute_not_exists, 1},
                                              {"attribute_type", Kind::attribute_type, 2},
                                              {"begins_with", Kind::begins_with, 2},
                                              {"contains", Kind::contains, 2},
                                              {"size", Kind::size, 1}}};

struct Comparator {
  std::string_view symbol;
  Kind kind;
};
constexpr std::array<Comparator, 6> kComparators{{{"=", Kind::equal},
                                                  {"<>", Kind::not_equal},
                                                  {"<", Kind::less},
                                                  {"<=", Kind::less_equal},
                                                  {">", Kind::greater},
                                                  {">=", Kind::greater_equal}}};

std::string_view name_of_function(Kind kind) {
  for (const auto& function : kFunctions)
    if (function.kind == kind) return function.name;
  return {};
}

// The type that a node certainly has, before any item is seen.
std::optional<Type> type_of(const Condition& node) {
  if (node.kind == Kind::value) return node.value.type();
  if (node.kind == Kind::size) return Type::N;
  if (!node.is_operand()) return Type::BOOL;
  return std::nullopt;
}

std::string spelled(const Value& value) {
  std::string text;
  if (value.string() != nullptr) text = *value.string();
  if (value.number() != nullptr) text = value.number()->text();
  if (value.binary() != nullptr) text = base::base64(value.binary()->bytes);
  return "AttributeValue: {" + std::string(name_of(value.type())) + ":" + text + "}";
}

class Parser {
 public:
  Parser(std::string_view kind, std::string_view text, Placeholders& placeholders) : reader_(kind, text, placeholders) {
    reader_.reserved_rank = Rank::reserved;
    reader_.undefined_name_rank = reader_.undefined_value_rank = Rank::undefined;
  }

  Condition whole() {
    auto out = condition(disjunction());
    if (!reader_.at_end()) reader_.syntax_error();
    reader_.tell();
    return out;
  }

 private:
  void count() {
    if (++operators_ > kMaxOperators) {
      reader_.fail("The expression contains too many operators; operator count: " + std::to_string(operators_));
    }
  }

  // `node` stands where a condition must stand.
  Condition condition(Condition node) {
    if (node.kind == Kind::size) {
      misused(node);
    } else if (node.is_operand()) {
      reader_.syntax_error();
    }
    return node;
  }

  // `node` stands where an operand must stand.
  Condition operand(Condition node) {
    if (!node.is_operand()) {
      if (name_of_function(node.kind).empty()) reader_.syntax_error();
      misused(node);
    }
    return node;
  }

  void misused(const Condition& node) {
    reader_.note(Rank::misused_function, "The function is not allowed to be used this way in an expression; function: " +
                                             std::string(name_of_function(node.kind)));
  }

  Condition disjunction() {
    auto left = conjunction();
    while (reader_.take_word("OR")) {
      count();
      left = joined(Kind::any, condition(std::move(left)), condition(conjunction()));
    }
    return left;
  }

  Condition conjunction() {
    auto left = negation();
    while (reader_.take_word("AND")) {
      count();
      left = joined(Kind::all, condition(std::move(left)), condition(negation()));
    }
    return left;
  }

  static Condition joined(Kind kind, Condition left, Condition right) {
    if (left.kind == kind && !left.children.empty()) {
      left.children.push_back(std::move(right));
      return left;
    }
    std::vector<Condition> both;
    both.push_back(std::move(left));
    both.push_back(std::move(right));
    return Condition::of(kind, std::move(both));
  }

  Condition negation() {
    if (!reader_.take_word("NOT")) return comparison();
    count();
    std::vector<Condition> child;
    child.push_back(condition(negation()));
    return Condition::of(Kind::negation, std::move(child));
  }

  Condition comparison() {
    auto left = primary();
    const auto& next = reader_.peek();
    for (const auto& [symbol, kind] : kComparators) {
      if (next.kind != Token::Kind::symbol || next.text != symbol) continue;
      reader_.take();
      count();
      std::vector<Condition> both;
      both.push_back(operand(std::move(left)));
      both.push_back(operand(primary()));
      check_distinct(symbol, both);
      if (kind != Kind::equal && kind != Kind::not_equal) check_ordered(symbol, both);
      return Condition::of(kind, std::move(both));
    }
    if (reader_.at_word("BETWEEN")) {
      reader_.take();
      count();
      std::vector<Condition> all;
      all.push_back(operand(std::move(left)));
      all.push_back(operand(primary()));
      if (!reader_.take_word("AND")) reader_.syntax_error();
      all.push_back(operand(primary()));
      check_distinct("BETWEEN", all);
      check_ordered("BETWEEN", all);
      check_bounds(all[1], all[2]);
      return Condition::of(Kind::between, std::move(all));
    }
    if (reader_.at_word("IN")) {
      reader_.take();
      count();
      std::vector<Condition> all;
      all.push_back(operand(std::move(left)));
      reader_.need_symbol("(");
      do {
        all.push_back(operand(primary()));
      } while (reader_.take_symbol(","));
      reader_.need_symbol(")");
      if (all.size() - 1 > kMaxInOperands) operands("IN", all.size() - 1);
      check_distinct("IN", all);
      return Condition::of(Kind::in, std::move(all));
    }
    return left;
  }

  Condition primary() {
    const auto& token = reader_.peek();
    switch (token.kind) {
      case Token::Kind::value: {
        const auto* found = reader_.value(reader_.take());
        return Condition::of_value(found != nullptr ? *found : Value{Null{}});
      }
      case Token::Kind::name: return Condition::of_path(reader_.path());
      case Token::Kind::word: {
        for (const char* keyword : {"AND", "OR", "NOT", "BETWEEN", "IN"})
          if (reader_.at_word(keyword)) reader_.syntax_error();
        const auto& next = reader_.peek(1);
        if (next.kind == Token::Kind::symbol && next.text == "(") return function();
        return Condition::of_path(reader_.path());
      }
      default: break;
    }
    if (token.kind != Token::Kind::symbol || token.text != "(") reader_.syntax_error();
    reader_.take();
    count();
    const auto open = reader_.position();
    auto inner = disjunction();
    // "((a = b))": the inner pair is all that the outer one holds.
    if (group_begin_ == open && group_end_ == reader_.position()) {
      reader_.note(Rank::parentheses, "The expression has redundant parentheses;");
    }
    reader_.need_symbol(")");
    group_begin_ = open - 1;
    group_end_ = reader_.position();
    return inner;
  }

  Condition function() {
    const auto name = reader_.take().text;
    count();
    reader_.need_symbol("(");
    std::vector<Condition> given;
    do {
      given.push_back(operand(primary()));
    } while (reader_.take_symbol(","));
    reader_.need_symbol(")");
    const auto it = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const auto& known) { return known.name == name; });
    if (it == kFunctions.end()) {
      reader_.note(Rank::unknown_function, "Invalid function name; function: " + name);
      return Condition::of(Kind::attribute_exists, std::move(given));
    }
    if (given.size() != it->operands) {
      operands(name, given.size());
    } else {
      check_distinct(name, given);
      check_function(*it, given);
    }
    return Condition::of(it->kind, std::move(given));
  }

  void operands(std::string_view name, std::size_t number) {
    reader_.note(Rank::operands, "Incorrect number of operands for operator or function; operator or function: " +
                                     std::string(name) + ", number of operands: " + std::to_string(number));
  }

  void check_distinct(std::string_view name, const std::vector<Condition>& all) {
    if (all[0].kind != Kind::path) return;
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all[i].kind != Kind::path || all[i].path != all[0].path) continue;
      reader_.note(Rank::distinct,
                   "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
                       std::string(name) + ", first operand: " + text_of(all[0].path));
    }
  }

  void wrong_type(std::string_view what, std::string_view name, std::string_view type) {
    reader_.note(Rank::types, "Incorrect operand type for operator or function; " + std::string(what) + ": " + std::string(name) +
                                  ", operand type: " + std::string(type));
  }

  void check_ordered(std::string_view name, const std::vector<Condition>& all) {
    for (const auto& node : all) {
      const auto type = type_of(node);
      if (type && *type != Type::S && *type != Type::N && *type != Type::B) {
        wrong_type("operator or function", name, name_of(*type));
      }
    }
  }

  void check_bounds(const Condition& lower, const Condition& upper) {
    if (lower.kind != Kind::value || upper.kind != Kind::value) return;
    const auto bounds = "lower bound operand: " + spelled(lower.value) + ", upper bound operand: " + spelled(upper.value);
    if (lower.value.type() != upper.value.type()) {
      reader_.note(Rank::types, "The BETWEEN operator requires same data type for lower and upper bounds; " + bounds);
    } else if (compare(lower.value, upper.value) > 0) {
      reader_.note(Rank::types,
                   "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + bounds);
    }
  }

  void check_function(const Function& function, const std::vector<Condition>& given) {
    const auto type = type_of(given.back());
    switch (function.kind) {
      case Kind::attribute_exists:
      case Kind::attribute_not_exists:
        if (given[0].kind != Kind::path) {
          reader_.note(Rank::types,
                       "Operator or function requires a document path; operator or function: " + std::string(function.name));
        }
        break;
      case Kind::attribute_type: {
        if (type != Type::S || given[1].kind != Kind::value) {
          wrong_type("operator or function", function.name, type ? name_of(*type) : "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
          break;
        }
        const auto& name = *given[1].value.string();
        for (int i = 0; i <= static_cast<int>(Type::BOOL); ++i)
          if (name == name_of(static_cast<Type>(i))) return;
        reader_.note(Rank::types,
                     "Invalid attribute type name found; type: " + name + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
        break;
      }
      case Kind::begins_with:
        for (const auto& node : given) {
          const auto each = type_of(node);
          if (each && *each != Type::S && *each != Type::B) wrong_type("operator or function", function.name, name_of(*each));
        }
        break;
      case Kind::size:
        if (type == Type::N || type == Type::BOOL || type == Type::NULL_)
          wrong_type("operator or function", function.name, name_of(*type));
        break;
      default: break;
    }
  }

  Reader reader_;
  int operators_ = 0;
  std::size_t group_begin_ = 0, group_end_ = 0;  // token positions of the last pair of parentheses, its own included
};

}  // namespace

Condition parse_condition(std::string_view kind, std::string_view text, Placeholders& placeholders) {
  return Parser(kind, text, placeholders).whole();
}

}  // namespace lambari::lang::dynamodb
