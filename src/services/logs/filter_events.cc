// FilterLogEvents: the events of many streams, merged by time.
//
// A page opens a stream only when the merge reaches its first event, and with a start time it looks only at streams whose
// last event is not older: the cost is that of the page and of the streams that matter. What a page may read is bounded, so
// a page can be empty and still have a next one, as AWS documents.
#include <algorithm>
#include <limits>
#include <queue>

#include "base/bytes.h"
#include "lang/log_filter.h"
#include "services/logs/keys.h"
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"

namespace lambari::logs {

using namespace aws::logs;

namespace {

constexpr std::size_t kScanned = 128;            // events read from a stream at a time
constexpr std::size_t kListed = 512;             // streams
constexpr std::size_t kPageReadEvents = 20'000;  // of one page, matching or not
constexpr std::size_t kPageReadBytes = 8 << 20;
constexpr std::int64_t kNewestFirstSince = 1'704'067'200'000;  // 2024-01-01, as AWS limits it

// Place of an event in the merge.
struct Place {
  Position at;
  std::uint64_t stream = 0;
  bool before(const Place& other) const {
    return at.time != other.at.time ? at.time < other.at.time
           : stream != other.stream ? stream < other.stream
                                    : at.sequence < other.at.sequence;
  }
};

struct Token {
  bool forward = true;
  Place last;
};

std::string encode_token(const Token& token) {
  return base::base64url(store::Key(token.forward ? "f" : "b")
                             .signed_number(token.last.at.time)
                             .number(token.last.stream)
                             .number(token.last.at.sequence)
                             .str());
}

Token decode_token(const std::string& text) {
  const auto bytes = base::unbase64url(text);
  Token token;
  std::string direction;
  if (bytes) {
    store::KeyReader reader(*bytes);
    if (reader.text(direction) && (direction == "f" || direction == "b") && reader.signed_number(token.last.at.time) &&
        reader.number(token.last.stream) && reader.number(token.last.at.sequence) && reader.done()) {
      token.forward = direction == "f";
      return token;
    }
  }
  throw InvalidParameterException("The specified nextToken is invalid.");
}

struct Found {
  std::string name;
  Stream stream;
};

// The streams that may hold events of the range.
std::vector<Found> find_streams(store::Reader& reader, const Group& group, const FilterLogEventsRequest& request,
                                std::int64_t begin, std::int64_t end) {
  std::vector<Found> out;
  auto add = [&](std::string name, Stream stream) {
    if (stream.has_events && stream.last >= begin && stream.first <= end) out.push_back({std::move(name), stream});
  };
  if (request.logStreamNames) {
    for (const auto& name : *request.logStreamNames) add(name, require_stream(reader, group, name));
    return out;
  }
  const auto prefix = request.logStreamNamePrefix.value_or("");
  auto range = store::prefix_range(prefix.empty() ? keys::lasts(group.id) : keys::streams(group.id));
  range.begin = prefix.empty() ? keys::last(group.id, begin) : keys::stream(group.id, prefix);
  while (true) {
    auto rows = reader.scan(range, kListed);
    for (auto& row : rows) {
      std::string name;
      if (prefix.empty()) {
        std::int64_t time = 0;
        if (!keys::read_last(row.key, time, name)) continue;
        if (auto stream = find_stream(reader, group, name)) add(std::move(name), *stream);
      } else {
        if (!keys::read_stream(row.key, name)) continue;
        if (!name.starts_with(prefix)) return out;
        add(std::move(name), decode_stream(row.value));
      }
    }
    if (rows.size() < kListed) return out;
    range.begin = keys::after(rows.back().key);
  }
}

// Reads one stream, a batch at a time, in the order of the merge.
class Cursor {
 public:
  Cursor(store::Reader& reader, const Found& found, store::Range range, bool forward)
      : reader_(reader), found_(found), range_(std::move(range)), forward_(forward) {
    load();
  }

  bool done() const { return next_ == rows_.size(); }
  const std::string& stream_name() const { return found_.name; }
  const store::KeyValue& row() const { return rows_[next_]; }
  const Place& place() const { return place_; }
  void advance() {
    if (++next_ == rows_.size() && !exhausted_) load();
    read_place();
  }

 private:
  void load() {
    next_ = 0;
    rows_.clear();
    if (range_.begin < range_.end)
      rows_ = reader_.scan(range_, kScanned, forward_ ? store::Order::ascending : store::Order::descending);
    exhausted_ = rows_.size() < kScanned;
    if (!rows_.empty()) (forward_ ? range_.begin : range_.end) = forward_ ? keys::after(rows_.back().key) : rows_.back().key;
    read_place();
  }
  void read_place() {
    if (!done()) keys::read_event(rows_[next_].key, place_.stream, place_.at);
  }

  store::Reader& reader_;
  const Found& found_;
  store::Range range_;
  bool forward_;

  std::vector<store::KeyValue> rows_;
  std::size_t next_ = 0;
  bool exhausted_ = false;
  Place place_;
};

store::Range range_of(std::uint64_t group, std::uint64_t stream, std::int64_t begin, std::int64_t end,
                      const std::optional<Token>& token) {
  auto range = store::prefix_range(keys::events(group, stream));
  range.begin = keys::event(group, stream, {begin, 0});
  if (end < std::numeric_limits<std::int64_t>::max()) range.end = std::min(range.end, keys::event(group, stream, {end + 1, 0}));
  if (!token) return range;
  // The first place of this stream that lies after (before) the token's.
  const auto& last = token->last;
  Position gap{last.at.time, 0};
  if (stream == last.stream) {
    gap.sequence = last.at.sequence + (token->forward ? 1 : 0);
  } else if (stream < last.stream) {
    ++gap.time;
  }
  auto key = keys::event(group, stream, gap);
  if (token->forward) {
    range.begin = std::max(range.begin, std::move(key));
  } else {
    range.end = std::min(range.end, std::move(key));
  }
  return range;
}

}  // namespace

async::Task<FilterLogEventsResponse> Logs::FilterLogEvents(const wire::Call& call, FilterLogEventsRequest request) {
  const auto name = group_of(call, request.logGroupName, request.logGroupIdentifier);
  if (request.logStreamNames && request.logStreamNamePrefix) {
    throw InvalidParameterException("logStreamNames and logStreamNamePrefix cannot both be specified.");
  }
  if (request.startTime && request.endTime && *request.startTime > *request.endTime) {
    throw InvalidParameterException("End time cannot be less than start time.");
  }
  std::optional<lang::LogFilter> filter;
  if (request.filterPattern && !request.filterPattern->empty()) {
    try {
      filter = lang::LogFilter::parse(*request.filterPattern);
    } catch (const lang::LogFilterError& error) {
      throw InvalidParameterException(error.what());
    }
  }
  std::optional<Token> token;
  if (request.nextToken) token = decode_token(*request.nextToken);
  const bool forward = token ? token->forward : request.startFromHead.value_or(true);
  if (!forward && request.startTime.value_or(kNewestFirstSince) < kNewestFirstSince) {
    throw InvalidParameterException("startFromHead can be false only when startTime is on or after 2024-01-01T00:00:00Z.");
  }

  co_await see_sink(state_);
  auto reader = state_->store.read();
  const auto group = require_group(*reader, name);
  const auto begin = std::max({request.startTime.value_or(0), oldest_kept(group, call.time), std::int64_t{0}});
  const auto end = request.endTime.value_or(std::numeric_limits<std::int64_t>::max());

  auto found = find_streams(*reader, group, request, begin, end);
  std::ranges::sort(found, [&](const Found& a, const Found& b) {
    return forward ? a.stream.first < b.stream.first : a.stream.last > b.stream.last;
  });
  // An event of an unopened stream comes no earlier in the merge than this.
  auto edge = [&](const Found& f) { return forward ? f.stream.first : f.stream.last; };
  auto later = [&](const Cursor* a, const Cursor* b) {
    return forward ? b->place().before(a->place()) : a->place().before(b->place());
  };

  std::vector<std::unique_ptr<Cursor>> cursors;
  std::priority_queue<Cursor*, std::vector<Cursor*>, decltype(later)> merge(later);
  std::size_t unopened = 0;

  FilterLogEventsResponse out;
  auto& events = out.events.emplace();
  out.searchedLogStreams.emplace();  // empty, as AWS answers since 2019
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kMaxBatchEvents));
  std::size_t bytes = 0, read_events = 0, read_bytes = 0;
  Token reached{forward, token ? token->last : Place{}};
  while (true) {
    while (unopened < found.size() && (merge.empty() || (forward ? edge(found[unopened]) <= merge.top()->place().at.time
                                                                 : edge(found[unopened]) >= merge.top()->place().at.time))) {
      const auto& next = found[unopened++];
      auto cursor = std::make_unique<Cursor>(*reader, next, range_of(group.id, next.stream.id, begin, end, token), forward);
      ++read_events;  // opening is work, too
      if (cursor->done()) continue;
      merge.push(cursor.get());
      cursors.push_back(std::move(cursor));
    }
    if (merge.empty()) break;
    auto* cursor = merge.top();
    const auto event = decode_event(cursor->row().value);
    const auto size = event.message.size() + kEventOverhead;
    const bool matches = !filter || filter->matches(event.message);
    const bool full = events.size() == limit || (!events.empty() && matches && bytes + size > kMaxBatchBytes);
    if (full || read_events >= kPageReadEvents || read_bytes >= kPageReadBytes) {
      out.nextToken = encode_token(reached);
      break;
    }
    ++read_events;
    read_bytes += size;
    reached.last = cursor->place();
    if (matches) {
      bytes += size;
      FilteredLogEvent output;
      output.logStreamName = cursor->stream_name();
      output.timestamp = reached.last.at.time;
      output.message = std::string(event.message);
      output.ingestionTime = event.ingested;
      output.eventId = fmt::format("{:016}{:020}{:020}", std::max<std::int64_t>(0, reached.last.at.time), reached.last.stream,
                                   reached.last.at.sequence);
      events.push_back(std::move(output));
    }
    merge.pop();
    cursor->advance();
    if (!cursor->done()) merge.push(cursor);
  }
  co_return out;
}

}  // namespace lambari::logs
