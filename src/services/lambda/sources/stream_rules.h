// The decisions of a stream's poller. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "contracts/stream_source.h"
#include "services/lambda/sources/feed.h"
#include "services/lambda/sources/rules.h"

namespace lambari::sources {

using StreamRecord = contracts::StreamRecord;

struct StreamSettings {
  std::string stream;        // ARN
  std::string function_arn;  // as the mapping names it
  std::size_t batch_size = 100;
  std::chrono::milliseconds window{0};  // to gather a batch, by base::Clock
  unsigned lanes = 1;                   // of each shard; a partition key is always in the same one
  bool bisect = false;
  std::optional<std::chrono::milliseconds> max_age;
  std::optional<unsigned> max_retries;
  std::chrono::milliseconds tumbling{0};  // 0: no windows
  bool report_failures = false;
  Filter filter;
};

// A part of a batch that is invoked for as one.
struct Piece {
  std::vector<StreamRecord> records;
  unsigned invoked = 0;  // times that the function ran for it
  unsigned retries = 0;  // that count towards the mapping's limit
};

// What becomes of a piece after an answer: its first `done` records are processed, and the others ...
struct Judgement {
  enum class Rest {
    none,     // there are none
    again,    // are tried again later
    at_once,  // are tried again as a piece of their own, which does not count as a retry
    halves,   // as two pieces, likewise
    discard,  // are given up
  };
  std::size_t done = 0;
  Rest rest = Rest::none;
  bool operator==(const Judgement&) const = default;
};
// `failed` is what the function reported (rules.h's reported_failures); nothing: the whole piece failed.
Judgement judge(const StreamSettings& settings, const Piece& piece, Answer::Kind kind,
                const std::optional<std::set<std::string>>& failed);

// How many records from the first on are too old to be processed.
std::size_t too_old(const StreamSettings& settings, std::chrono::milliseconds retention, const std::vector<StreamRecord>& records,
                    base::Timestamp now);

enum class GivenUp { retries_exhausted, age_exceeded };
// The document that the on-failure destination gets. `last` is the last answer, if there was one.
std::string discard_document(const StreamSettings& settings, std::string_view shard, const std::vector<StreamRecord>& records,
                             GivenUp why, unsigned invoked, const Answer* last, std::string_view request_id, base::Timestamp now);

// Tumbling windows. A window is named by its start; it ends settings.tumbling later.
inline constexpr std::size_t kMaxState = 1'000'000;  // bytes of JSON
std::int64_t window_start(const StreamSettings& settings, base::Timestamp arrived);
// The answer's "state" as JSON; nothing when it has none, which is a failure of the function.
std::optional<std::string> state_in(std::string_view answer);

struct WindowOfEvent {
  std::int64_t start = 0;  // ms
  std::string_view state;
  bool final = false, early = false;
};
// The document that the function gets. `window` may be nullptr.
std::string stream_event(const StreamSettings& settings, std::string_view shard, const std::vector<StreamRecord>& records,
                         const WindowOfEvent* window);

}  // namespace lambari::sources
