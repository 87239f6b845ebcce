#include <array>
#include <optional>

#include "lang/dynamodb_projection.h"
#include "lang/dynamodb_update.h"

namespace lambari::lang::dynamodb {
namespace {

using Kind = UpdateOperand::Kind;

constexpr int kMaxDepth = 50;  // of functions in functions

// In which order findings are told.
enum Rank : int {
  reserved,
  unknown_function,
  section,
  undefined_name,
  undefined_value,
  overlap,
  conflict,
  operand_type,
  function
};

class Parser {
 public:
  Parser(std::string_view text, Placeholders& placeholders) : reader_("UpdateExpression", text, placeholders) {
    reader_.reserved_rank = Rank::reserved;
    reader_.undefined_name_rank = Rank::undefined_name;
    reader_.undefined_value_rank = Rank::undefined_value;
  }

  Update whole() {
    static constexpr std::array<std::string_view, 4> kSections{"SET", "REMOVE", "ADD", "DELETE"};
    std::array<bool, 4> seen{};
    while (!reader_.at_end()) {
      std::size_t at = 0;
      while (at < kSections.size() && !reader_.at_word(kSections[at])) ++at;
      if (at == kSections.size()) reader_.syntax_error();
      reader_.take();
      if (seen[at]) {
        reader_.note(Rank::section,
                     "The \"" + std::string(kSections[at]) + "\" section can only be used once in an update expression;");
      }
      seen[at] = true;
      do {
        clause(at);
      } while (reader_.take_symbol(","));
    }
    check_apart(reader_, update_.paths(), Rank::overlap, Rank::conflict);
    reader_.tell();
    return std::move(update_);
  }

 private:
  void clause(std::size_t section) {
    auto path = reader_.path();
    switch (section) {
      case 0: {
        reader_.need_symbol("=");
        update_.set.push_back({std::move(path), sum()});
        break;
      }
      case 1: update_.remove.push_back(std::move(path)); break;
      case 2: update_.add.push_back({std::move(path), change("ADD")}); break;
      default: update_.erase.push_back({std::move(path), change("DELETE")}); break;
    }
  }

  Value change(std::string_view section) {
    if (reader_.peek().kind != Token::Kind::value) reader_.syntax_error();
    const auto* found = reader_.value(reader_.take());
    if (found == nullptr) return {};
    const auto type = found->type();
    const bool set = type == Type::SS || type == Type::NS || type == Type::BS;
    if (!set && !(section == "ADD" && type == Type::N)) {
      static constexpr std::array<std::string_view, 10> kNames{"STRING", "NUMBER", "BINARY", "",     "",
                                                               "",       "MAP",    "LIST",   "NULL", "BOOLEAN"};
      reader_.note(Rank::operand_type, "Incorrect operand type for operator or function; operator: " + std::string(section) +
                                           ", operand type: " + std::string(kNames[static_cast<std::size_t>(type)]));
    }
    return *found;
  }

  UpdateOperand sum() {
    auto left = operand();
    for (const auto& [symbol, kind] : {std::pair{"+", Kind::plus}, std::pair{"-", Kind::minus}}) {
      if (!reader_.take_symbol(symbol)) continue;
      std::vector<UpdateOperand> both;
      both.push_back(std::move(left));
      both.push_back(operand());
      need_type(symbol, both, Type::N);
      return {kind, {}, {}, std::move(both)};
    }
    return left;
  }

  UpdateOperand operand() {
    if (reader_.peek().kind == Token::Kind::value) {
      const auto* found = reader_.value(reader_.take());
      return {Kind::value, {}, found != nullptr ? *found : Value{Null{}}, {}};
    }
    if (reader_.take_symbol("(")) {
      deeper();
      auto inner = sum();
      reader_.need_symbol(")");
      --depth_;
      return inner;
    }
    const auto& next = reader_.peek(1);
    if (reader_.peek().kind == Token::Kind::word && next.kind == Token::Kind::symbol && next.text == "(") return call();
    return {Kind::path, reader_.path(), {}, {}};
  }

  UpdateOperand call() {
    deeper();
    const auto name = reader_.take().text;
    reader_.need_symbol("(");
    std::vector<UpdateOperand> given;
    do {
      given.push_back(operand());
    } while (reader_.take_symbol(","));
    reader_.need_symbol(")");
    --depth_;
    if (name != "if_not_exists" && name != "list_append") {
      reader_.note(Rank::unknown_function, "Invalid function name; function: " + name);
      return {};
    }
    if (given.size() != 2) {
      reader_.note(Rank::function, "Incorrect number of operands for operator or function; operator or function: " + name +
                                       ", number of operands: " + std::to_string(given.size()));
      return {};
    }
    if (name == "list_append") {
      need_type(name, given, Type::L);
      return {Kind::list_append, {}, {}, std::move(given)};
    }
    if (given[0].kind != Kind::path) {
      reader_.note(Rank::function, "Operator or function requires a document path; operator or function: " + name);
    }
    return {Kind::if_not_exists, {}, {}, std::move(given)};
  }

  void need_type(std::string_view name, const std::vector<UpdateOperand>& all, Type type) {
    for (const auto& each : all) {
      if (each.kind != Kind::value || each.value.type() == type) continue;
      reader_.note(Rank::function, "Incorrect operand type for operator or function; operator or function: " + std::string(name) +
                                       ", operand type: " + std::string(name_of(each.value.type())));
      return;
    }
  }

  void deeper() {
    if (++depth_ > kMaxDepth) reader_.fail("The expression nests too deep;");
  }

  Reader reader_;
  Update update_;
  int depth_ = 0;
};

}  // namespace

std::vector<Path> Update::paths() const {
  std::vector<Path> out;
  for (const auto& each : set) out.push_back(each.path);
  for (const auto& each : remove) out.push_back(each);
  for (const auto& each : add) out.push_back(each.path);
  for (const auto& each : erase) out.push_back(each.path);
  return out;
}

Update parse_update(std::string_view text, Placeholders& placeholders) { return Parser(text, placeholders).whole(); }

}  // namespace lambari::lang::dynamodb
