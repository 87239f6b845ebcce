#include "services/dynamodb/streams.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/stream_record.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodbstreams;

constexpr std::size_t kMaxRecords = 1000, kMaxBytes = 1024 * 1024, kPage = 100;
constexpr std::int64_t kIteratorLife = 15 * 60 * 1000;     // ms
constexpr std::int64_t kRecordLife = 24 * 60 * 60 * 1000;  // ms
constexpr std::string_view kSequenceStart = "1";           // AWS's numbers have 21 digits and more

std::string spelled_sequence(std::uint64_t number) {
  auto digits = std::to_string(number);
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

struct Found {
  SharedTable table;
  const Stream* stream = nullptr;
};

Found find_stream(State& state, store::Reader& reader, const wire::Call& call, const std::string& arn) {
  const auto name = parse_arn(arn);
  const auto parts = base::split(arn, '/');
  if (!name || parts.size() != 4 || parts[2] != "stream") invalid("Invalid StreamArn");
  if (name->account == call.account) {
    if (auto table = state.tables.find(reader, *name)) {
      for (const auto& stream : table->streams)
        if (stream.label == parts[3]) return {table, &stream};
    }
  }
  throw api::ResourceNotFoundException("Requested resource not found: Stream: " + arn + " not found");
}

// The same for all streams of a table's row: one shard each.
std::string shard_id(const Table& table, const Stream& stream) {
  const auto digest = base::hex(base::sha1(table.uuid + stream.label)).substr(0, 8);
  auto time = std::to_string(table.created);
  return "shardId-" + std::string(20 - std::min<std::size_t>(20, time.size()), '0') + time + "-" + digest;
}

std::uint64_t sequence_of_key(const std::string& key) {
  store::KeyReader reader(std::string_view(key).substr(key.size() - 8));
  std::uint64_t sequence = 0;
  if (!reader.number(sequence)) throw std::runtime_error("dynamodb: a stream record's key is cut off");
  return sequence;
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
  out.eventID = base::hex(base::md5(table.uuid + stream.label + std::to_string(sequence)));
  out.eventName = record.event;
  out.eventVersion = "1.1";
  out.eventSource = "aws:dynamodb";
  out.awsRegion = table.name.region;
  auto& body = out.dynamodb.emplace();
  body.ApproximateCreationDateTime = base::Timestamp{record.created.ms / 1000 * 1000};
  body.Keys = to_stream_wire(record.keys);
  auto size = size_of(record.keys);
  if (record.new_image) {
    body.NewImage = to_stream_wire(*record.new_image);
    size += size_of(*record.new_image);
  }
  if (record.old_image) {
    body.OldImage = to_stream_wire(*record.old_image);
    size += size_of(*record.old_image);
  }
  body.SequenceNumber = spelled_sequence(sequence);
  body.SizeBytes = static_cast<std::int64_t>(size);
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
  const auto [table, stream] = find_stream(*state_, *reader, call, request.StreamArn);
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
  const auto [table, stream] = find_stream(*state_, *reader, call, request.StreamArn);
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
  const auto [table, stream] = find_stream(*state_, *reader, call, iterator.arn);
  const auto limit = static_cast<std::size_t>(
      std::clamp(request.Limit.value_or(static_cast<std::int32_t>(kMaxRecords)), 1, static_cast<std::int32_t>(kMaxRecords)));
  store::Range range{keys::stream_record(table->id, stream->label, iterator.next),
                     keys::stream_record(table->id, stream->label, horizon)};
  api::GetRecordsOutput out;
  auto& records = out.Records.emplace();
  auto next = iterator.next;
  std::size_t bytes = 0;
  bool more = range.begin < range.end;
  while (more && records.size() < limit && bytes < kMaxBytes) {
    const auto rows = reader->scan(range, std::min(kPage, limit - records.size()));
    more = !rows.empty();
    for (const auto& row : rows) {
      const auto sequence = sequence_of_key(row.key);
      next = sequence + 1;
      range.begin = row.key + '\0';
      const auto record = decode_record(row.value);
      if (record.created.ms + kRecordLife < now.ms) continue;  // about to be trimmed
      records.push_back(to_record(*table, *stream, sequence, record));
      bytes += row.value.size();
      if (bytes >= kMaxBytes) break;
    }
  }
  // All below the horizon was seen: the next call need not look at it again.
  if (!more) next = std::max(next, horizon);
  if (stream->enabled || more) out.NextShardIterator = iterator_of(iterator.arn, next, now);
  co_return out;
}

}  // namespace lambari::dynamodb
