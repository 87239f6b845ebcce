#include "services/dynamodb/plan.h"

#include "services/dynamodb/schema.h"

namespace lambari::dynamodb {

std::string key_of(const Plan& plan, const Table& table) {
  if (plan.kind == Plan::Kind::put) {
    auto key = key_of_item(table, plan.item);
    check_size(plan.item);
    return key;
  }
  auto key = key_of_request(table, plan.item);
  for (const auto& path : plan.update.paths()) {
    const auto& name = std::get<std::string>(path.front());
    if (table.key.has(name)) {
      invalid_values("Cannot update attribute " + name + ". This attribute is part of the key");
    }
  }
  return key;
}

void decide(const Plan& plan, const Table& table, ItemChange& change) {
  static const Item kNothing;
  if (plan.condition && !holds(*plan.condition, change.before ? *change.before : kNothing)) {
    throw ConditionFailed{plan.old_item_on_failure ? change.before : std::nullopt};
  }
  switch (plan.kind) {
    case Plan::Kind::put: change.after = plan.item; break;
    case Plan::Kind::erase: change.after.reset(); break;
    case Plan::Kind::check: change.after = change.before; break;
    case Plan::Kind::update:
      change.after = change.before ? *change.before : plan.item;
      in_words_of_aws([&] { lang::dynamodb::update_item(plan.update, *change.after); });
      check_index_keys(table, *change.after);
      check_updated_size(*change.after);
      for (const auto& path : plan.update.paths()) {
        const auto* value = find(*change.after, {path.front()});
        if (value != nullptr && lang::dynamodb::depth_of(*value) > 32) invalid("Nesting Levels have exceeded supported limits");
      }
      break;
  }
}

void read_expressions(Plan& plan, const WriteExpressions& given, bool has_update) {
  auto used = placeholders(given.names, given.values, given.update || given.condition,
                           has_update ? "UpdateExpression and ConditionExpression are null" : "ConditionExpression is null");
  in_words_of_aws([&] {
    if (given.update) plan.update = lang::dynamodb::parse_update(*given.update, used);
    if (given.condition) plan.condition = lang::dynamodb::parse_condition("ConditionExpression", *given.condition, used);
  });
  check_used(used);
}

}  // namespace lambari::dynamodb
