#include "services/dynamodb/streams.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/stream_reader.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodbstreams;

constexpr std::size_t kMaxRecords = 1000, kMaxBytes = 1024 * 1024, kPage = 100;
constexpr std::int64_t kIteratorLife = 15 * 60 * 1000;  // ms

FoundStream need_stream(State& state, store::Reader& reader, const wire::Call& call, const std::string& arn) {
  auto found = find_stream(state, reader, call.account, arn);
  if (!found) stream_not_found(arn);
  return std::move(*found);
}

// Opaque to clients: a place in a stream, and since when it is valid.
std::string iterator_of(const std::string& arn, std::uint64_t next, base::Timestamp now) {
  return base::base64(base::to_json(base::json::object{{"stream", arn}, {"next", next}, {"time", now.ms}}));
}

struct Iterator {
  std::string arn;
  std::uint64_t next = 0;
};

Iterator read_iterator(const std::string& text, base::Timestamp now) {
  const auto bytes = base::unbase64(text);
  const auto value = bytes ? base::parse_json(*bytes) : std::nullopt;
  const auto* object = value && value->is_object() ? &value->as_object() : nullptr;
  const auto member = [&](const char* name) { return object != nullptr ? object->if_contains(name) : nullptr; };
  const auto *arn = member("stream"), *next = member("next"), *time = member("time");
  if (arn == nullptr || next == nullptr || time == nullptr || !arn->is_string() || !next->is_number() || !time->is_number()) {
    invalid("Invalid ShardIterator");
  }
  boost::system::error_code error;
  const auto issued = time->to_number<std::int64_t>(error);
  const auto place = next->to_number<std::uint64_t>(error);
  if (error) invalid("Invalid ShardIterator");
  if (issued + kIteratorLife < now.ms) {
    throw api::ExpiredIteratorException("Iterator expired. The iterator was created more than 15 minutes ago.");
  }
  return {std::string(arn->as_string()), place};
}

api::Record to_record(const Table& table, const Stream& stream, std::uint64_t sequence, const StreamRecord& record) {
  api::Record out;
  out.eventID = event_id(table, stream, sequence);
  out.eventName = record.event;
  out.eventVersion = "1.1";
  out.eventSource = "aws:dynamodb";
  out.awsRegion = table.name.region;
  auto& body = out.dynamodb.emplace();
  body.ApproximateCreationDateTime = base::Timestamp{record.created.ms / 1000 * 1000};
  body.Keys = to_stream_wire(record.keys);
  if (record.new_image) body.NewImage = to_stream_wire(*record.new_image);
  if (record.old_image) body.OldImage = to_stream_wire(*record.old_image);
  body.SequenceNumber = spelled_sequence(sequence);
  body.SizeBytes = static_cast<std::int64_t>(size_of(record));
  body.StreamViewType = stream.view;
  if (record.expired) {
    auto& who = out.userIdentity.emplace();
    who.PrincipalId = "dynamodb.amazonaws.com";
    who.Type = "Service";
  }
  return out;
}

}  // namespace

async::Task<contracts::AccessRequest> Streams::access(const wire::Call& call, const wire::Operation& operation,
                                                      const void* request) {
  contracts::AccessRequest out;
  out.action = "dynamodb:" + std::string(operation.name);
  const auto arn = request != nullptr ? wire::string_member(*operation.input, request, "StreamArn") : std::nullopt;
  if (arn) {
    out.resources = {*arn};
  } else if (operation.name == "GetRecords") {
    const auto text = wire::string_member(*operation.input, request, "ShardIterator").value_or("");
    out.resources = {read_iterator(text, state_->clock.now()).arn};
  } else {
    out.resources = {"*"};
    co_return out;
  }
  const auto& stream = out.resources.front();
  if (const auto table = parse_arn(stream)) guard_by_table(*state_, *table, out, stream_label(stream));
  co_return out;
}

async::Task<api::ListStreamsOutput> Streams::ListStreams(const wire::Call& call, api::ListStreamsInput request) {
  const auto reader = state_->store.read();
  const auto limit = static_cast<std::size_t>(std::clamp(request.Limit.value_or(100), 1, 100));
  std::vector<Table> tables;
  if (request.TableName) {
    if (const auto table = state_->tables.find(*reader, table_key(call, *request.TableName))) tables.push_back(*table);
  } else {
    for (const auto& row : reader->scan(store::prefix_range(keys::tables(call.account, call.region)), 100'000)) {
      tables.push_back(decode_table(row.value));
    }
  }
  api::ListStreamsOutput out;
  auto& streams = out.Streams.emplace();
  bool begun = !request.ExclusiveStartStreamArn;
  for (const auto& table : tables) {
    for (const auto& stream : table.streams) {
      const auto arn = table.stream_arn(stream);
      if (!begun) {
        begun = arn == *request.ExclusiveStartStreamArn;
        continue;
      }
      if (streams.size() == limit) {
        out.LastEvaluatedStreamArn = streams.back().StreamArn;
        co_return out;
      }
      auto& entry = streams.emplace_back();
      entry.StreamArn = arn;
      entry.TableName = table.name.name;
      entry.StreamLabel = stream.label;
    }
  }
  co_return out;
}

async::Task<api::DescribeStreamOutput> Streams::DescribeStream(const wire::Call& call, api::DescribeStreamInput request) {
  const auto reader = state_->store.read();
  const auto [table, stream] = need_stream(*state_, *reader, call, request.StreamArn);
  api::DescribeStreamOutput out;
  auto& description = out.StreamDescription.emplace();
  description.StreamArn = request.StreamArn;
  description.StreamLabel = stream->label;
  description.StreamStatus = stream->enabled ? "ENABLED" : "DISABLED";
  description.StreamViewType = stream->view;
  base::Timestamp created;
  if (base::parse_iso8601(stream->label + "Z", created)) description.CreationRequestDateTime = created;
  description.TableName = table->name.name;
  auto& schema = description.KeySchema.emplace();
  schema.push_back({table->key.hash, "HASH"});
  if (!table->key.range.empty()) schema.push_back({table->key.range, "RANGE"});
  auto& shards = description.Shards.emplace();
  if (!request.ExclusiveStartShardId) {
    auto& shard = shards.emplace_back();
    shard.ShardId = shard_id(*table, *stream);
    auto& range = shard.SequenceNumberRange.emplace();
    const auto all = store::prefix_range(keys::stream(table->id, stream->label));
    const auto first = reader->scan(all, 1);
    range.StartingSequenceNumber = spelled_sequence(first.empty() ? 1 : sequence_of_key(first[0].key));
    if (!stream->enabled) {
      const auto last = reader->scan(all, 1, store::Order::descending);
      range.EndingSequenceNumber = spelled_sequence(last.empty() ? 1 : sequence_of_key(last[0].key));
    }
  }
  co_return out;
}

async::Task<api::GetShardIteratorOutput> Streams::GetShardIterator(const wire::Call& call, api::GetShardIteratorInput request) {
  const auto reader = state_->store.read();
  const auto [table, stream] = need_stream(*state_, *reader, call, request.StreamArn);
  if (request.ShardId != shard_id(*table, *stream)) {
    throw api::ResourceNotFoundException("Requested resource not found: Shard does not exist");
  }
  const auto& type = request.ShardIteratorType;
  const bool by_sequence = type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER";
  if (by_sequence && !request.SequenceNumber) {
    invalid("1 validation error detected: Value null at 'sequenceNumber' failed to satisfy constraint: Member must not be null");
  }
  if (!by_sequence && request.SequenceNumber) invalid("SequenceNumber can not be given with ShardIteratorType " + type);
  if (request.Timestamp) invalid("lambari does not offer the ShardIteratorType AT_TIMESTAMP yet.");
  std::uint64_t next = 0;
  if (type == "LATEST") next = state_->sequence.horizon();
  if (by_sequence) next = sequence_of(*request.SequenceNumber) + (type == "AFTER_SEQUENCE_NUMBER" ? 1 : 0);
  api::GetShardIteratorOutput out;
  out.ShardIterator = iterator_of(request.StreamArn, next, state_->clock.now());
  co_return out;
}

async::Task<api::GetRecordsOutput> Streams::GetRecords(const wire::Call& call, api::GetRecordsInput request) {
  const auto now = state_->clock.now();
  const auto iterator = read_iterator(request.ShardIterator, now);
  const auto horizon = state_->sequence.horizon();  // before the view is taken: it holds all below
  const auto reader = state_->store.read();
  const auto [table, stream] = need_stream(*state_, *reader, call, iterator.arn);
  const auto limit = static_cast<std::size_t>(
      std::clamp(request.Limit.value_or(static_cast<std::int32_t>(kMaxRecords)), 1, static_cast<std::int32_t>(kMaxRecords)));
  api::GetRecordsOutput out;
  auto& records = out.Records.emplace();
  std::size_t bytes = 0;
  const auto [next, more] = walk(*reader, *table, *stream, iterator.next, horizon, std::min(kPage, limit),
                                 [&](std::uint64_t sequence, std::string_view row) {
                                   const auto record = decode_record(row);
                                   if (record.created.ms + kStreamLife < now.ms) return true;  // about to be trimmed
                                   records.push_back(to_record(*table, *stream, sequence, record));
                                   bytes += row.size();
                                   return records.size() < limit && bytes < kMaxBytes;
                                 });
  if (stream->enabled || more) out.NextShardIterator = iterator_of(iterator.arn, next, now);
  co_return out;
}

}  // namespace lambari::dynamodb
