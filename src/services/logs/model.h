// What the room keeps: plain values, and their text in a row.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lambari::logs {

// Names a group.
struct GroupName {
  std::string account, region, name;
  auto operator<=>(const GroupName&) const = default;
};

struct Group {
  std::uint64_t id = 0;  // new for each creation, so that streams and events of a deleted namesake are never met again
  std::int64_t created = 0;
  std::int32_t retention_days = 0;  // 0: events stay
  bool protected_from_deletion = false;
  std::map<std::string, std::string> tags;
};

struct Stream {
  std::uint64_t id = 0;
  std::int64_t created = 0;
  std::uint64_t next = 0;                          // sequence of the next event: orders events of the same millisecond
  std::int64_t first = 0, last = 0, ingested = 0;  // meaningful when has_events
  std::uint64_t bytes = 0;
  bool has_events = false;
};

// Place of an event in its stream; also a gap, just before the event at that place.
struct Position {
  std::int64_t time = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const Position&) const = default;
};

inline constexpr std::size_t kEventOverhead = 26;         // bytes AWS counts for each event beside its message
inline constexpr std::size_t kMaxBatchBytes = 1'048'576;  // of PutLogEvents, and of a page that is read
inline constexpr std::size_t kMaxBatchEvents = 10'000;
inline constexpr std::int64_t kDay = 86'400'000;  // ms

std::string encode(const Group& group);
std::string encode(const Stream& stream);
// A row that cannot be read is a broken invariant: they throw std::runtime_error.
Group decode_group(std::string_view row);
Stream decode_stream(std::string_view row);

struct StoredEvent {
  std::int64_t ingested = 0;
  std::string_view message;  // points into the row
};
std::string encode_event(std::int64_t ingested, std::string_view message);
StoredEvent decode_event(std::string_view row);

std::string group_arn(const GroupName& name);  // without ":*"
std::string stream_arn(const GroupName& name, std::string_view stream);

}  // namespace lambari::logs
