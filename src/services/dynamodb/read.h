// Reading pages of items: what Query, Scan and their indexes share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/conditions.h"
#include "services/dynamodb/model.h"
#include "store/store.h"

namespace lambari::dynamodb {

inline constexpr std::size_t kMaxPage = 1024 * 1024;  // bytes of items read, before the filter

// What is read of each item.
struct Wanted {
  bool items = true;                       // false: only counted
  std::optional<std::vector<Path>> paths;  // nothing: all that the table or index holds
  std::optional<Condition> filter;
  bool whole = false;  // of a local index: what it does not project is fetched from the table
};

struct PageRequest {
  store::Range range;
  std::optional<std::string> row;  // the only one that `range` can hold, where row_of() knows it
  store::Order order = store::Order::ascending;
  std::size_t limit = 0;  // items read; 0: no limit
  bool consistent = false;
  Wanted wanted;
};

struct Page {
  std::vector<Item> items;
  std::size_t count = 0, scanned = 0;
  std::optional<Item> last_key;  // when there may be more
  Consumed consumed;
};

Page read_page(store::Reader& reader, const Table& table, const Index* index, const PageRequest& request);

// The rows that a key condition asks for.
store::Range range_of(const Table& table, const Index* index, const KeyCondition& condition);
// The row, when the condition names a whole key of the table. To get one row costs less than to look for all of a range: the
// files that do not have it are passed over.
std::optional<std::string> row_of(const Table& table, const Index* index, const KeyCondition& condition);
// Segment `segment` of `total` of a scan.
store::Range segment_of(const Table& table, const Index* index, std::uint64_t segment, std::uint64_t total);
// The range cut to what comes after an ExclusiveStartKey. Throws ValidationException when that is not one of its keys.
store::Range after(const Table& table, const Index* index, store::Range range, store::Order order, const Item& start);

}  // namespace lambari::dynamodb
