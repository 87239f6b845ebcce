// The only place that spells the keys of this room.
//
//   logs/group   account region name            -> Group
//   logs/bytes   group-id                       -> bytes stored, decimal
//   logs/stream  group-id stream-name           -> Stream
//   logs/last    group-id last-time stream-name -> ""    (time 0 while the stream is empty)
//   logs/event   group-id stream-id time seq    -> ingestion time, message
#pragma once

#include <string>
#include <string_view>

#include "services/logs/model.h"
#include "store/key.h"
#include "store/store.h"

namespace lambari::logs::keys {

inline constexpr std::string_view kTables[] = {"logs/group", "logs/bytes", "logs/stream", "logs/last", "logs/event"};

inline std::string groups() { return store::Key("logs/group").str(); }
inline std::string groups(std::string_view account, std::string_view region) {
  return store::Key("logs/group").text(account).text(region).str();
}
inline std::string group(const GroupName& name) {
  return store::Key("logs/group").text(name.account).text(name.region).text(name.name).str();
}
bool read_group(std::string_view key, GroupName& out);

inline std::string bytes(std::uint64_t group) { return store::Key("logs/bytes").number(group).str(); }

inline std::string streams(std::uint64_t group) { return store::Key("logs/stream").number(group).str(); }
inline std::string stream(std::uint64_t group, std::string_view name) {
  return store::Key("logs/stream").number(group).text(name).str();
}
bool read_stream(std::string_view key, std::string& name);

inline std::string lasts(std::uint64_t group) { return store::Key("logs/last").number(group).str(); }
inline std::string last(std::uint64_t group, std::int64_t time) {
  return store::Key("logs/last").number(group).signed_number(time).str();
}
inline std::string last(std::uint64_t group, std::int64_t time, std::string_view stream) {
  return store::Key("logs/last").number(group).signed_number(time).text(stream).str();
}
bool read_last(std::string_view key, std::int64_t& time, std::string& stream);

inline std::string events(std::uint64_t group) { return store::Key("logs/event").number(group).str(); }
inline std::string events(std::uint64_t group, std::uint64_t stream) {
  return store::Key("logs/event").number(group).number(stream).str();
}
inline std::string event(std::uint64_t group, std::uint64_t stream, Position at) {
  return store::Key("logs/event").number(group).number(stream).signed_number(at.time).number(at.sequence).str();
}
bool read_event(std::string_view key, std::uint64_t& stream, Position& at);

// Keys of `table` from the one after `key`.
inline std::string after(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace lambari::logs::keys
