#include "services/lambda/sources/stream_poller.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "delivery/retry.h"

namespace lambari::sources {
namespace {

using namespace std::chrono_literals;

constexpr delivery::Backoff kAfterProblem{500ms, 60s, 2.0, 0.5};

}  // namespace

struct StreamPoller::State : std::enable_shared_from_this<StreamPoller::State> {
  State(async::Loops& loops, std::shared_ptr<StreamContext> context) : loops(loops), context(std::move(context)) {}

  async::Task<> run();
  async::Task<> begin_shards();
  async::Task<> lane(LaneOf of, Place place);

  bool is_done(const std::string& shard) const {
    const auto it = left.find(shard);
    return it != left.end() && it->second == 0;
  }

  async::Loops& loops;
  const std::shared_ptr<StreamContext> context;

  async::Event changed;                  // a lane has ended, or the end is asked for
  mutable std::mutex mutex;              // guards what follows
  std::map<std::string, unsigned> left;  // of each shard that has begun: lanes that have not read all of it
  unsigned running = 1;                  // coroutines
};

async::Task<> StreamPoller::State::lane(LaneOf of, Place place) {
  const auto self = shared_from_this();
  co_await run_lane(context, of, std::move(place));
  {
    const std::lock_guard lock(mutex);
    --running;
    if (!context->stopping) --left[of.shard];
  }
  changed.notify_all();
}

async::Task<> StreamPoller::State::begin_shards() {
  const auto& settings = context->settings;
  const auto stream = co_await context->streams.describe(settings.stream);
  if (!stream) throw std::runtime_error("Stream not found: " + settings.stream);
  const auto listed = [&](const std::string& id) {
    return std::any_of(stream->shards.begin(), stream->shards.end(), [&](const auto& shard) { return shard.id == id; });
  };
  for (bool more = true; more;) {
    more = false;
    for (const auto& shard : stream->shards) {
      {
        const std::lock_guard lock(mutex);
        const auto free = [&](const std::string& parent) { return !listed(parent) || is_done(parent); };
        if (left.contains(shard.id) || !std::all_of(shard.parents.begin(), shard.parents.end(), free)) continue;
      }
      auto first = co_await context->streams.locate(co_await assumed(context->caller), settings.stream, shard.id, {});
      auto places = co_await context->checkpoints->open(shard.id, settings.lanes, std::move(first));
      const std::lock_guard lock(mutex);
      auto& unread = left[shard.id];
      for (unsigned index = 0; index < places.size(); ++index) {
        if (places[index].ended) continue;
        ++unread;
        ++running;
        loops.spawn("lane of a stream", lane({shard.id, index, stream->retention}, std::move(places[index])));
      }
      if (unread == 0) more = true;  // its children may begin
    }
  }
}

async::Task<> StreamPoller::State::run() {
  const auto self = shared_from_this();
  for (unsigned problems = 0; !context->stopping;) {
    const auto ticket = changed.ticket();
    std::string problem;
    try {
      co_await begin_shards();
      problems = 0;
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (!problem.empty()) {
      context->note("PROBLEM: " + problem);
      co_await context->pause(delivery::delay(kAfterProblem, ++problems, delivery::draw()));
    } else if (!context->stopping) {
      co_await changed.wait(ticket, 24h);
    }
  }
  const std::lock_guard lock(mutex);
  --running;
}

StreamPoller::StreamPoller(async::Loops& loops, base::Clock& clock, contracts::StreamSource& streams, Caller caller,
                           StreamSettings settings, Function function, std::shared_ptr<Checkpoints> checkpoints,
                           std::shared_ptr<Counters> counters)
    : state_(std::make_shared<State>(
          loops, std::make_shared<StreamContext>(clock, streams, std::move(caller), std::move(settings), std::move(function),
                                                 std::move(checkpoints), std::move(counters)))) {
  loops.spawn("poller of a stream", state_->run());
}

StreamPoller::~StreamPoller() { StreamPoller::wind_down(); }

void StreamPoller::wind_down() {
  state_->context->stopping = true;
  state_->context->ending.notify_all();
  state_->changed.notify_all();
}

async::Task<> StreamPoller::stop() {
  wind_down();
  co_return;
}

std::string StreamPoller::last_result() const {
  const std::lock_guard lock(state_->context->mutex);
  return state_->context->last_result;
}

bool StreamPoller::ended() const {
  const std::lock_guard lock(state_->mutex);
  return state_->running == 0;
}

}  // namespace lambari::sources
