#include "services/dynamodb/stream_record.h"

#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/writes.h"

namespace lambari::dynamodb {

// A record is itself kept as an item.
std::string encode_record(const Table& table, const Stream& stream, const ItemChange& change, base::Timestamp now) {
  const bool with_new = stream.view == "NEW_IMAGE" || stream.view == "NEW_AND_OLD_IMAGES";
  const bool with_old = stream.view == "OLD_IMAGE" || stream.view == "NEW_AND_OLD_IMAGES";
  Item row;
  row["event"] = {std::string(!change.before ? "INSERT" : !change.after ? "REMOVE" : "MODIFY")};
  row["time"] = {Number::parse(std::to_string(now.ms))};
  row["keys"] = {key_attributes(table, nullptr, change.after ? *change.after : *change.before)};
  if (with_new && change.after) row["new"] = {*change.after};
  if (with_old && change.before) row["old"] = {*change.before};
  if (change.expired) row["expired"] = {true};
  return encode(row);
}

StreamRecord decode_record(std::string_view bytes) {
  auto row = decode_item(bytes);
  StreamRecord record;
  record.event = *row.at("event").string();
  record.created.ms = std::stoll(row.at("time").number()->text());
  record.keys = std::move(*row.at("keys").map());
  if (const auto it = row.find("new"); it != row.end()) record.new_image = std::move(*it->second.map());
  if (const auto it = row.find("old"); it != row.end()) record.old_image = std::move(*it->second.map());
  record.expired = row.contains("expired");
  return record;
}

}  // namespace lambari::dynamodb
