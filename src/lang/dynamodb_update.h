// Update expressions: SET, REMOVE, ADD, DELETE.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
#pragma once

#include <string_view>
#include <vector>

#include "lang/dynamodb_path.h"
#include "lang/dynamodb_tokens.h"
#include "lang/dynamodb_value.h"

namespace lambari::lang::dynamodb {

// The right side of a SET.
struct UpdateOperand {
  enum class Kind { path, value, if_not_exists, list_append, plus, minus };
  Kind kind = Kind::path;
  Path path;
  Value value;
  std::vector<UpdateOperand> operands;
};

struct Update {
  struct Assignment {
    Path path;
    UpdateOperand operand;
  };
  struct Change {
    Path path;
    Value value;
  };
  std::vector<Assignment> set;
  std::vector<Path> remove;
  std::vector<Change> add, erase;  // erase: DELETE

  std::vector<Path> paths() const;  // of all that it touches
};

// An item does not suit an update: what() is AWS's message of the ValidationException.
struct UpdateError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Throws ExpressionError.
Update parse_update(std::string_view text, Placeholders& placeholders);

// All right sides see the item as it was. Throws UpdateError or NumberError; the item is then in no defined state.
void update_item(const Update& update, Item& item);

}  // namespace lambari::lang::dynamodb
