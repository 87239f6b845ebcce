// Backups, and rows under way to a backup or to a restored table: plain values, and their text in a row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "services/dynamodb/model.h"
#include "services/dynamodb/writes.h"
#include "store/store.h"

namespace lambari::dynamodb {

inline constexpr std::size_t kMaxCopies = 50;  // under way at a time, in all accounts

struct Backup {
  std::string label;  // "01700000000000-1a2b3c4d": when, and what keeps two of that moment apart; sorts by time
  std::string name;
  std::string type;          // USER; SYSTEM: made when a table with point-in-time recovery was deleted
  std::string status;        // CREATING, AVAILABLE
  std::int64_t created = 0;  // ms
  std::int64_t expires = 0;  // ms; 0: never
  std::uint64_t rows = 0;    // the number under which its rows lie
  Table table;               // as it was
  Size table_size;           // of the table at that time, about
  Size size;                 // of the backup, once it is AVAILABLE

  std::string arn() const { return table.arn() + "/backup/" + label; }
};

// Of this moment.
Backup new_backup(const Table& table, Size table_size, std::string type, std::string name, base::Timestamp now);
std::string encode(const Backup& backup);
Backup decode_backup(std::string_view row);

// "arn:...:table/name/backup/label"
struct BackupName {
  TableKey table;
  std::string label;
};
std::optional<BackupName> parse_backup_arn(std::string_view arn);

// Rows on their way. First the source's rows are copied as they are met, then the changes since the moment are undone in
// the copy, latest first: an item then is what it was before its first change after the moment.
struct Copy {
  std::uint64_t target = 0;            // the number under which the rows will lie
  std::uint64_t source = 0;            // that under which they lie
  std::optional<std::int64_t> moment;  // ms; nothing: the source is a backup and does not change
  TableKey table;                      // of the source, where it is a table
  std::string backup_arn;              // of the backup that becomes AVAILABLE; empty: a table waits for its rows
  TableKey restored;                   // that table
  bool undoing = false;                // the rows are copied
  std::string cursor;                  // rows: where to go on; undoing: where what is left ends. Empty: at the beginning
  Size size;                           // of what is in the copy
};

std::string encode(const Copy& copy);
Copy decode_copy(std::string_view row);

// backups.cc
// Throws ValidationException when it is no backup's ARN.
std::optional<Backup> find_backup(store::Reader& reader, const std::string& arn);
// Whether the backup is being made, or a table is being made of it.
bool in_use(store::Reader& reader, const Backup& backup);
void erase_backup(store::Transaction& t, const Backup& backup);
// Writes the copy's row and, where the copy is of a moment, the row of the source table. Throws LimitExceededException.
void begin_copy(store::Transaction& t, Table* source, Copy copy);

}  // namespace lambari::dynamodb
