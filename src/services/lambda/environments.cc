#include "services/lambda/environments.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "services/lambda/crowd.h"
#include "services/lambda/faults.h"
#include "services/lambda/function_log.h"
#include "services/lambda/host.h"
#include "services/lambda/rules.h"
#include "services/lambda/traffic.h"

namespace lambari::lambda {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Soon enough that what a function has left undone stays undone, and late enough that a busy one is not frozen between its calls.
constexpr auto kFreezeAfter = 20ms;
// What a function with extensions has to tell them goes out after its invocation.
constexpr auto kFreezeExtensionsAfter = 500ms;
constexpr std::size_t kMaxIdlePools = 10'000;
// Credentials that end sooner than this after the longest run of a function are not used again.
constexpr std::int64_t kCredentialMarginMs = 60'000;
// Provisioned environments are made anew while the credentials of the old ones still last for the longest run.
constexpr std::int64_t kCredentialRenewMs = 900'000 + 2 * kCredentialMarginMs;

using PoolKey = std::tuple<FunctionKey, std::uint64_t, std::string>;

PoolKey key_of(const Version& v) { return {v.function, v.number, v.generation}; }

// Asking costs a file opened.
int processors() {
  static const int number = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return number;
}

[[noreturn]] void throttle(const char* reason) {
  aws::lambda::TooManyRequestsException fault("Rate Exceeded.");
  fault.fields.Type = "User";
  fault.fields.Reason = reason;
  fault.fields.retryAfterSeconds = "1";
  throw fault;
}

const char* reason_of(Admission::Answer answer) {
  switch (answer) {
    case Admission::Answer::function_limit: return "ReservedFunctionConcurrentInvocationLimitExceeded";
    case Admission::Answer::function_rate: return "ReservedFunctionInvocationRateLimitExceeded";
    case Admission::Answer::account_rate: return "FunctionInvocationRateLimitExceeded";
    default: return "ConcurrentInvocationLimitExceeded";
  }
}

// What the function's configuration says comes before what the image says.
sandbox::ImageProcess process_of(const Image& image, const ImageConfig& config) {
  return {.entry_point = config.entry_point.empty() ? image.entry_point : config.entry_point,
          .command = config.command.empty() ? image.command : config.command,
          .folder = config.folder.empty() ? image.folder : config.folder,
          .environment = image.environment};
}

}  // namespace

struct Environments::Pool : std::enable_shared_from_this<Pool> {
  // A call that waits for an environment.
  struct Seeker {
    async::Event told;  // it was given one, or had better look again
    std::unique_ptr<Live> given;
  };

  std::vector<std::unique_ptr<Live>> idle;     // the last one given back is the first one used
  std::list<std::shared_ptr<Seeker>> seekers;  // in order of arrival; what is given back goes to the first
  int starting = 0;                            // calls that start one, until they end
  std::vector<Steady::time_point> starts;      // when those of them began whose call has not come to its handler
  int running = 0;                             // calls in environments that have started, or were given one
  std::chrono::microseconds run{0}, start{0};  // averages, see Crowd
  bool retired = false;
  bool resting = false;  // listed as such in the State
  Traffic traffic;

  std::vector<std::unique_ptr<Live>> ready;   // provisioned and idle
  int wanted = 0, allocated = 0, making = 0;  // allocated: ready and busy; making: not counted in it
  Bucket requests;                            // to provisioned ones

  bool forgettable() const { return idle.empty() && ready.empty() && wanted == 0 && allocated == 0 && making == 0; }

  Crowd crowd(Steady::time_point now, bool host_is_busy) const {
    Crowd crowd{.running = running, .starting = starting, .run = run, .start = start, .host_is_busy = host_is_busy};
    crowd.processors = processors();
    crowd.idle = static_cast<int>(idle.size());
    const auto young = [&](auto began) { return now - began < first_instants(host_is_busy); };
    crowd.young = static_cast<int>(std::count_if(starts.begin(), starts.end(), young));
    return crowd;
  }
  // Something has changed for those who wait.
  void look_again() {
    if (!seekers.empty()) seekers.front()->told.notify_all();
  }
};

struct Environments::State {
  State(const base::Clock& time, Pace pace) : clock(time), admission(pace) {}

  const base::Clock& clock;
  mutable std::mutex mutex;
  std::map<PoolKey, std::shared_ptr<Pool>> pools;
  std::size_t alive = 0;                       // made and not gone, being made included
  std::size_t idle = 0;                        // without the provisioned ones
  std::vector<std::shared_ptr<Pool>> resting;  // with idle environments that are not frozen yet
  async::Event rested;                         // there is something to freeze soon
  Admission admission;
  std::atomic<int> provisioned_pools{0};
  Processors processors;
  std::atomic<std::uint64_t> cold_starts{0}, invocations{0}, throttles{0};

  std::shared_ptr<Pool> pool(const PoolKey& key) {
    auto& pool = pools[key];
    if (!pool) pool = std::make_shared<Pool>();
    return pool;
  }

  // To the call that waits longest, or among the idle ones.
  void put(Pool& pool, std::unique_ptr<Live> live) {
    if (pool.seekers.empty()) {
      pool.idle.push_back(std::move(live));
      ++idle;
      rest(pool);
      return;
    }
    auto seeker = std::move(pool.seekers.front());
    pool.seekers.pop_front();
    seeker->given = std::move(live);
    ++pool.running;
    seeker->told.notify_all();
  }

  void rest(Pool& pool) {
    if (std::exchange(pool.resting, true)) return;
    resting.push_back(pool.shared_from_this());
    if (resting.size() == 1) rested.notify_all();
  }

  // Takes the environment that sat idle longest, of any function.
  std::unique_ptr<Live> take_oldest() {
    Pool* oldest = nullptr;
    for (auto& [key, pool] : pools) {
      if (!pool->idle.empty() && (!oldest || pool->idle.front()->idle_since < oldest->idle.front()->idle_since))
        oldest = pool.get();
    }
    if (!oldest) return nullptr;
    auto live = std::move(oldest->idle.front());
    oldest->idle.erase(oldest->idle.begin());
    --idle;
    --alive;
    return live;
  }
};

// A call's place among those that wait. Left in any way, a coroutine's destruction included, nothing given to it is lost.
class Environments::Place {
 public:
  Place(State& state, Pool& pool) : state_(state), pool_(pool) {
    seeker_ = std::make_shared<Pool::Seeker>();
    at_ = pool_.seekers.insert(pool_.seekers.end(), seeker_);
  }
  Place(const Place&) = delete;
  ~Place() {
    const std::lock_guard lock(state_.mutex);
    auto live = leave();
    if (!live) return;
    --pool_.running;
    pool_.retired ? void(--state_.alive) : state_.put(pool_, std::move(live));
  }

  // With the mutex held: what it was given, if anything; after leave() it has no place any more.
  bool was_given() const { return seeker_->given != nullptr; }
  std::unique_ptr<Live> leave() {
    if (seeker_ && !seeker_->given && !left_) {
      pool_.seekers.erase(at_);
      pool_.look_again();  // the next one is the first now
    }
    left_ = true;
    return std::move(seeker_->given);
  }
  async::Event& told() { return seeker_->told; }

 private:
  State& state_;
  Pool& pool_;
  std::shared_ptr<Pool::Seeker> seeker_;
  std::list<std::shared_ptr<Pool::Seeker>>::iterator at_;
  bool left_ = false;
};

// One more alive, until whoever takes it over, or this, counts it out.
struct Environments::Counted {
  State& state;
  bool handed_over = false;
  ~Counted() {
    if (handed_over) return;
    const std::lock_guard lock(state.mutex);
    --state.alive;
  }
};

Environments::Lease::Lease(std::shared_ptr<State> state, std::shared_ptr<Pool> pool, FunctionKey function, Admission::Share share)
    : state_(std::move(state)), pool_(std::move(pool)), function_(std::move(function)), share_(share) {}

Environments::Lease::~Lease() {
  if (!state_) return;
  state_->admission.leave(function_, share_);
  const std::lock_guard lock(state_->mutex);
  if (stage_ != Stage::none) {
    done();
    pool_->look_again();  // the others may wait for what does not come back
  }
  if (!live_) return;
  --state_->alive;
  if (live_->provisioned) --pool_->allocated;
}

// With the mutex held: its call counts no more among those of the pool.
void Environments::Lease::done() {
  if (stage_ == Stage::starting) {
    --pool_->starting;
    std::erase(pool_->starts, began_);
  } else {
    --pool_->running;
  }
  stage_ = Stage::none;
}

std::function<void()> Environments::Lease::come_to_handler() const {
  if (stage_ != Stage::starting) return [] {};
  return [state = state_, pool = pool_, began = began_] {
    const std::lock_guard lock(state->mutex);
    if (std::erase(pool->starts, began) > 0) pool->look_again();
  };
}

void Environments::Lease::give_back() {
  if (!live_) return;
  const auto now = Steady::now();
  live_->initialized = true;
  live_->frozen = false;
  live_->idle_since = state_->clock.now();
  live_->rests_since = now;
  const std::lock_guard lock(state_->mutex);
  // What is not put back the destructor drops.
  if (live_->provisioned) {
    if (pool_->retired || pool_->allocated > pool_->wanted) return;
    pool_->ready.push_back(std::move(live_));
    state_->rest(*pool_);
    return;
  }
  auto& average = stage_ == Stage::starting ? pool_->start : pool_->run;
  average = blend(average, std::chrono::duration_cast<std::chrono::microseconds>(now - began_));
  if (pool_->retired) return;
  const bool started = stage_ == Stage::starting;
  done();
  state_->put(*pool_, std::move(live_));
  if (started) pool_->look_again();
}

Environments::Environments(const Dependencies& d, const Settings& settings, Packages& packages)
    : clock_(d.clock),
      sandbox_(d.sandbox),
      credentials_(d.credentials),
      authorizer_(d.authorizer),
      logs_(d.logs),
      settings_(settings),
      packages_(packages),
      state_(std::make_shared<State>(d.clock, Pace{static_cast<double>(settings.requests_per_concurrency),
                                                   static_cast<double>(settings.burst_environments)})) {}

Environments::~Environments() { retire_all(); }

async::Task<Environments::Lease> Environments::acquire(std::shared_ptr<const Version> version, Shares shares) {
  if (!sandbox_) refuse<aws::lambda::ServiceException>("This server was started without a sandbox: functions cannot run.");
  const auto steady = Steady::now();
  const base::Timestamp usable_until{clock_.now().ms + version->configuration.timeout_s * 1'000LL + kCredentialMarginMs};
  if (state_->provisioned_pools > 0) {
    if (auto lease = provisioned(*version, usable_until, steady)) co_return std::move(*lease);
  }
  const auto entry = state_->admission.enter(version->function, shares, steady);
  if (entry.answer != Admission::Answer::admitted) {
    ++state_->throttles;
    throttle(reason_of(entry.answer));
  }
  std::optional<Lease> held;
  {
    const std::lock_guard lock(state_->mutex);
    held.emplace(state_, state_->pool(key_of(*version)), version->function, entry.share);
  }
  Lease lease = std::move(*held);
  if (!co_await find(lease, usable_until)) {
    ++state_->throttles;
    throttle("ConcurrentInvocationLimitExceeded");
  }
  if (lease.live_) co_return lease;
  // From here on the count is given back by whoever ends: the lease once it holds an environment, else this.
  Counted counted{*state_};
  if (!state_->admission.grow(version->function, steady)) {
    ++state_->throttles;
    throttle("ConcurrentInvocationLimitExceeded");
  }
  lease.live_ = co_await make(std::move(version), {});
  counted.handed_over = true;
  co_return lease;
}

// Is it well, and will it be to the end of a run?
bool Environments::usable(const Live& live, base::Timestamp until) const {
  return live.environment->alive() && live.credentials_expire > until &&
         clock_.now().ms - live.born.ms < settings_.max_lifetime.count();
}

// One that was provisioned and is idle, unless its callers are too many.
std::optional<Environments::Lease> Environments::provisioned(const Version& version, base::Timestamp usable_until,
                                                             std::chrono::steady_clock::time_point now) {
  std::vector<std::unique_ptr<Live>> dropped;  // destroyed after the lock: killing takes time
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->pools.find(key_of(version));
  if (it == state_->pools.end()) return std::nullopt;
  auto& pool = *it->second;
  while (!pool.ready.empty()) {
    if (!usable(*pool.ready.back(), usable_until)) {
      dropped.push_back(std::move(pool.ready.back()));
      pool.ready.pop_back();
      --pool.allocated;
      --state_->alive;
      continue;
    }
    const double rate = settings_.requests_per_concurrency * static_cast<double>(pool.wanted);
    if (!pool.requests.take(rate, rate, now)) return std::nullopt;
    state_->admission.enter_provisioned();
    Lease lease(state_, it->second, version.function, Admission::Share::provisioned);
    lease.live_ = std::move(pool.ready.back());
    pool.ready.pop_back();
    return lease;
  }
  return std::nullopt;
}

async::Task<> Environments::start_again(Lease& lease, std::shared_ptr<const Version> version) {
  auto fresh = co_await make(std::move(version), {.log_stream = lease.live_->stream.name});
  lease.live_ = std::move(fresh);
}

void Environments::want(const Version& version, int count) {
  std::vector<std::unique_ptr<Live>> dropped;
  const std::lock_guard lock(state_->mutex);
  const auto key = key_of(version);
  if (count == 0 && !state_->pools.contains(key)) return;
  const auto pool = state_->pool(key);
  state_->provisioned_pools += (count > 0) - (pool->wanted > 0);
  pool->wanted = count;
  while (pool->allocated > count && !pool->ready.empty()) {
    dropped.push_back(std::move(pool->ready.back()));
    pool->ready.pop_back();
    --pool->allocated;
    --state_->alive;
  }
}

Environments::Provision Environments::provision(const Version& version) const {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->pools.find(key_of(version));
  if (it == state_->pools.end()) return {};
  return {it->second->wanted, it->second->allocated, static_cast<int>(it->second->ready.size())};
}

async::Task<std::string> Environments::provide(std::shared_ptr<const Version> version) {
  if (!sandbox_) co_return "This server was started without a sandbox: functions cannot run.";
  std::shared_ptr<Pool> pool;
  std::vector<std::unique_ptr<Live>> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    pool = state_->pool(key_of(*version));
    if (pool->allocated + pool->making >= pool->wanted) co_return "";
    if (state_->alive >= static_cast<std::size_t>(settings_.max_environments)) {
      if (auto oldest = state_->take_oldest()) dropped.push_back(std::move(oldest));
    }
    if (state_->alive >= static_cast<std::size_t>(settings_.max_environments))
      co_return "This host runs as many execution environments as it may.";
    ++state_->alive;
    ++pool->making;
  }
  dropped.clear();
  struct UnderWay {
    State& state;
    Pool& pool;
    ~UnderWay() {
      const std::lock_guard lock(state.mutex);
      --pool.making;
    }
  };
  std::unique_ptr<Live> live;
  {
    Counted counted{*state_};
    const UnderWay making{*state_, *pool};
    try {
      live = co_await make(version, {.provisioned = true});
    } catch (const wire::Fault& fault) {
      co_return fault.message();
    }
    const auto log = std::make_shared<FunctionLog>(logs_, *version, live->stream, false);
    auto outcome = co_await live->environment->initialize(
        [log](base::Timestamp time, std::string line) { log->line(time, std::move(line)); });
    log->platform(clock_.now(), init_ended(*version, true, "init", outcome, clock_.now()));
    log->flush();
    if (outcome.kind != sandbox::Outcome::Kind::success) co_return "FUNCTION_ERROR_INIT_FAILURE";
    live->initialized = true;
    live->init_duration = outcome.init_duration;
    live->idle_since = clock_.now();
    live->rests_since = Steady::now();
    counted.handed_over = true;
  }
  const std::lock_guard lock(state_->mutex);
  if (pool->retired || pool->allocated >= pool->wanted) {
    --state_->alive;
    co_return "";
  }
  ++pool->allocated;
  pool->ready.push_back(std::move(live));
  state_->rest(*pool);
  co_return "";
}

// Gives the lease an environment, or the right to start one (then it has none). False: there may be no more of them.
async::Task<bool> Environments::find(Lease& lease, base::Timestamp usable_until) {
  auto& pool = *lease.pool_;
  const auto came = Steady::now();
  std::optional<Place> place;
  for (bool first = true;; first = false) {
    std::vector<std::unique_ptr<Live>> dropped;  // destroyed after the lock: killing takes time
    std::chrono::milliseconds pause{0};
    async::Event::Ticket ticket{};
    {
      const std::lock_guard lock(state_->mutex);
      const auto now = Steady::now();
      if (first) pool.traffic.arrived(clock_.now(), pool.running + pool.starting + 1);
      auto take = [&](std::unique_ptr<Live> live) {
        if (usable(*live, usable_until)) {
          lease.live_ = std::move(live);
        } else {
          --state_->alive;
          dropped.push_back(std::move(live));
        }
      };
      const bool given = place && place->was_given();
      if (given) {
        --pool.running;
        take(place->leave());
      }
      std::optional<std::chrono::microseconds> wait;
      if (!given && !pool.retired) {
        wait = patience(pool.crowd(now, state_->processors.busy()), place ? 0 : static_cast<int>(pool.seekers.size()),
                        std::chrono::duration_cast<std::chrono::microseconds>(now - came));
      }
      while (!wait && !lease.live_ && !pool.idle.empty()) {
        --state_->idle;
        take(std::move(pool.idle.back()));
        pool.idle.pop_back();
      }
      lease.began_ = now;
      if (lease.live_) {
        lease.stage_ = Lease::Stage::running;
        ++pool.running;
        co_return true;
      }
      if (!wait) {
        if (state_->alive >= static_cast<std::size_t>(settings_.max_environments)) {
          if (auto oldest = state_->take_oldest()) dropped.push_back(std::move(oldest));
        }
        if (state_->alive >= static_cast<std::size_t>(settings_.max_environments)) co_return false;
        ++state_->alive;
        lease.stage_ = Lease::Stage::starting;
        ++pool.starting;
        pool.starts.push_back(now);
        co_return true;
      }
      if (!place) place.emplace(*state_, pool);
      ticket = place->told().ticket();
      pause = std::chrono::ceil<std::chrono::milliseconds>(*wait);
    }
    dropped.clear();
    co_await place->told().wait(ticket, pause);
  }
}

async::Task<std::unique_ptr<Environments::Live>> Environments::make(std::shared_ptr<const Version> version, Making how) {
  // A host that runs short gets its idle environments back first.
  const auto memory = host_memory();
  const auto keep = settings_.min_available_mb != 0 ? settings_.min_available_mb : memory.total_mb / 20;
  if (memory.total_mb != 0 && memory.available_mb < keep) {
    std::unique_ptr<Live> oldest;
    {
      const std::lock_guard lock(state_->mutex);
      oldest = state_->take_oldest();
    }
    if (!oldest && memory.available_mb < keep / 2) {
      base::log_warn("host is short of memory", {{"available_mb", std::to_string(memory.available_mb)}});
      ++state_->throttles;
      throttle("ConcurrentInvocationLimitExceeded");
    }
  }
  const auto& c = version->configuration;
  auto live = std::make_unique<Live>();
  const auto credentials = co_await credentials_.assume_for_service(c.role, "lambda.amazonaws.com", version->function.name);
  if (!credentials)
    throw wire::Fault("AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.", 403);

  live->stream.group = log_group_of(*version);
  const bool first = how.log_stream.empty();
  live->stream.name =
      first ? log_stream_name(clock_.now(), version->label(), base::hex(base::random_bytes(16))) : std::move(how.log_stream);
  live->credentials_expire = credentials->expires;
  live->born = clock_.now();
  live->provisioned = how.provisioned;
  live->has_extensions = !c.layers.empty() || version->code.image.has_value();
  if (const auto session = co_await credentials_.find(credentials->access_key_id)) {
    contracts::AccessRequest request;
    request.action = "logs:PutLogEvents";
    request.resources = {"arn:aws:logs:" + version->function.region + ":" + version->function.account +
                         ":log-group:" + live->stream.group + ":log-stream:" + live->stream.name};
    const auto decision = co_await authorizer_.authorize(session->principal, request);
    live->stream.writable = decision.allowed;
    if (!decision.allowed) {
      base::log_warn("function writes no logs", {{"function", function_arn(version->function)}, {"reason", decision.reason}});
    }
  }

  sandbox::FunctionSpec spec;
  spec.runtime = runtime_of(c);
  if (version->code.image) spec.image = process_of(*version->code.image, c.image);
  spec.handler = c.handler;
  spec.memory_mb = c.memory_mb;
  spec.tmp_mb = c.tmp_mb;
  spec.init_within_invocation = !first;
  spec.provisioned = how.provisioned;
  spec.extension_news = [log = std::make_shared<FunctionLog>(logs_, *version, live->stream, false), version, &clock = clock_](
                            std::string_view type, std::string_view record) {
    log->platform(clock.now(), extension_told(*version, type, record, clock.now()));
    log->flush();
  };
  spec.environment = variables_of(*version, *credentials, live->stream.group, live->stream.name);
  try {
    auto code = co_await packages_.unpacked(version->code);
    spec.code = code->path;
    live->directories.push_back(std::move(code));
    for (const auto& layer : c.layers) {
      auto directory = co_await packages_.unpacked(layer.code);
      spec.layers.push_back(directory->path);
      live->directories.push_back(std::move(directory));
    }
    if (first) {
      const auto now = clock_.now();
      FunctionLog log(logs_, *version, live->stream, false);
      log.platform(now, init_started(*version, how.provisioned, now));
      log.flush();
    }
    live->environment = co_await sandbox_->create(std::move(spec));
  } catch (const sandbox::UnknownRuntime& e) {
    base::log_warn("runtime not available", {{"runtime", c.runtime}, {"error", e.what()}});
    refuse<aws::lambda::InvalidRuntimeException>("The runtime or runtime version specified is not supported: " + c.runtime);
  } catch (const wire::Fault&) {
    throw;
  } catch (const std::exception& e) {
    base::log_error("environment not started", {{"function", function_arn(version->function)}, {"error", e.what()}});
    throw aws::lambda::ServiceException("Lambda could not start an execution environment for this function.");
  }
  if (first && !how.provisioned) ++state_->cold_starts;
  co_return live;
}

void Environments::retire(const FunctionKey& function, std::uint64_t number) {
  std::vector<std::shared_ptr<Pool>> gone;
  std::vector<std::unique_ptr<Live>> dropped;
  {
    const std::lock_guard lock(state_->mutex);
    for (auto it = state_->pools.lower_bound({function, number, ""}); it != state_->pools.end();) {
      if (std::get<0>(it->first) != function || std::get<1>(it->first) != number) break;
      it->second->retired = true;
      if (it->second->wanted > 0) --state_->provisioned_pools;
      it->second->wanted = 0;
      gone.push_back(it->second);
      it = state_->pools.erase(it);
    }
    for (auto& pool : gone) {
      for (auto& seeker : pool->seekers) seeker->told.notify_all();
      state_->alive -= pool->idle.size();
      state_->idle -= pool->idle.size();
      std::move(pool->idle.begin(), pool->idle.end(), std::back_inserter(dropped));
      pool->idle.clear();
      state_->alive -= pool->ready.size();
      pool->allocated -= static_cast<int>(pool->ready.size());
      std::move(pool->ready.begin(), pool->ready.end(), std::back_inserter(dropped));
      pool->ready.clear();
    }
  }
}

void Environments::retire(const FunctionKey& function) {
  std::vector<std::uint64_t> numbers;
  {
    const std::lock_guard lock(state_->mutex);
    for (auto it = state_->pools.lower_bound({function, 0, ""}); it != state_->pools.end() && std::get<0>(it->first) == function;
         ++it) {
      numbers.push_back(std::get<1>(it->first));
    }
  }
  for (const auto number : numbers) retire(function, number);
}

void Environments::retire_all() {
  std::vector<FunctionKey> functions;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [key, pool] : state_->pools) functions.push_back(std::get<0>(key));
  }
  for (const auto& function : functions) retire(function);
}

void Environments::tend() {
  const auto now = clock_.now();
  state_->admission.prune(Steady::now());
  const auto memory = host_memory();
  const auto keep_free = settings_.min_available_mb != 0 ? settings_.min_available_mb : memory.total_mb / 20;
  const bool short_of_memory = memory.total_mb != 0 && memory.available_mb < keep_free;
  std::vector<std::unique_ptr<Live>> dropped;
  const std::lock_guard lock(state_->mutex);
  if (short_of_memory) {
    if (auto oldest = state_->take_oldest()) dropped.push_back(std::move(oldest));
  }
  const auto worn_out = [&](const Live& live) {
    return !live.environment->alive() || now.ms - live.born.ms >= settings_.max_lifetime.count();
  };
  for (auto it = state_->pools.begin(); it != state_->pools.end();) {
    auto& pool = *it->second;
    for (std::size_t i = pool.idle.size(); i-- > 0;) {
      auto& live = pool.idle[i];
      const auto above = pool.idle.size() - 1 - i;
      if (worn_out(*live) || now.ms - live->idle_since.ms >= pool.traffic.keep(above, settings_.idle_timeout).count()) {
        dropped.push_back(std::move(live));
        pool.idle.erase(pool.idle.begin() + static_cast<std::ptrdiff_t>(i));
        --state_->idle;
        --state_->alive;
      }
    }
    for (std::size_t i = pool.ready.size(); i-- > 0;) {
      auto& live = pool.ready[i];
      if (worn_out(*live) || live->credentials_expire.ms - now.ms < kCredentialRenewMs) {
        dropped.push_back(std::move(live));
        pool.ready.erase(pool.ready.begin() + static_cast<std::ptrdiff_t>(i));
        --pool.allocated;
        --state_->alive;
      }
    }
    // Nobody else holds it: no lease will come back to it. What it learnt is kept while it may be of use.
    const bool learnt = now.ms - pool.traffic.last().ms < settings_.idle_timeout.count() * Traffic::kLongest &&
                        state_->pools.size() < kMaxIdlePools;
    it = pool.forgettable() && !learnt && it->second.use_count() == 1 ? state_->pools.erase(it) : std::next(it);
  }
}

async::Event& Environments::rested() { return state_->rested; }

bool Environments::freeze_idle() {
  const auto now = Steady::now();
  const auto freeze = [&](std::vector<std::unique_ptr<Live>>& idle) {
    bool all = true;
    for (auto& live : idle) {
      if (live->frozen) continue;
      if (now - live->rests_since < (live->has_extensions ? kFreezeExtensionsAfter : kFreezeAfter)) {
        all = false;
        continue;
      }
      live->environment->freeze();
      live->frozen = true;
    }
    return all;
  };
  const std::lock_guard lock(state_->mutex);
  std::erase_if(state_->resting, [&](const std::shared_ptr<Pool>& pool) {
    const bool idle = freeze(pool->idle), ready = freeze(pool->ready);
    pool->resting = !idle || !ready;
    return !pool->resting;
  });
  return !state_->resting.empty();
}

Lambda::Counters Environments::counters() const {
  Lambda::Counters counters;
  counters.functions_running = static_cast<std::uint64_t>(state_->admission.running());
  counters.cold_starts = state_->cold_starts;
  counters.invocations = state_->invocations;
  counters.throttles = state_->throttles;
  const std::lock_guard lock(state_->mutex);
  counters.environments = state_->alive;
  counters.idle_environments = state_->idle;
  return counters;
}

void Environments::count_invocation() { ++state_->invocations; }

std::map<std::string, std::string> variables_of(const Version& version, const contracts::TemporaryCredentials& credentials,
                                                std::string_view log_group, std::string_view log_stream) {
  const auto& c = version.configuration;
  // The user's own first, what a user may not change last. What depends on how and where a function runs (PATH, LAMBDA_TASK_ROOT,
  // AWS_EXECUTION_ENV and their kin) is the sandbox's to name.
  std::map<std::string, std::string> out;
  if (c.environment) {
    for (const auto& [name, value] : *c.environment) out[name] = value;
  }
  out["AWS_LAMBDA_FUNCTION_NAME"] = version.function.name;
  out["AWS_LAMBDA_FUNCTION_VERSION"] = version.label();
  out["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = std::to_string(c.memory_mb);
  out["AWS_LAMBDA_LOG_GROUP_NAME"] = log_group;
  out["AWS_LAMBDA_LOG_STREAM_NAME"] = log_stream;
  if (c.log_format == "JSON") {
    out["AWS_LAMBDA_LOG_FORMAT"] = c.log_format;
    out["AWS_LAMBDA_LOG_LEVEL"] = c.application_log_level;
  }
  out["AWS_REGION"] = version.function.region;
  out["AWS_DEFAULT_REGION"] = version.function.region;
  out["AWS_ACCESS_KEY_ID"] = credentials.access_key_id;
  out["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key;
  out["AWS_SESSION_TOKEN"] = credentials.session_token;
  return out;
}

}  // namespace lambari::lambda
