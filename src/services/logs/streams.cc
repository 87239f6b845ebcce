// Log streams: create, delete, describe.
#include "services/logs/keys.h"
#include "services/logs/pages.h"
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"

namespace lambari::logs {

using namespace aws::logs;

namespace {

LogStream describe(const GroupName& group, const std::string& name, const Stream& stream) {
  LogStream out;
  out.logStreamName = name;
  out.creationTime = stream.created;
  if (stream.has_events) {
    out.firstEventTimestamp = stream.first;
    out.lastEventTimestamp = stream.last;
    out.lastIngestionTime = stream.ingested;
    out.uploadSequenceToken = fmt::format("{:056}", stream.next);
  }
  out.arn = stream_arn(group, name);
  out.storedBytes = 0;  // as AWS answers since 2019
  return out;
}

}  // namespace

async::Task<> Logs::CreateLogStream(const wire::Call& call, CreateLogStreamRequest request) {
  const auto name = group_of_name(call, request.logGroupName);
  const auto now = call.time.ms;
  co_await state_->store.commit([&](store::Transaction& t) {
    const auto group = require_group(t, name);
    if (find_stream(t, group, request.logStreamName)) {
      throw ResourceAlreadyExistsException("The specified log stream already exists");
    }
    create_stream(t, group, request.logStreamName, now);
  });
}

async::Task<> Logs::DeleteLogStream(const wire::Call& call, DeleteLogStreamRequest request) {
  co_await see_sink(state_);
  const auto name = group_of_name(call, request.logGroupName);
  co_await state_->store.commit([&](store::Transaction& t) {
    const auto group = require_group(t, name);
    const auto stream = require_stream(t, group, request.logStreamName);
    if (group.protected_from_deletion) {
      throw ValidationException("The specified log group is protected from deletion. Disable deletion protection and try again.");
    }
    delete_stream(t, group, request.logStreamName, stream);
  });
}

async::Task<DescribeLogStreamsResponse> Logs::DescribeLogStreams(const wire::Call& call, DescribeLogStreamsRequest request) {
  const bool by_time = request.orderBy && *request.orderBy == "LastEventTime";
  if (by_time && request.logStreamNamePrefix) {
    throw InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.");
  }
  const auto name = group_of(call, request.logGroupName, request.logGroupIdentifier);
  co_await see_sink(state_);
  auto reader = state_->store.read();
  const auto group = require_group(*reader, name);

  const auto prefix = request.logStreamNamePrefix.value_or("");
  const auto order = request.descending.value_or(false) ? store::Order::descending : store::Order::ascending;
  const auto limit = static_cast<std::size_t>(request.limit.value_or(50));
  const auto table = by_time ? keys::lasts(group.id) : keys::streams(group.id);
  auto range = store::prefix_range(table);
  if (!prefix.empty()) {
    range.begin = keys::stream(group.id, prefix);
    // The names that begin with `prefix` end before the prefix followed by the greatest byte that UTF-8 has.
    range.end = keys::stream(group.id, prefix + "\xF5");
  }
  if (auto start = page_start(request.nextToken, table)) {
    if (order == store::Order::ascending) {
      range.begin = keys::after(*start);
    } else {
      range.end = *start;
    }
  }

  DescribeLogStreamsResponse out;
  auto& streams = out.logStreams.emplace();
  auto rows = reader->scan(range, limit + 1, order);
  for (std::size_t i = 0; i < rows.size() && i < limit; ++i) {
    std::string stream_name;
    std::int64_t time = 0;
    if (by_time) {
      if (!keys::read_last(rows[i].key, time, stream_name)) continue;
      streams.push_back(describe(name, stream_name, require_stream(*reader, group, stream_name)));
    } else {
      if (!keys::read_stream(rows[i].key, stream_name)) continue;
      streams.push_back(describe(name, stream_name, decode_stream(rows[i].value)));
    }
  }
  if (rows.size() > limit) out.nextToken = page_token(rows[limit - 1].key);
  co_return out;
}

}  // namespace lambari::logs
