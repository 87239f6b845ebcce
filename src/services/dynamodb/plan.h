// A write as it was asked for, read and checked before any item is seen; and what it makes of an item.
#pragma once

#include <optional>
#include <string>

#include "services/dynamodb/conditions.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/model.h"
#include "services/dynamodb/writes.h"

namespace lambari::dynamodb {

struct Plan {
  enum class Kind { put, update, erase, check };
  Kind kind = Kind::put;
  TableKey table;
  Item item;  // put: the item; else: its key
  std::optional<Condition> condition;
  lang::dynamodb::Update update;
  bool old_item_on_failure = false;
  bool insert = false;  // an INSERT of PartiQL: its condition fails when the item is there already
};

// The condition of a write does not hold.
struct ConditionFailed {
  std::optional<Item> item;  // as it is; given when the plan asks for it
};

// The row that the plan is about. Throws ValidationException.
std::string key_of(const Plan& plan, const Table& table);
// Sets `change.after`. Throws ConditionFailed and ValidationException.
void decide(const Plan& plan, const Table& table, ItemChange& change);

struct WriteExpressions {
  std::optional<std::string> update, condition;
  std::optional<std::map<std::string, std::string>> names;
  std::optional<WireItem> values;
};
// Reads the expressions into the plan. `needs_update`: an UpdateExpression may stand there.
void read_expressions(Plan& plan, const WriteExpressions& given, bool has_update);

}  // namespace lambari::dynamodb
