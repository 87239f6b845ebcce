#include "services/dynamodb/model.h"

#include <algorithm>
#include <stdexcept>

#include "base/json.h"
#include "base/text.h"
#include "store/json_row.h"

namespace lambari::dynamodb {
namespace {

namespace json = base::json;
using store::json_row::flag;
using store::json_row::number;
using store::json_row::text;

constexpr int kRowFormat = 1;

json::object pairs(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [name, value] : map) out[name] = value;
  return out;
}
std::map<std::string, std::string> pairs(const json::value& value) {
  std::map<std::string, std::string> out;
  for (const auto& member : value.as_object()) out.emplace(member.key(), member.value().as_string());
  return out;
}

json::object to_json(const Index& index) {
  return {{"id", index.id},
          {"name", index.name},
          {"global", index.global},
          {"hash", index.key.hash},
          {"range", index.key.range},
          {"projection", index.projection},
          {"include", json::array(index.include.begin(), index.include.end())},
          {"read", index.throughput.read},
          {"write", index.throughput.write},
          {"status", index.status}};
}

Index to_index(const json::object& object) {
  Index index;
  index.id = static_cast<std::uint64_t>(number(object, "id"));
  index.name = text(object, "name");
  index.global = flag(object, "global");
  index.key = {text(object, "hash"), text(object, "range")};
  index.projection = text(object, "projection");
  for (const auto& name : object.at("include").as_array()) index.include.emplace_back(name.as_string());
  index.throughput = {number(object, "read"), number(object, "write")};
  index.status = text(object, "status");
  return index;
}

json::value to_json(const std::optional<Recovery>& recovery) {
  if (!recovery) return nullptr;
  return json::object{{"days", recovery->days}, {"since", recovery->since}};
}

json::value to_json(const std::optional<Origin>& origin) {
  if (!origin) return nullptr;
  return json::object{{"backup", origin->backup_arn}, {"table", origin->table_arn}, {"time", origin->time}};
}

// What an older row lacks.
void read_added(Table& table, const json::object& object) {
  table.ttl_begins = flag(object, "ttlBegins");
  table.moment = number(object, "moment");
  if (const auto* value = object.if_contains("recovery"); value && value->is_object()) {
    table.recovery = Recovery{number(value->as_object(), "days"), number(value->as_object(), "since")};
  }
  if (const auto* value = object.if_contains("origin"); value && value->is_object()) {
    const auto& origin = value->as_object();
    table.origin = Origin{text(origin, "backup"), text(origin, "table"), number(origin, "time")};
  }
  if (const auto* value = object.if_contains("copies"); value && value->is_array()) {
    for (const auto& each : value->as_array()) {
      const auto& copy = each.as_object();
      table.copies.push_back({static_cast<std::uint64_t>(number(copy, "target")), number(copy, "moment")});
    }
  }
}

}  // namespace

const Index* Table::index(std::string_view wanted) const {
  const auto it = std::find_if(indexes.begin(), indexes.end(), [&](const auto& index) { return index.name == wanted; });
  return it == indexes.end() ? nullptr : &*it;
}

Index* Table::index(std::string_view wanted) { return const_cast<Index*>(std::as_const(*this).index(wanted)); }

std::string Table::arn() const { return "arn:aws:dynamodb:" + name.region + ":" + name.account + ":table/" + name.name; }

std::string Table::stream_arn(const Stream& stream) const { return arn() + "/stream/" + stream.label; }

std::string encode(const Table& table) {
  json::array indexes, streams, copies;
  for (const auto& index : table.indexes) indexes.push_back(to_json(index));
  for (const auto& stream : table.streams) {
    streams.push_back(json::object{{"label", stream.label}, {"view", stream.view}, {"enabled", stream.enabled}});
  }
  for (const auto& copy : table.copies) copies.push_back(json::object{{"target", copy.target}, {"moment", copy.moment}});
  return base::to_json(json::object{{"format", kRowFormat},
                                    {"id", table.id},
                                    {"account", table.name.account},
                                    {"region", table.name.region},
                                    {"name", table.name.name},
                                    {"uuid", table.uuid},
                                    {"status", table.status},
                                    {"created", table.created},
                                    {"attributes", pairs(table.attributes)},
                                    {"hash", table.key.hash},
                                    {"range", table.key.range},
                                    {"onDemand", table.on_demand},
                                    {"onDemandSince", table.on_demand_since},
                                    {"read", table.throughput.read},
                                    {"write", table.throughput.write},
                                    {"indexes", std::move(indexes)},
                                    {"nextIndex", table.next_index},
                                    {"streams", std::move(streams)},
                                    {"ttl", table.ttl_attribute},
                                    {"ttlBegins", table.ttl_begins},
                                    {"recovery", to_json(table.recovery)},
                                    {"copies", std::move(copies)},
                                    {"moment", table.moment},
                                    {"origin", to_json(table.origin)},
                                    {"protected", table.protected_from_deletion},
                                    {"class", table.table_class},
                                    {"tags", pairs(table.tags)}});
}

Table decode_table(std::string_view row) {
  const auto object = store::json_row::parse(row);
  if (number(object, "format") > kRowFormat) throw std::runtime_error("dynamodb: a table's row is of a newer format");
  Table table;
  table.id = static_cast<std::uint64_t>(number(object, "id"));
  table.name = {text(object, "account"), text(object, "region"), text(object, "name")};
  table.uuid = text(object, "uuid");
  table.status = text(object, "status");
  table.created = number(object, "created");
  table.attributes = pairs(object.at("attributes"));
  table.key = {text(object, "hash"), text(object, "range")};
  table.on_demand = flag(object, "onDemand");
  table.on_demand_since = number(object, "onDemandSince");
  table.throughput = {number(object, "read"), number(object, "write")};
  for (const auto& index : object.at("indexes").as_array()) table.indexes.push_back(to_index(index.as_object()));
  table.next_index = static_cast<std::uint64_t>(number(object, "nextIndex"));
  for (const auto& each : object.at("streams").as_array()) {
    const auto& stream = each.as_object();
    table.streams.push_back({text(stream, "label"), text(stream, "view"), flag(stream, "enabled")});
  }
  table.ttl_attribute = text(object, "ttl");
  table.protected_from_deletion = flag(object, "protected");
  table.table_class = text(object, "class");
  table.tags = pairs(object.at("tags"));
  read_added(table, object);
  return table;
}

std::optional<TableKey> parse_arn(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() < 6 || parts[0] != "arn" || parts[2] != "dynamodb" || !parts[5].starts_with("table/")) return std::nullopt;
  const auto path = base::split(parts[5], '/');
  if (path[1].empty()) return std::nullopt;
  return TableKey{std::string(parts[4]), std::string(parts[3]), std::string(path[1])};
}

std::string stream_label(std::string_view arn) {
  const auto parts = base::split(arn, '/');
  return parts.size() == 4 && parts[2] == "stream" ? std::string(parts[3]) : std::string();
}

}  // namespace lambari::dynamodb
