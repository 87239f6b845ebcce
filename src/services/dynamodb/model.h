// What the room keeps: plain values, and their text in a row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/dynamodb_path.h"
#include "lang/dynamodb_value.h"

namespace lambari::dynamodb {

using lang::dynamodb::Binary;
using lang::dynamodb::Item;
using lang::dynamodb::List;
using lang::dynamodb::Map;
using lang::dynamodb::Null;
using lang::dynamodb::Number;
using lang::dynamodb::Path;
using lang::dynamodb::Type;
using lang::dynamodb::Value;

struct TableKey {
  std::string account, region, name;
  auto operator<=>(const TableKey&) const = default;
};

// The key of a table or an index: names of attributes. `range` is empty where there is none.
struct KeySchema {
  std::string hash, range;
  bool has(std::string_view name) const { return name == hash || (!range.empty() && name == range); }
};

struct Throughput {
  std::int64_t read = 0, write = 0;  // units per second; 0 on demand
};

struct Index {
  std::uint64_t id = 0;  // within the table, never used again
  std::string name;
  bool global = false;
  KeySchema key;
  std::string projection;            // ALL, KEYS_ONLY, INCLUDE
  std::vector<std::string> include;  // of INCLUDE
  Throughput throughput;
  std::string status = "ACTIVE";  // CREATING, UPDATING, DELETING, ACTIVE; of global ones
};

struct Stream {
  std::string label;  // "2026-11-25T22:00:00.000"
  std::string view;   // KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES
  bool enabled = true;
};

// Point-in-time recovery. All times are ms.
struct Recovery {
  std::int64_t days = 35;  // for which changes are kept
  std::int64_t since = 0;  // no earlier moment can be restored
};

// Rows of the table that are being copied as they were at a moment.
struct CopyUnderWay {
  std::uint64_t target = 0;  // where to: the copy's id
  std::int64_t moment = 0;   // ms
};

// Where a restored table came from.
struct Origin {
  std::string backup_arn, table_arn;
  std::int64_t time = 0;  // ms: the moment whose state it has
};

struct Table {
  std::uint64_t id = 0;  // new for each creation, so that rows of a deleted namesake are never met again
  TableKey name;
  std::string uuid;
  std::string status;  // CREATING, UPDATING, DELETING, ACTIVE
  std::int64_t created = 0;
  std::map<std::string, std::string> attributes;  // of keys: S, N, B
  KeySchema key;
  bool on_demand = false;
  std::int64_t on_demand_since = 0;
  Throughput throughput;
  std::vector<Index> indexes;
  std::uint64_t next_index = 1;
  std::vector<Stream> streams;  // the last is the latest
  std::string ttl_attribute;    // empty: off
  bool ttl_begins = false;      // items that are there already have no expiry yet
  bool protected_from_deletion = false;
  std::string table_class;  // STANDARD, STANDARD_INFREQUENT_ACCESS
  std::map<std::string, std::string> tags;
  std::optional<Recovery> recovery;  // nothing: off
  std::vector<CopyUnderWay> copies;
  std::int64_t moment = 0;  // ms: changes made after this row was written count as later
  std::optional<Origin> origin;

  const Index* index(std::string_view name) const;
  Index* index(std::string_view name);
  const Stream* stream() const { return streams.empty() || !streams.back().enabled ? nullptr : &streams.back(); }
  // When a change that is made now, ms, counts as made. A copy that begins now is of that moment: it holds all changes so far.
  std::int64_t time_of_change(std::int64_t now) const { return std::max(now, moment + 1); }
  // Whether each change of an item leaves in the log what the item was before.
  bool keeps_changes() const { return recovery.has_value() || !copies.empty(); }
  std::string arn() const;
  std::string stream_arn(const Stream& stream) const;
};

std::string encode(const Table& table);
Table decode_table(std::string_view row);  // throws std::runtime_error: a broken invariant

// "arn:aws:dynamodb:region:account:table/name[/...]"; nothing for anything else.
std::optional<TableKey> parse_arn(std::string_view arn);
// "arn:...:table/name/stream/label": its label; "" for anything else.
std::string stream_label(std::string_view arn);

}  // namespace lambari::dynamodb
