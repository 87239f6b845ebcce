#include "services/logs/rows.h"

#include <algorithm>

#include "aws/logs/types.h"
#include "base/ids.h"
#include "base/text.h"
#include "services/logs/keys.h"

namespace lambari::logs {

std::optional<Group> find_group(store::Reader& reader, const GroupName& name) {
  return reader.get(keys::group(name)).transform(decode_group);
}

Group require_group(store::Reader& reader, const GroupName& name) {
  auto group = find_group(reader, name);
  if (!group) throw aws::logs::ResourceNotFoundException("The specified log group does not exist.");
  return std::move(*group);
}

std::optional<Stream> find_stream(store::Reader& reader, const Group& group, std::string_view name) {
  return reader.get(keys::stream(group.id, name)).transform(decode_stream);
}

Stream require_stream(store::Reader& reader, const Group& group, std::string_view name) {
  auto stream = find_stream(reader, group, name);
  if (!stream) throw aws::logs::ResourceNotFoundException("The specified log stream does not exist.");
  return *stream;
}

Group create_group(store::Transaction& t, const GroupName& name, Group group) {
  group.id = base::random_u64();
  t.put(keys::group(name), encode(group));
  return group;
}

Stream create_stream(store::Transaction& t, const Group& group, std::string_view name, std::int64_t now) {
  Stream stream;
  stream.id = base::random_u64();
  stream.created = now;
  t.put(keys::stream(group.id, name), encode(stream));
  t.put(keys::last(group.id, 0, name), "");
  return stream;
}

void delete_group(store::Transaction& t, const GroupName& name, const Group& group) {
  t.erase(keys::group(name));
  t.erase(keys::bytes(group.id));
  t.erase(store::prefix_range(keys::streams(group.id)));
  t.erase(store::prefix_range(keys::lasts(group.id)));
  t.erase(store::prefix_range(keys::events(group.id)));
}

void delete_stream(store::Transaction& t, const Group& group, std::string_view name, const Stream& stream) {
  t.erase(keys::stream(group.id, name));
  t.erase(keys::last(group.id, stream.has_events ? stream.last : 0, name));
  t.erase(store::prefix_range(keys::events(group.id, stream.id)));
  if (stream.bytes) add_stored_bytes(t, group, -static_cast<std::int64_t>(stream.bytes));
}

void append_events(store::Transaction& t, const Group& group, std::string_view stream_name, Stream stream,
                   const std::vector<NewEvent>& events, std::int64_t now) {
  if (events.empty()) return;
  const auto indexed = stream.has_events ? stream.last : 0;
  std::size_t bytes = 0;
  for (const auto& event : events) {
    t.put(keys::event(group.id, stream.id, {event.time, stream.next++}), encode_event(now, event.message));
    bytes += event.message.size() + kEventOverhead;
    stream.first = stream.has_events ? std::min(stream.first, event.time) : event.time;
    stream.last = stream.has_events ? std::max(stream.last, event.time) : event.time;
    stream.has_events = true;
  }
  stream.ingested = now;
  stream.bytes += bytes;
  t.put(keys::stream(group.id, stream_name), encode(stream));
  if (stream.last != indexed) {
    t.erase(keys::last(group.id, indexed, stream_name));
    t.put(keys::last(group.id, stream.last, stream_name), "");
  }
  add_stored_bytes(t, group, static_cast<std::int64_t>(bytes));
}

std::uint64_t stored_bytes(store::Reader& reader, const Group& group) {
  auto row = reader.get(keys::bytes(group.id));
  return row ? static_cast<std::uint64_t>(std::max(0LL, base::parse_int(*row).value_or(0))) : 0;
}

void add_stored_bytes(store::Transaction& t, const Group& group, std::int64_t change) {
  const auto now = static_cast<std::int64_t>(stored_bytes(t, group)) + change;
  t.put(keys::bytes(group.id), std::to_string(std::max<std::int64_t>(0, now)));
}

}  // namespace lambari::logs
