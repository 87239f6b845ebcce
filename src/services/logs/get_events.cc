// GetLogEvents: one stream, either way, from any place, at the cost of the page that is read.
//
// A token names a gap between events: "f/" reads what comes after it, "b/" what came before it. So a forward token at the
// end of a stream stays the same until events arrive, which is how clients know that they have read all.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "services/logs/keys.h"
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"

namespace lambari::logs {

using namespace aws::logs;

namespace {

constexpr std::size_t kScanned = 256;

struct Token {
  bool forward = true;
  Position gap;
};

std::string encode(char direction, Position gap) {
  return fmt::format("{}/{:036}{:020}/s", direction, std::max<std::int64_t>(0, gap.time), gap.sequence);
}

Token decode(const std::string& text) {
  InvalidParameterException invalid("The specified nextToken is invalid.");
  if (text.size() != 60 || (text[0] != 'f' && text[0] != 'b') || text[1] != '/' || !text.ends_with("/s")) throw invalid;
  const auto digits = std::string_view(text).substr(2, 56);
  if (digits.find_first_not_of("0123456789") != digits.npos) throw invalid;
  Token token;
  token.forward = text[0] == 'f';
  const auto time = base::parse_int(digits.substr(17, 19));
  if (!time || digits.substr(0, 17).find_first_not_of('0') != digits.npos) throw invalid;
  token.gap.time = *time;
  for (const char c : digits.substr(36)) token.gap.sequence = token.gap.sequence * 10 + static_cast<unsigned>(c - '0');
  return token;
}

}  // namespace

async::Task<GetLogEventsResponse> Logs::GetLogEvents(const wire::Call& call, GetLogEventsRequest request) {
  const auto name = group_of(call, request.logGroupName, request.logGroupIdentifier);
  std::optional<Token> token;
  if (request.nextToken) token = decode(*request.nextToken);
  co_await see_sink(state_);
  auto reader = state_->store.read();
  const auto group = require_group(*reader, name);
  const auto stream = require_stream(*reader, group, request.logStreamName);

  const auto oldest = std::max({request.startTime.value_or(0), oldest_kept(group, call.time), std::int64_t{0}});
  const bool forward = token ? token->forward : request.startFromHead.value_or(false);
  auto range = store::prefix_range(keys::events(group.id, stream.id));
  range.begin = keys::event(group.id, stream.id, {oldest, 0});
  if (request.endTime)
    range.end = std::min(range.end, keys::event(group.id, stream.id, {std::max<std::int64_t>(0, *request.endTime), 0}));
  if (token) {
    const auto gap = keys::event(group.id, stream.id, token->gap);
    if (forward) {
      range.begin = std::max(range.begin, gap);
    } else {
      range.end = std::min(range.end, gap);
    }
  }

  const auto limit = static_cast<std::size_t>(request.limit.value_or(kMaxBatchEvents));
  GetLogEventsResponse out;
  auto& events = out.events.emplace();
  Position first, last;
  std::size_t bytes = 0;
  bool full = range.begin >= range.end;
  while (!full) {
    const auto wanted = std::min(kScanned, limit - events.size());
    auto rows = reader->scan(range, wanted, forward ? store::Order::ascending : store::Order::descending);
    for (const auto& row : rows) {
      std::uint64_t stream_id = 0;
      Position at;
      if (!keys::read_event(row.key, stream_id, at)) continue;
      const auto event = decode_event(row.value);
      bytes += event.message.size() + kEventOverhead;
      if (!events.empty() && bytes > kMaxBatchBytes) {
        full = true;
        break;
      }
      if (events.empty()) first = last = at;
      (forward ? last : first) = at;
      OutputLogEvent output;
      output.timestamp = at.time;
      output.message = std::string(event.message);
      output.ingestionTime = event.ingested;
      events.push_back(std::move(output));
    }
    if (rows.size() < wanted || events.size() == limit) full = true;
    if (!full) (forward ? range.begin : range.end) = forward ? keys::after(rows.back().key) : rows.back().key;
  }

  if (events.empty()) {
    const auto gap = token ? token->gap : Position{oldest, 0};
    out.nextForwardToken = encode('f', gap);
    out.nextBackwardToken = encode('b', gap);
    co_return out;
  }
  if (!forward) std::ranges::reverse(events);
  out.nextForwardToken = encode('f', {last.time, last.sequence + 1});
  out.nextBackwardToken = encode('b', first);
  co_return out;
}

}  // namespace lambari::logs
