// PartiQL, as DynamoDB speaks it: SELECT, INSERT, UPDATE and DELETE on one table.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lang/dynamodb_condition.h"
#include "lang/dynamodb_update.h"

namespace lambari::lang::dynamodb {

// what() is the message of the ValidationException.
struct StatementError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

struct Statement {
  enum class Kind { select, insert, update, erase };
  Kind kind = Kind::select;
  std::string table, index;                // index: of a SELECT, may be empty
  std::optional<std::vector<Path>> paths;  // of a SELECT; nothing: *
  Item item;                               // of an INSERT
  bool or_nothing = false;                 // INSERT ... ON CONFLICT DO NOTHING
  Update update;
  std::optional<Condition> where;
  std::string order_by;     // attribute, or empty
  bool descending = false;  // of it
  std::string returning;    // "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", or empty
};

// `parameters` stand for the question marks, in order. Throws StatementError, and NumberError for literals that are no numbers.
// A statement has at most 8 KiB and nests 50 deep.
Statement parse_statement(std::string_view text, const std::vector<Value>& parameters);

}  // namespace lambari::lang::dynamodb
