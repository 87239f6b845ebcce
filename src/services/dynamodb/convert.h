// Attribute values between the wire and the language, checked as DynamoDB checks them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/dynamodb/types.h"
#include "aws/dynamodbstreams/types.h"
#include "lang/dynamodb_tokens.h"
#include "services/dynamodb/model.h"

namespace lambari::dynamodb {

using WireValue = aws::dynamodb::AttributeValue;
using WireItem = std::map<std::string, WireValue>;

// Throws a ValidationException in AWS's words. Values nest at most 32 levels deep.
Value from_wire(const WireValue& value);
Item from_wire(const WireItem& item);

WireValue to_wire(const Value& value);
WireItem to_wire(const Item& item);
std::map<std::string, aws::dynamodbstreams::AttributeValue> to_stream_wire(const Item& item);  // the same, of the streams' API

// The placeholders of a request. `has_expression`: some expression is there to use them; `missing` names those that could be.
lang::dynamodb::Placeholders placeholders(const std::optional<std::map<std::string, std::string>>& names,
                                          const std::optional<WireItem>& values, bool has_expression, std::string_view missing,
                                          bool values_allowed = true);
// After all expressions were read: throws when a placeholder was given and not used.
void check_used(const lang::dynamodb::Placeholders& placeholders);

// A name of a table as AWS takes it. Throws ValidationException.
void check_table_name(const std::string& name, std::size_t shortest = 1);

// "1 validation error detected: Value <value> at <member> failed to satisfy constraint: <constraint>"
[[noreturn]] void violated(const std::string& value, const std::string& member, const std::string& constraint);
// Throws ValidationException.
[[noreturn]] void invalid(std::string message);
// "One or more parameter values were invalid: ..."
[[noreturn]] void invalid_values(const std::string& what);

// Turns the language's errors into ValidationException.
template <class Work>
auto in_words_of_aws(Work work) {
  try {
    return work();
  } catch (const std::invalid_argument& error) {
    invalid(error.what());
  }
}

}  // namespace lambari::dynamodb
