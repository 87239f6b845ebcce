// The only place that spells the keys of this room.
//
//   dynamodb/table   account region name                                    -> Table
//   dynamodb/item    table spread hash [range]                              -> item
//   dynamodb/index   table index spread hash range table-hash [table-range] -> what the index projects of the item
//   dynamodb/stream  table label sequence                                   -> stream record
//   dynamodb/expiry  table second spread hash [range]                       -> ""
//   dynamodb/token   account region client-request-token                    -> when, what was asked, its answer
//   dynamodb/size    table                                                  -> items and bytes, of the table and its indexes
//   dynamodb/change  table time sequence spread hash [range]                -> the item before the change; "": there was none
//   dynamodb/policy  table label                                            -> Policy, of a stream; of the table: no label
//   dynamodb/backup  account region table-name label                        -> Backup
//   dynamodb/copy    target                                                 -> Copy, of rows under way
//
// The rows of a backup lie as those of a table do, under a number of its own.
//
// `spread` is a hash of the partition key, as AWS spreads partitions: a scan goes in its order, and a segment of a parallel scan
// is a range of it. Values of key attributes are spelled so that their bytes sort as DynamoDB sorts them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/dynamodb/model.h"
#include "store/key.h"

namespace lambari::dynamodb::keys {

inline constexpr std::string_view kTables[] = {"dynamodb/table",  "dynamodb/item",   "dynamodb/index", "dynamodb/stream",
                                               "dynamodb/expiry", "dynamodb/token",  "dynamodb/size",  "dynamodb/change",
                                               "dynamodb/policy", "dynamodb/backup", "dynamodb/copy"};

inline std::string tables() { return store::Key("dynamodb/table").str(); }
inline std::string tables(std::string_view account, std::string_view region) {
  return store::Key("dynamodb/table").text(account).text(region).str();
}
inline std::string table(const TableKey& name) {
  return store::Key("dynamodb/table").text(name.account).text(name.region).text(name.name).str();
}

// A value of a key attribute (S, N or B) as bytes.
std::string sortable(const Value& value);
// Of a partition key.
std::uint64_t spread(std::string_view sortable_hash);

// Rows of a table or of one of its indexes: `index` is 0 for the table.
std::string rows(std::uint64_t table, std::uint64_t index);
std::string rows_from(std::uint64_t table, std::uint64_t index, std::uint64_t spread);
std::string partition(std::uint64_t table, std::uint64_t index, const Value& hash);

// `range` may be nullptr in a table without one.
std::string item(std::uint64_t table, const Value& hash, const Value* range);
// An item of the table in an index; `index_range` may be nullptr.
std::string index_row(std::uint64_t table, std::uint64_t index, const Value& index_hash, const Value* index_range,
                      std::string_view item_key);
// What comes after rows(): the same bytes for a row of the table and where an index row names it.
std::string_view tail(std::string_view item_key);

inline std::string stream(std::uint64_t table, std::string_view label) {
  return store::Key("dynamodb/stream").number(table).text(label).str();
}
inline std::string stream_record(std::uint64_t table, std::string_view label, std::uint64_t sequence) {
  return store::Key("dynamodb/stream").number(table).text(label).number(sequence).str();
}

inline std::string expiries(std::uint64_t table) { return store::Key("dynamodb/expiry").number(table).str(); }
inline std::string expiry(std::uint64_t table, std::int64_t second) {
  return store::Key("dynamodb/expiry").number(table).signed_number(second).str();
}

inline std::string token(std::string_view account, std::string_view region, std::string_view token) {
  return store::Key("dynamodb/token").text(account).text(region).text(token).str();
}
inline std::string size(std::uint64_t table) { return store::Key("dynamodb/size").number(table).str(); }

inline std::string changes(std::uint64_t table) { return store::Key("dynamodb/change").number(table).str(); }
// Changes of this moment and later ones.
inline std::string changes_from(std::uint64_t table, std::int64_t ms) {
  return store::Key("dynamodb/change").number(table).signed_number(ms).str();
}
std::string change(std::uint64_t table, std::int64_t ms, std::uint64_t sequence, std::string_view item_key);
// The item's key among the rows of `rows`.
std::string item_of_change(std::uint64_t rows, std::string_view change_key);

inline std::string policies(std::uint64_t table) { return store::Key("dynamodb/policy").number(table).str(); }
inline std::string policy(std::uint64_t table, std::string_view label) {
  return store::Key("dynamodb/policy").number(table).text(label).str();
}

inline std::string backups(std::string_view account, std::string_view region) {
  return store::Key("dynamodb/backup").text(account).text(region).str();
}
inline std::string backups(const TableKey& name) {
  return store::Key("dynamodb/backup").text(name.account).text(name.region).text(name.name).str();
}
inline std::string backup(const TableKey& name, std::string_view label) {
  return store::Key("dynamodb/backup").text(name.account).text(name.region).text(name.name).text(label).str();
}

inline std::string copies() { return store::Key("dynamodb/copy").str(); }
inline std::string copy(std::uint64_t target) { return store::Key("dynamodb/copy").number(target).str(); }

}  // namespace lambari::dynamodb::keys
