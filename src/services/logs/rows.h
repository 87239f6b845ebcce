// Reading and changing the room's rows inside a reader or a transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/logs/model.h"
#include "store/store.h"

namespace lambari::logs {

std::optional<Group> find_group(store::Reader& reader, const GroupName& name);
Group require_group(store::Reader& reader, const GroupName& name);  // throws ResourceNotFoundException
std::optional<Stream> find_stream(store::Reader& reader, const Group& group, std::string_view name);
Stream require_stream(store::Reader& reader, const Group& group, std::string_view name);

Group create_group(store::Transaction& t, const GroupName& name, Group group);
Stream create_stream(store::Transaction& t, const Group& group, std::string_view name, std::int64_t now);
void delete_group(store::Transaction& t, const GroupName& name, const Group& group);
void delete_stream(store::Transaction& t, const Group& group, std::string_view name, const Stream& stream);

struct NewEvent {
  std::int64_t time = 0;
  std::string_view message;
};

// Adds `events` in their order and keeps the stream's row, the index by last event and the group's byte count in step.
void append_events(store::Transaction& t, const Group& group, std::string_view stream_name, Stream stream,
                   const std::vector<NewEvent>& events, std::int64_t now);

std::uint64_t stored_bytes(store::Reader& reader, const Group& group);
void add_stored_bytes(store::Transaction& t, const Group& group, std::int64_t change);

}  // namespace lambari::logs
