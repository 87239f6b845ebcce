#include "services/dynamodb/stream_reader.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

constexpr std::string_view kSequenceStart = "1";  // AWS's numbers have 21 digits and more

}  // namespace

std::optional<FoundStream> find_stream(State& state, store::Reader& reader, std::string_view account, const std::string& arn) {
  const auto name = parse_arn(arn);
  const auto parts = base::split(arn, '/');
  if (!name || parts.size() != 4 || parts[2] != "stream") invalid("Invalid StreamArn");
  if (name->account != account) return std::nullopt;
  const auto table = state.tables.find(reader, *name);
  if (!table) return std::nullopt;
  for (const auto& stream : table->streams) {
    if (stream.label == parts[3]) return FoundStream{table, &stream};
  }
  return std::nullopt;
}

void stream_not_found(const std::string& arn) {
  throw aws::dynamodbstreams::ResourceNotFoundException("Requested resource not found: Stream: " + arn + " not found");
}

std::string shard_id(const Table& table, const Stream& stream) {
  const auto digest = base::hex(base::sha1(table.uuid + stream.label)).substr(0, 8);
  const auto time = std::to_string(table.created);
  return "shardId-" + std::string(20 - std::min<std::size_t>(20, time.size()), '0') + time + "-" + digest;
}

std::string spelled_sequence(std::uint64_t number) {
  const auto digits = std::to_string(number);
  return std::string(kSequenceStart) + std::string(20 - digits.size(), '0') + digits;
}

std::uint64_t sequence_of(const std::string& text) {
  if (text.size() != 21 || !text.starts_with(kSequenceStart) || text.find_first_not_of("0123456789") != std::string::npos) {
    invalid("Invalid SequenceNumber: " + text);
  }
  try {
    return std::stoull(text.substr(1));
  } catch (const std::out_of_range&) {
    invalid("Invalid SequenceNumber: " + text);
  }
}

std::uint64_t sequence_of_key(const std::string& key) {
  store::KeyReader reader(std::string_view(key).substr(key.size() - 8));
  std::uint64_t sequence = 0;
  if (!reader.number(sequence)) throw std::runtime_error("dynamodb: a stream record's key is cut off");
  return sequence;
}

std::string event_id(const Table& table, const Stream& stream, std::uint64_t sequence) {
  return base::hex(base::md5(table.uuid + stream.label + std::to_string(sequence)));
}

std::size_t size_of(const StreamRecord& record) {
  auto size = lang::dynamodb::size_of(record.keys);
  if (record.new_image) size += lang::dynamodb::size_of(*record.new_image);
  if (record.old_image) size += lang::dynamodb::size_of(*record.old_image);
  return size;
}

Walked walk(store::Reader& reader, const Table& table, const Stream& stream, std::uint64_t next, std::uint64_t horizon,
            std::size_t page, const Take& take) {
  if (next >= horizon) return {next, false};
  store::Range range{keys::stream_record(table.id, stream.label, next), keys::stream_record(table.id, stream.label, horizon)};
  for (;;) {
    const auto rows = reader.scan(range, page);
    for (const auto& row : rows) {
      const auto sequence = sequence_of_key(row.key);
      if (!take(sequence, row.value)) return {sequence + 1, true};
    }
    // All below the horizon was seen: nobody need look at it again.
    if (rows.size() < page) return {horizon, false};
    range.begin = rows.back().key + '\0';
  }
}

}  // namespace lambari::dynamodb
