#include "services/dynamodb/backup.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/text.h"
#include "store/json_row.h"

namespace lambari::dynamodb {
namespace {

namespace json = base::json;
using store::json_row::flag;
using store::json_row::number;
using store::json_row::text;

json::array to_json(const Size& size) { return {size.items, size.bytes}; }
Size to_size(const json::value& value) {
  const auto& pair = value.as_array();
  return {pair.at(0).to_number<std::int64_t>(), pair.at(1).to_number<std::int64_t>()};
}

json::array to_json(const TableKey& name) { return {name.account, name.region, name.name}; }
TableKey to_table(const json::value& value) {
  const auto& parts = value.as_array();
  const auto part = [&](std::size_t i) { return std::string(parts.at(i).as_string()); };
  return {part(0), part(1), part(2)};
}

std::uint64_t id(const json::object& object, std::string_view name) { return static_cast<std::uint64_t>(number(object, name)); }

}  // namespace

Backup new_backup(const Table& table, Size table_size, std::string type, std::string name, base::Timestamp now) {
  Backup backup;
  const auto digits = std::to_string(now.ms);
  backup.label = std::string(14 - std::min<std::size_t>(14, digits.size()), '0') + digits + "-" + base::uuid().substr(0, 8);
  backup.name = std::move(name);
  backup.type = std::move(type);
  backup.created = now.ms;
  backup.table = table;
  backup.table_size = table_size;
  return backup;
}

std::string encode(const Backup& backup) {
  return base::to_json(json::object{{"label", backup.label},
                                    {"name", backup.name},
                                    {"type", backup.type},
                                    {"status", backup.status},
                                    {"created", backup.created},
                                    {"expires", backup.expires},
                                    {"rows", backup.rows},
                                    {"table", encode(backup.table)},
                                    {"tableSize", to_json(backup.table_size)},
                                    {"size", to_json(backup.size)}});
}

Backup decode_backup(std::string_view row) {
  const auto object = store::json_row::parse(row);
  Backup backup;
  backup.label = text(object, "label");
  backup.name = text(object, "name");
  backup.type = text(object, "type");
  backup.status = text(object, "status");
  backup.created = number(object, "created");
  backup.expires = number(object, "expires");
  backup.rows = id(object, "rows");
  backup.table = decode_table(text(object, "table"));
  backup.table_size = to_size(object.at("tableSize"));
  backup.size = to_size(object.at("size"));
  return backup;
}

std::optional<BackupName> parse_backup_arn(std::string_view arn) {
  const auto table = parse_arn(arn);
  const auto parts = base::split(arn, '/');
  if (!table || parts.size() != 4 || parts[2] != "backup" || parts[3].empty()) return std::nullopt;
  return BackupName{*table, std::string(parts[3])};
}

std::string encode(const Copy& copy) {
  json::object row{{"target", copy.target},
                   {"source", copy.source},
                   {"table", to_json(copy.table)},
                   {"backup", copy.backup_arn},
                   {"restored", to_json(copy.restored)},
                   {"undoing", copy.undoing},
                   {"cursor", base::base64(copy.cursor)},
                   {"size", to_json(copy.size)}};
  if (copy.moment) row["moment"] = *copy.moment;
  return base::to_json(row);
}

Copy decode_copy(std::string_view row) {
  const auto object = store::json_row::parse(row);
  Copy copy;
  copy.target = id(object, "target");
  copy.source = id(object, "source");
  copy.table = to_table(object.at("table"));
  copy.backup_arn = text(object, "backup");
  copy.restored = to_table(object.at("restored"));
  copy.undoing = flag(object, "undoing");
  copy.cursor = base::unbase64(text(object, "cursor")).value_or("");
  copy.size = to_size(object.at("size"));
  if (object.contains("moment")) copy.moment = number(object, "moment");
  return copy;
}

}  // namespace lambari::dynamodb
