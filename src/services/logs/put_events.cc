// PutLogEvents. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"

namespace lambari::logs {

using namespace aws::logs;

namespace {

constexpr std::int64_t kMaxAge = 14 * kDay;
constexpr std::int64_t kMaxAhead = 2 * 3'600'000;

void check_batch(const std::vector<InputLogEvent>& events) {
  std::size_t bytes = 0;
  std::int64_t last = 0;
  for (const auto& event : events) {
    const auto size = event.message.size() + kEventOverhead;
    if (size > kMaxBatchBytes) {
      throw InvalidParameterException(fmt::format("Log event too large: {} bytes exceeds limit of {}", size, kMaxBatchBytes));
    }
    bytes += size;
    if (event.timestamp < last) {
      throw InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.");
    }
    last = event.timestamp;
  }
  if (bytes > kMaxBatchBytes) {
    throw InvalidParameterException(fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kMaxBatchBytes));
  }
}

struct Accepted {
  std::size_t begin = 0, end = 0;  // of the batch, which is in order of time
  std::optional<RejectedLogEventsInfo> rejected;
};

Accepted accept(const std::vector<InputLogEvent>& events, const Group& group, std::int64_t now) {
  Accepted out{0, events.size(), {}};
  const auto oldest = now - kMaxAge;
  const auto kept = oldest_kept(group, base::Timestamp{now});
  std::size_t expired = 0, too_old = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].timestamp < kept) expired = i + 1;
    if (events[i].timestamp < oldest) too_old = i + 1;
  }
  while (out.end > 0 && events[out.end - 1].timestamp > now + kMaxAhead) --out.end;
  out.begin = std::min(std::max(expired, too_old), out.end);
  if (expired || too_old || out.end < events.size()) {
    auto& info = out.rejected.emplace();
    if (expired) info.expiredLogEventEndIndex = static_cast<std::int32_t>(expired);
    if (too_old) info.tooOldLogEventEndIndex = static_cast<std::int32_t>(too_old);
    if (out.end < events.size()) info.tooNewLogEventStartIndex = static_cast<std::int32_t>(out.end);
  }
  if (out.begin < out.end && events[out.end - 1].timestamp - events[out.begin].timestamp > kDay) {
    throw InvalidParameterException("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  }
  return out;
}

}  // namespace

async::Task<PutLogEventsResponse> Logs::PutLogEvents(const wire::Call& call, PutLogEventsRequest request) {
  check_batch(request.logEvents);
  const auto name = group_of_name(call, request.logGroupName);
  const auto now = call.time.ms;
  co_return co_await state_->store.transact([&](store::Transaction& t) {
    const auto group = require_group(t, name);
    const auto stream = require_stream(t, group, request.logStreamName);
    auto accepted = accept(request.logEvents, group, now);
    std::vector<NewEvent> events;
    events.reserve(accepted.end - accepted.begin);
    for (auto i = accepted.begin; i < accepted.end; ++i)
      events.push_back({request.logEvents[i].timestamp, request.logEvents[i].message});
    append_events(t, group, request.logStreamName, stream, events, now);
    PutLogEventsResponse out;
    out.nextSequenceToken = fmt::format("{:056}", stream.next + events.size());
    out.rejectedLogEventsInfo = std::move(accepted.rejected);
    return out;
  });
}

}  // namespace lambari::logs
