#include "services/dynamodb/stream_source.h"

#include "aws/dynamodbstreams/api.h"
#include "base/text.h"
#include "services/dynamodb/convert.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/stream_event.h"
#include "services/dynamodb/stream_reader.h"
#include "store/key.h"
#include "wire/fault.h"

namespace lambari::dynamodb {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t kPage = 100;
constexpr std::size_t kMaxLookedAt = 1'000;  // records in one go: the loop serves others in between

std::string account_of(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  return parts.size() > 4 ? std::string(parts[4]) : std::string();
}

// A cursor is a sequence number with leading zeros.
std::string cursor_of(std::uint64_t next) {
  const auto digits = std::to_string(next);
  return std::string(20 - digits.size(), '0') + digits;
}

FoundStream need(State& state, store::Reader& reader, const std::string& arn, const std::string& shard) {
  auto found = find_stream(state, reader, account_of(arn), arn);
  if (!found || found->table->status == "DELETING") stream_not_found(arn);
  if (shard != shard_id(*found->table, *found->stream)) {
    throw aws::dynamodbstreams::ResourceNotFoundException("Requested resource not found: Shard does not exist");
  }
  return std::move(*found);
}

bool in_slice(const Table& table, std::string_view row, contracts::StreamSlice slice) {
  if (slice.of <= 1) return true;
  const auto keys = decode_attribute(row, "keys");
  return keys && keys::spread(keys::sortable(keys->map()->at(table.key.hash))) % slice.of == slice.index;
}

struct Looked {
  contracts::StreamPage page;
  bool more = false;    // below the horizon
  bool hidden = false;  // a record is there and waits for an earlier number that is still under way
};

Looked look(State& state, store::Reader& reader, const FoundStream& found, const contracts::StreamRead& read,
            std::uint64_t horizon) {
  Looked out;
  auto& page = out.page;
  const auto oldest = state.clock.now().ms - kStreamLife;
  std::size_t bytes = 0, looked_at = 0;
  const auto from = static_cast<std::uint64_t>(std::stoull(read.cursor));
  const auto walked =
      walk(reader, *found.table, *found.stream, from, horizon, kPage, [&](std::uint64_t sequence, std::string_view row) {
        const bool on = ++looked_at < kMaxLookedAt;
        if (!in_slice(*found.table, row, read.slice)) return on;
        const auto record = decode_record(row);
        if (record.created.ms < oldest) return on;  // about to be trimmed
        auto text = event_record(*found.table, *found.stream, sequence, record);
        bytes += text.size();
        page.records.push_back({spelled_sequence(sequence), cursor_of(sequence + 1), record.created, std::move(text)});
        return on && page.records.size() < read.count && bytes < read.bytes;
      });
  page.next = cursor_of(walked.next);
  if (page.records.size() > 1 && bytes > read.bytes) {  // the last one is too much
    page.records.pop_back();
    page.next = page.records.back().cursor;
  }
  out.more = walked.more;
  if (!out.more) {
    store::Range later = store::prefix_range(keys::stream(found.table->id, found.stream->label));
    later.begin = keys::stream_record(found.table->id, found.stream->label, horizon);
    out.hidden = !reader.keys(later, 1).empty();
  }
  page.ended = !found.stream->enabled && !out.more && !out.hidden;
  return out;
}

}  // namespace

async::Task<contracts::Decision> StreamSource::may(contracts::Principal caller, std::string action, std::string stream_arn) {
  contracts::AccessRequest question;
  question.action = "dynamodb:" + action;
  question.resources = {stream_arn};
  if (const auto table = parse_arn(stream_arn)) guard_by_table(*state_, *table, question, stream_label(stream_arn));
  co_return co_await state_->authorizer.authorize(caller, question);
}

async::Task<> StreamSource::check(contracts::Principal caller, std::string action, std::string stream_arn) {
  const auto decision = co_await may(std::move(caller), std::move(action), std::move(stream_arn));
  if (!decision.allowed) throw wire::Fault("AccessDeniedException", decision.reason, 400);
}

async::Task<bool> StreamSource::may_read(contracts::Principal caller, std::string stream_arn) {
  for (const auto* action : {"GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"}) {
    const auto decision = co_await may(caller, action, stream_arn);
    if (!decision.allowed) co_return false;
  }
  co_return true;
}

async::Task<std::optional<contracts::SourceStream>> StreamSource::describe(std::string stream_arn) {
  const auto reader = state_->store.read();
  const auto found = find_stream(*state_, *reader, account_of(stream_arn), stream_arn);
  if (!found || found->table->status == "DELETING") co_return std::nullopt;
  contracts::SourceStream out;
  out.shards.push_back({shard_id(*found->table, *found->stream), {}});
  out.retention = std::chrono::milliseconds(kStreamLife);
  co_return out;
}

async::Task<std::string> StreamSource::locate(contracts::Principal caller, std::string stream_arn, std::string shard,
                                              contracts::StreamStart start) {
  using Kind = contracts::StreamStart::Kind;
  co_await check(std::move(caller), "GetShardIterator", stream_arn);
  need(*state_, *state_->store.read(), stream_arn, shard);
  switch (start.kind) {
    case Kind::trim_horizon: co_return cursor_of(0);
    case Kind::latest: co_return cursor_of(state_->sequence.horizon());
    case Kind::after_sequence: co_return cursor_of(sequence_of(start.sequence) + 1);
    case Kind::at_timestamp: break;
  }
  invalid("A stream of DynamoDB is not read from a time on.");
}

async::Task<contracts::StreamPage> StreamSource::read(contracts::Principal caller, contracts::StreamRead read) {
  co_await check(std::move(caller), "GetRecords", read.stream);
  const auto deadline = Steady::now() + read.wait;
  std::shared_ptr<async::Event> news;
  for (;;) {
    const auto risen = state_->sequence.risen().ticket();
    const auto told = news ? news->ticket() : 0;
    Looked looked;
    {
      const auto horizon = state_->sequence.horizon();  // before the view is taken: it holds all below
      const auto reader = state_->store.read();
      const auto found = need(*state_, *reader, read.stream, read.shard);
      if (!news) {
        news = state_->news.of(found.table->id);
        continue;
      }
      looked = look(*state_, *reader, found, read, horizon);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now());
    if (!looked.page.records.empty() || looked.page.ended || left <= 0ms) co_return std::move(looked.page);
    read.cursor = looked.page.next;
    if (looked.more) {
      co_await async::sleep_for(0ms);
    } else if (looked.hidden) {
      co_await state_->sequence.risen().wait(risen, left);
    } else {
      co_await news->wait(told, left);
    }
  }
}

}  // namespace lambari::dynamodb
