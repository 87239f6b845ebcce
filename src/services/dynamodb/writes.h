// One item's change inside a transaction, with all that follows from it: index rows, stream record, expiry.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/model.h"
#include "services/dynamodb/sequence.h"
#include "store/store.h"

namespace lambari::dynamodb {

struct Size {
  std::int64_t items = 0, bytes = 0;
  void add(const Size& other) {
    items += other.items;
    bytes += other.bytes;
  }
};

// What is in a table and in its indexes (by id), or what a change adds to them.
struct Growth {
  Size table;
  std::map<std::uint64_t, Size> indexes;
};

struct ItemChange {
  std::string key;                    // the item's row
  std::optional<std::string> stored;  // the row as it was
  std::optional<Item> before, after;
  bool expired = false;  // deleted by TTL
  Growth growth;         // set by write_item()
};

// Reads the item at `key`; `after` is still empty.
ItemChange load_item(store::Reader& reader, std::string key);

// Writes what differs between `before` and `after` and says what it cost. `ticket` numbers the stream's record. `now` never goes
// back: State::now().
Consumed write_item(store::Transaction& t, const Table& table, ItemChange& change, Sequence::Ticket& ticket, base::Timestamp now);

Size size_of_item(const Item& item);

}  // namespace lambari::dynamodb
