// What an item must be for its table, and which rows it has in the indexes. Pure.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/dynamodb/model.h"

namespace lambari::dynamodb {

inline constexpr std::size_t kMaxItem = 400 * 1024;  // bytes
inline constexpr std::size_t kMaxHash = 2048;
inline constexpr std::size_t kMaxRange = 1024;

// The store's key of an item that is put; checks the item's keys and those of the indexes. Throws ValidationException.
std::string key_of_item(const Table& table, const Item& item);
// The same for the `Key` of a request: exactly the attributes of the table's key.
std::string key_of_request(const Table& table, const Item& key);

// Only the key attributes of an item: of the table, and of the index if one is given.
Item key_attributes(const Table& table, const Index* index, const Item& item);

void check_size(const Item& item);          // of PutItem
void check_updated_size(const Item& item);  // of UpdateItem
// An update must leave key attributes of the indexes with their types. Throws ValidationException.
void check_index_keys(const Table& table, const Item& item);

// The row of an item in an index: key and projected item; nothing when the item lacks a key attribute of the index.
std::optional<std::pair<std::string, Item>> index_row(const Table& table, const Index& index, std::string_view item_key,
                                                      const Item& item);

// Seconds since the epoch at which the item expires; nothing where TTL is off or the attribute is no number or over five years
// old.
std::optional<std::int64_t> expiry_of(const Table& table, const Item& item, std::int64_t now_ms);

}  // namespace lambari::dynamodb
