// The conditions of a request, whether it spells them as expressions or in the older parameters.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/dynamodb/types.h"
#include "lang/dynamodb_condition.h"
#include "lang/dynamodb_update.h"
#include "services/dynamodb/model.h"

namespace lambari::dynamodb {

using lang::dynamodb::Condition;

// Names of parameters, and whether each was given.
using Given = std::vector<std::pair<std::string_view, bool>>;
// Throws ValidationException when some of both were given.
void check_not_mixed(const Given& legacy, const Given& expressions);

// Of Expected; nothing when the map is empty. Throws ValidationException.
std::optional<Condition> from_expected(const std::map<std::string, aws::dynamodb::ExpectedAttributeValue>& expected,
                                       const std::optional<std::string>& conditional_operator);
// Of QueryFilter, ScanFilter and KeyConditions. Throws ValidationException.
std::optional<Condition> from_conditions(const std::map<std::string, aws::dynamodb::Condition>& conditions,
                                         const std::optional<std::string>& conditional_operator);
// Of AttributeUpdates. Throws ValidationException.
lang::dynamodb::Update from_attribute_updates(const std::map<std::string, aws::dynamodb::AttributeValueUpdate>& updates);
// Of AttributesToGet. Throws ValidationException.
std::vector<Path> from_attributes_to_get(const std::vector<std::string>& names);

// A condition on the keys of a table or index.
struct KeyCondition {
  Value hash;
  // One of equal, less, less_equal, greater, greater_equal, between, begins_with, on the range key; its one or two values.
  std::optional<Condition::Kind> kind;
  std::vector<Value> values;
};
// Takes a condition apart that may hold only what a query may ask of keys. Throws ValidationException.
KeyCondition key_condition(const Condition& condition, const KeySchema& key, const std::map<std::string, std::string>& types);

}  // namespace lambari::dynamodb
