// A change of an item as its stream keeps it.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "services/dynamodb/model.h"

namespace lambari::dynamodb {

struct ItemChange;

struct StreamRecord {
  std::string event;  // INSERT, MODIFY, REMOVE
  base::Timestamp created;
  Item keys;
  std::optional<Item> new_image, old_image;  // as the stream's view has them
  bool expired = false;                      // TTL deleted it
};

std::string encode_record(const Table& table, const Stream& stream, const ItemChange& change, base::Timestamp now);
StreamRecord decode_record(std::string_view row);  // throws std::runtime_error: a broken invariant

}  // namespace lambari::dynamodb
