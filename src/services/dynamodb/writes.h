// One item's change inside a transaction, with all that follows from it: index rows, stream record, expiry.
#pragma once

#include <optional>
#include <string>

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/model.h"
#include "services/dynamodb/sequence.h"
#include "store/store.h"

namespace lambari::dynamodb {

struct ItemChange {
  std::string key;                    // the item's row
  std::optional<std::string> stored;  // the row as it was
  std::optional<Item> before, after;
  bool expired = false;  // deleted by TTL
};

// Reads the item at `key`; `after` is still empty.
ItemChange load_item(store::Reader& reader, std::string key);

// Writes what differs between `before` and `after` and says what it cost. `ticket` numbers the stream's record.
Consumed write_item(store::Transaction& t, const Table& table, const ItemChange& change, Sequence::Ticket& ticket,
                    base::Timestamp now);

// How many items and bytes a change adds to the table.
struct Growth {
  std::int64_t items = 0, bytes = 0;
};
Growth growth_of(const ItemChange& change);

}  // namespace lambari::dynamodb
