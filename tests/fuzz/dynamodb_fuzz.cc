// What users write in DynamoDB's languages: numbers, conditions, projections, updates, PartiQL. Nothing but their own errors may
// come out, and what was read must hold for an item without harm.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lang/dynamodb_partiql.h"
#include "lang/dynamodb_projection.h"

using namespace lambari::lang::dynamodb;

namespace {

const Item kItem{{"a", {std::string("text")}},
                 {"n", {Number::parse("12.5")}},
                 {"m", {Map{{"k", {List{{std::string("x")}, {true}}}}}}},
                 {"s", {StringSet{{"p", "q"}}}}};

Placeholders placeholders() {
  return {{{"#a", "a"}, {"#m", "m"}}, {{":t", {std::string("text")}}, {":n", {Number::parse("3")}}, {":s", {StringSet{{"p"}}}}}};
}

void change(const Update& update) {
  auto item = kItem;
  update_item(update, item);
}

void number(std::string_view text) {
  const auto value = Number::parse(text);
  std::size_t length = 0;
  if (Number::parse(value.text()) != value || Number::from_sortable(value.sortable(), length) != value) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto given = placeholders();
  try {
    switch (data[0] % 5) {
      case 0: number(text); break;
      case 1: holds(parse_condition("ConditionExpression", text, given), kItem); break;
      case 2: project(kItem, parse_projection(text, given)); break;
      case 3: change(parse_update(text, given)); break;
      default: {
        const auto statement = parse_statement(text, {});
        if (statement.where) holds(*statement.where, kItem);
        if (statement.kind == Statement::Kind::update) change(statement.update);
      }
    }
  } catch (const std::invalid_argument&) {
  }
  return 0;
}
