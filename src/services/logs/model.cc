#include "services/logs/model.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/json.h"
#include "store/json_row.h"

namespace lambari::logs {

namespace json = base::json;
using store::json_row::flag;

namespace {

template <class T>
T number(const json::object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value ? value->to_number<T>() : T{};
}

}  // namespace

std::string encode(const Group& group) {
  json::object row{{"id", group.id}, {"created", group.created}};
  if (group.retention_days) row["retention"] = group.retention_days;
  if (group.protected_from_deletion) row["protected"] = true;
  if (!group.tags.empty()) {
    json::object tags;
    for (const auto& [key, value] : group.tags) tags[key] = value;
    row["tags"] = std::move(tags);
  }
  return base::to_json(row);
}

Group decode_group(std::string_view text) {
  const auto row = store::json_row::parse(text);
  Group group;
  group.id = number<std::uint64_t>(row, "id");
  group.created = number<std::int64_t>(row, "created");
  group.retention_days = number<std::int32_t>(row, "retention");
  group.protected_from_deletion = flag(row, "protected");
  if (const auto* tags = row.if_contains("tags"); tags && tags->is_object()) {
    for (const auto& [key, value] : tags->as_object()) group.tags[std::string(key)] = std::string(value.as_string());
  }
  return group;
}

std::string encode(const Stream& stream) {
  json::object row{{"id", stream.id}, {"created", stream.created}};
  if (stream.next) row["next"] = stream.next;
  if (stream.has_events) {
    row["first"] = stream.first;
    row["last"] = stream.last;
    row["ingested"] = stream.ingested;
    row["bytes"] = stream.bytes;
  }
  return base::to_json(row);
}

Stream decode_stream(std::string_view text) {
  const auto row = store::json_row::parse(text);
  Stream stream;
  stream.id = number<std::uint64_t>(row, "id");
  stream.created = number<std::int64_t>(row, "created");
  stream.next = number<std::uint64_t>(row, "next");
  stream.has_events = row.contains("last");
  stream.first = number<std::int64_t>(row, "first");
  stream.last = number<std::int64_t>(row, "last");
  stream.ingested = number<std::int64_t>(row, "ingested");
  stream.bytes = number<std::uint64_t>(row, "bytes");
  return stream;
}

std::string encode_event(std::int64_t ingested, std::string_view message) {
  std::string row(8, '\0');
  for (int i = 0; i < 8; ++i) row[i] = static_cast<char>(static_cast<std::uint64_t>(ingested) >> (56 - 8 * i));
  row.append(message);
  return row;
}

StoredEvent decode_event(std::string_view row) {
  if (row.size() < 8) throw std::runtime_error("logs: unreadable event");
  std::uint64_t ingested = 0;
  for (int i = 0; i < 8; ++i) ingested = ingested << 8 | static_cast<unsigned char>(row[i]);
  return {static_cast<std::int64_t>(ingested), row.substr(8)};
}

std::string group_arn(const GroupName& name) {
  return fmt::format("arn:aws:logs:{}:{}:log-group:{}", name.region, name.account, name.name);
}

std::string stream_arn(const GroupName& name, std::string_view stream) {
  return fmt::format("{}:log-stream:{}", group_arn(name), stream);
}

}  // namespace lambari::logs
