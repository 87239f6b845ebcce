#include "services/lambda/sources/stream_lane.h"

#include <algorithm>
#include <deque>
#include <iterator>

#include "base/ids.h"
#include "base/log.h"
#include "delivery/retry.h"

namespace lambari::sources {
namespace {

using Steady = std::chrono::steady_clock;
using Rest = Judgement::Rest;
using namespace std::chrono_literals;

constexpr auto kPoll = 1s;  // one read; the next one follows at once. Also how late a moved clock or a closed shard is noticed
constexpr auto kLatecomers = 100ms;  // after a window's end, for what is being written
constexpr auto kSaveEvery = 1s;      // while all records are filtered out
constexpr std::size_t kEnvelope = 1'024;
constexpr std::size_t kDepth = 1'000;  // of a record that is filtered
constexpr delivery::Backoff kAfterProblem{500ms, 60s, 2.0, 0.5};
constexpr delivery::Backoff kAfterFailure{200ms, 30s, 2.0, 0.5};
constexpr delivery::Backoff kAfterRefusal{100ms, 10s, 2.0, 0.5};
constexpr delivery::Backoff kAfterUnsaved{100ms, 10s, 2.0, 0.5};

const std::string kNoState = "{}";

class Lane {
 public:
  Lane(std::shared_ptr<StreamContext> context, LaneOf of, Place place)
      : c_(*context), keep_(std::move(context)), of_(std::move(of)), place_(std::move(place)) {
    if (!windowed()) {  // it was, before an update
      place_.window_open = false;
      place_.window = 0;
      place_.state.clear();
    }
    saved_ = place_;
    read_ = place_.cursor;
  }

  async::Task<> run();

 private:
  bool windowed() const { return c_.settings.tumbling > 0ms; }
  std::int64_t window_end() const { return place_.window + c_.settings.tumbling.count(); }
  std::int64_t window_of(const StreamRecord& record) const {
    return std::max(place_.window, window_start(c_.settings, record.arrived));
  }

  async::Task<std::vector<StreamRecord>> gather();
  bool add(std::vector<StreamRecord>& batch, StreamRecord& record);
  std::chrono::milliseconds patience(const std::optional<base::Timestamp>& until) const;
  async::Task<> step();
  async::Task<> process(std::vector<StreamRecord> batch);
  async::Task<Answer> invoke(const std::vector<StreamRecord>& records, bool final, bool early);
  async::Task<bool> close_window(bool early, std::vector<std::string> discarded = {});
  async::Task<> save(std::vector<std::string> discarded = {});
  std::string document(const std::vector<StreamRecord>& records, GivenUp why, unsigned invoked, const Answer* last) const;
  void give_up(std::size_t count);
  void move_to(const std::vector<StreamRecord>& records, std::size_t done, bool whole_batch);
  async::Task<> wait_after(Answer::Kind kind, unsigned failures);

  StreamContext& c_;
  const std::shared_ptr<StreamContext> keep_;
  const LaneOf of_;
  Place place_, saved_;
  Steady::time_point saved_at_ = Steady::now();
  std::string read_;               // all before it was read
  std::deque<StreamRecord> held_;  // read, and not part of a batch yet
  std::size_t bytes_ = 0;          // of the batch that is gathered
  bool closed_ = false;            // nothing comes after read_
};

// False when it is for a later batch.
bool Lane::add(std::vector<StreamRecord>& batch, StreamRecord& record) {
  const auto more = record.record.size() + 1;
  if (!batch.empty()) {
    if (batch.size() >= c_.settings.batch_size || bytes_ + more > kMaxEvent) return false;
    if (windowed() && window_of(record) != window_of(batch.front())) return false;
  }
  bytes_ += more;
  batch.push_back(std::move(record));
  return true;
}

// How long a read may wait for a record.
std::chrono::milliseconds Lane::patience(const std::optional<base::Timestamp>& until) const {
  std::chrono::milliseconds wait = kPoll;
  const auto now = c_.clock.now().ms;
  if (until) wait = std::min(wait, std::chrono::milliseconds(std::max<std::int64_t>(0, until->ms - now)));
  if (place_.window_open) {
    const auto left = std::chrono::milliseconds(std::max<std::int64_t>(0, window_end() - now));
    wait = std::min(wait, left + kLatecomers);
  }
  return wait;
}

async::Task<std::vector<StreamRecord>> Lane::gather() {
  const auto& settings = c_.settings;
  std::vector<StreamRecord> batch;
  bytes_ = kEnvelope + place_.state.size();
  while (!held_.empty() && add(batch, held_.front())) held_.pop_front();
  std::optional<base::Timestamp> until;  // begins with the first record
  bool looked = false;                   // what is there already comes along
  while (held_.empty() && batch.size() < settings.batch_size && bytes_ < kMaxEvent && !closed_ && !c_.stopping) {
    if (!batch.empty() && !until) until = base::Timestamp{c_.clock.now().ms + settings.window.count()};
    if (looked && until && c_.clock.now() >= *until) break;
    looked = true;
    contracts::StreamRead read;
    read.stream = settings.stream;
    read.shard = of_.shard;
    read.cursor = read_;
    read.slice = {of_.index, settings.lanes};
    read.count = settings.batch_size - batch.size();
    read.bytes = kMaxEvent - bytes_;
    read.wait = patience(until);
    auto page = co_await c_.streams.read(co_await assumed(c_.caller), std::move(read));
    read_ = std::move(page.next);
    closed_ = page.ended;
    c_.counters->polled += page.records.size();
    for (auto& record : page.records) {
      if (!settings.filter.passes_all()) {
        const auto document = base::parse_json(record.record, kDepth);
        if (!document || !settings.filter.passes(*document)) {
          ++c_.counters->filtered;
          continue;
        }
      }
      if (!held_.empty() || !add(batch, record)) held_.push_back(std::move(record));
    }
    if (batch.empty() && held_.empty()) break;
  }
  co_return batch;
}

async::Task<> Lane::save(std::vector<std::string> discarded) {
  for (unsigned tries = 0;;) {
    try {
      co_await c_.checkpoints->save(of_.shard, of_.index, place_, discarded);
      saved_ = place_;
      saved_at_ = Steady::now();
      co_return;
    } catch (const std::exception& error) {
      base::log_warn("the place in a stream is not kept", {{"stream", c_.settings.stream}, {"error", error.what()}});
    }
    if (c_.stopping) co_return;
    co_await c_.pause(delivery::delay(kAfterUnsaved, ++tries, delivery::draw()));
  }
}

std::string Lane::document(const std::vector<StreamRecord>& records, GivenUp why, unsigned invoked, const Answer* last) const {
  return discard_document(c_.settings, of_.shard, records, why, invoked, last,
                          last && !last->request_id.empty() ? last->request_id : base::uuid(), c_.clock.now());
}

void Lane::give_up(std::size_t count) {
  c_.counters->dropped += count;
  base::log_warn("records of a stream are discarded",
                 {{"stream", c_.settings.stream}, {"function", c_.settings.function_arn}, {"records", std::to_string(count)}});
}

async::Task<Answer> Lane::invoke(const std::vector<StreamRecord>& records, bool final, bool early) {
  const WindowOfEvent window{place_.window, place_.state, final, early};
  auto answer = co_await c_.function.invoke(stream_event(c_.settings, of_.shard, records, windowed() ? &window : nullptr), {});
  if (answer.kind != Answer::Kind::refused) c_.counters->invoked += records.size();
  co_return answer;
}

async::Task<> Lane::wait_after(Answer::Kind kind, unsigned failures) {
  const auto& backoff = kind == Answer::Kind::refused ? kAfterRefusal : kAfterFailure;
  co_await c_.pause(delivery::delay(backoff, failures, delivery::draw()));
}

// The last invocation of the window that is open. False when the feed stops before it is over.
async::Task<bool> Lane::close_window(bool early, std::vector<std::string> discarded) {
  Piece piece;
  for (unsigned failures = 0;;) {
    if (c_.stopping) co_return false;
    const auto age = std::min(of_.retention, c_.settings.max_age.value_or(of_.retention));
    if (c_.clock.now().ms - window_end() > age.count()) {
      discarded.push_back(document({}, GivenUp::age_exceeded, piece.invoked, nullptr));
      break;
    }
    auto answer = co_await invoke({}, true, early);
    if (answer.kind == Answer::Kind::success && !state_in(answer.payload)) {
      answer.kind = Answer::Kind::function_error;
      answer.problem = "Function response has no state";
    }
    if (answer.kind != Answer::Kind::refused) ++piece.invoked;
    if (answer.kind == Answer::Kind::success) {
      c_.note("OK");
      break;
    }
    c_.note("PROBLEM: " + answer.problem);
    if (judge(c_.settings, piece, answer.kind, std::nullopt).rest == Rest::discard) {
      discarded.push_back(document({}, GivenUp::retries_exhausted, piece.invoked, &answer));
      break;
    }
    if (answer.kind != Answer::Kind::refused) ++piece.retries;
    co_await wait_after(answer.kind, ++failures);
  }
  place_.window_open = false;
  place_.state.clear();
  if (!early) place_.window = window_end();
  co_await save(std::move(discarded));
  co_return true;
}

// The place after the first `done` of `records`.
void Lane::move_to(const std::vector<StreamRecord>& records, std::size_t done, bool whole_batch) {
  if (done == 0) return;
  place_.cursor = whole_batch && done == records.size() && held_.empty() ? read_ : records[done - 1].cursor;
}

async::Task<> Lane::process(std::vector<StreamRecord> batch) {
  std::vector<Piece> pieces;  // the next one last
  pieces.push_back({std::move(batch)});
  unsigned failures = 0;
  while (!pieces.empty() && !c_.stopping) {
    auto& piece = pieces.back();
    const bool last_piece = pieces.size() == 1;
    const auto erase = [&piece](std::size_t count) {
      piece.records.erase(piece.records.begin(), piece.records.begin() + static_cast<std::ptrdiff_t>(count));
    };
    if (const auto old = too_old(c_.settings, of_.retention, piece.records, c_.clock.now()); old > 0) {
      const std::vector<StreamRecord> gone(piece.records.begin(), piece.records.begin() + static_cast<std::ptrdiff_t>(old));
      move_to(piece.records, old, last_piece);
      give_up(old);
      co_await save({document(gone, GivenUp::age_exceeded, piece.invoked, nullptr)});
      erase(old);
      if (piece.records.empty()) pieces.pop_back();
      continue;
    }
    if (windowed() && !place_.window_open) {
      place_.window = window_of(piece.records.front());
      place_.window_open = true;
      place_.state = kNoState;
    }
    auto answer = co_await invoke(piece.records, false, false);
    std::optional<std::string> state;
    if (answer.kind == Answer::Kind::success && windowed() && !(state = state_in(answer.payload))) {
      answer.kind = Answer::Kind::function_error;
      answer.problem = "Function response has no state";
    }
    std::optional<std::set<std::string>> failed = std::set<std::string>();
    if (answer.kind == Answer::Kind::success && c_.settings.report_failures) {
      std::vector<Record> named;
      for (const auto& record : piece.records) named.push_back({record.sequence, {}, {}, {}, {}});
      failed = reported_failures(answer.payload, named);
    }
    if (answer.kind != Answer::Kind::refused) ++piece.invoked;
    const auto [done, rest] = judge(c_.settings, piece, answer.kind, failed);
    if (answer.kind != Answer::Kind::success) {
      c_.note("PROBLEM: " + answer.problem);
    } else {
      c_.note(failed ? "OK" : "PROBLEM: Function response could not be understood");
    }
    if (answer.kind != Answer::Kind::refused) c_.counters->failed += piece.records.size() - done;

    std::vector<std::string> discarded;
    if (rest == Rest::discard) {
      std::vector<StreamRecord> gone(piece.records.begin() + static_cast<std::ptrdiff_t>(done), piece.records.end());
      discarded.push_back(document(gone, GivenUp::retries_exhausted, piece.invoked, &answer));
      give_up(gone.size());
    }
    const auto moved = rest == Rest::discard ? piece.records.size() : done;
    move_to(piece.records, moved, last_piece);
    const bool took_state = windowed() && answer.kind == Answer::Kind::success && (done > 0 || rest == Rest::none);
    if (took_state) place_.state = std::move(*state);
    if (took_state && place_.state.size() > kMaxState) {
      if (!co_await close_window(true, std::move(discarded))) co_return;
    } else if (moved > 0) {
      co_await save(std::move(discarded));
    }

    switch (rest) {
      case Rest::none:
      case Rest::discard:
        pieces.pop_back();
        failures = 0;
        break;
      case Rest::again:
        erase(done);
        if (answer.kind != Answer::Kind::refused) ++piece.retries;
        co_await wait_after(answer.kind, ++failures);
        break;
      case Rest::at_once: erase(done); break;
      case Rest::halves: {
        const auto half = piece.records.begin() + static_cast<std::ptrdiff_t>((piece.records.size() + 1) / 2);
        Piece second{{std::make_move_iterator(half), std::make_move_iterator(piece.records.end())}, piece.invoked, piece.retries};
        piece.records.erase(half, piece.records.end());
        pieces.insert(pieces.end() - 1, std::move(second));
        break;
      }
    }
  }
}

async::Task<> Lane::step() {
  auto batch = co_await gather();
  if (place_.window_open) {
    const bool over =
        batch.empty() ? c_.clock.now().ms >= window_end() && held_.empty() : window_of(batch.front()) != place_.window;
    if ((over || (batch.empty() && closed_)) && !co_await close_window(false)) co_return;
  }
  if (!batch.empty()) {
    co_await process(std::move(batch));
    co_return;
  }
  if (!held_.empty() || c_.stopping) co_return;
  place_.cursor = read_;
  place_.ended = closed_;
  if (place_.ended || (!(place_ == saved_) && Steady::now() - saved_at_ >= kSaveEvery)) co_await save();
}

async::Task<> Lane::run() {
  unsigned problems = 0;
  while (!c_.stopping && !saved_.ended) {
    std::string problem;
    try {
      co_await step();
      problems = 0;
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (problem.empty()) continue;
    // What was gathered is read again.
    held_.clear();
    read_ = place_.cursor;
    closed_ = false;
    c_.note("PROBLEM: " + problem);
    co_await c_.pause(delivery::delay(kAfterProblem, ++problems, delivery::draw()));
  }
}

}  // namespace

async::Task<> run_lane(std::shared_ptr<StreamContext> context, LaneOf of, Place place) {
  Lane lane(std::move(context), std::move(of), std::move(place));
  co_await lane.run();
}

}  // namespace lambari::sources
