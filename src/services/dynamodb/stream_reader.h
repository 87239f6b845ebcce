// What reading a stream takes, for the streams' API and for event source mappings: its one shard, its places, its records.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "services/dynamodb/state.h"
#include "services/dynamodb/stream_record.h"

namespace lambari::dynamodb {

inline constexpr std::int64_t kStreamLife = 24 * 60 * 60 * 1000;  // ms

struct FoundStream {
  SharedTable table;
  const Stream* stream = nullptr;  // of `table`
};

// Throws ValidationException for what is not the ARN of a stream. Nothing when the account has no such stream.
std::optional<FoundStream> find_stream(State& state, store::Reader& reader, std::string_view account, const std::string& arn);
[[noreturn]] void stream_not_found(const std::string& arn);

// A stream has one shard.
std::string shard_id(const Table& table, const Stream& stream);

// Sequence numbers as clients have them.
std::string spelled_sequence(std::uint64_t number);
std::uint64_t sequence_of(const std::string& text);  // throws ValidationException
std::uint64_t sequence_of_key(const std::string& key);

// Of one record.
std::string event_id(const Table& table, const Stream& stream, std::uint64_t sequence);
std::size_t size_of(const StreamRecord& record);  // SizeBytes

// Gives `take` the records from `next` up to `horizon` (not included) in order, as rows, until it answers false: then the record
// it was given last has been looked at, too. Returns where to go on, and whether there may be more below the horizon.
struct Walked {
  std::uint64_t next = 0;
  bool more = false;
};
using Take = std::function<bool(std::uint64_t sequence, std::string_view row)>;
Walked walk(store::Reader& reader, const Table& table, const Stream& stream, std::uint64_t next, std::uint64_t horizon,
            std::size_t page, const Take& take);

}  // namespace lambari::dynamodb
