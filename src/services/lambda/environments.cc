#include "services/lambda/environments.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <tuple>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "services/lambda/faults.h"
#include "services/lambda/report.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kFreezeAfter = 500ms;
// Credentials that end sooner than this after the longest run of a function are not used again.
constexpr std::int64_t kCredentialMarginMs = 60'000;

using PoolKey = std::tuple<FunctionKey, std::uint64_t, std::string>;

PoolKey key_of(const Version& v) { return {v.function, v.number, v.generation}; }

struct Memory {
  std::uint64_t total_mb = 0, available_mb = 0;
};

Memory host_memory() {
  Memory memory;
  std::ifstream in("/proc/meminfo");
  for (std::string name; in >> name;) {
    std::uint64_t kb = 0;
    std::string unit;
    in >> kb;
    std::getline(in, unit);
    if (name == "MemTotal:") memory.total_mb = kb / 1024;
    if (name == "MemAvailable:") {
      memory.available_mb = kb / 1024;
      break;
    }
  }
  return memory;
}

[[noreturn]] void throttle(const char* reason) {
  aws::lambda::TooManyRequestsException fault("Rate Exceeded.");
  fault.fields.Type = "User";
  fault.fields.Reason = reason;
  fault.fields.retryAfterSeconds = "1";
  throw fault;
}

}  // namespace

struct Environments::Pool {
  std::vector<std::unique_ptr<Live>> idle;  // the last one given back is the first one used
  bool retired = false;
};

struct Environments::State {
  mutable std::mutex mutex;
  std::map<PoolKey, std::shared_ptr<Pool>> pools;
  std::size_t alive = 0;  // made and not gone, being made included
  std::size_t idle = 0;
  Admission admission;
  std::atomic<std::uint64_t> cold_starts{0}, invocations{0}, throttles{0};

  std::shared_ptr<Pool> pool(const PoolKey& key) {
    auto& pool = pools[key];
    if (!pool) pool = std::make_shared<Pool>();
    return pool;
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

Environments::Lease::Lease(std::shared_ptr<State> state, FunctionKey function, bool shared)
    : state_(std::move(state)), function_(std::move(function)), shared_(shared) {}

Environments::Lease::~Lease() {
  if (!state_) return;
  state_->admission.leave(function_, shared_);
  if (!live_) return;
  {
    const std::lock_guard lock(state_->mutex);
    --state_->alive;
  }
}

void Environments::Lease::give_back() {
  if (!live_ || !pool_) return;
  live_->fresh = false;
  live_->frozen = false;
  live_->idle_since = Steady::now();
  const std::lock_guard lock(state_->mutex);
  if (pool_->retired) return;  // the destructor drops it
  pool_->idle.push_back(std::move(live_));
  ++state_->idle;
}

Environments::Environments(const Dependencies& d, const Settings& settings, Packages& packages)
    : clock_(d.clock),
      sandbox_(d.sandbox),
      credentials_(d.credentials),
      authorizer_(d.authorizer),
      logs_(d.logs),
      settings_(settings),
      packages_(packages),
      state_(std::make_shared<State>()) {}

Environments::~Environments() { retire_all(); }

async::Task<Environments::Lease> Environments::acquire(std::shared_ptr<const Version> version, Shares shares) {
  if (!sandbox_) refuse<aws::lambda::ServiceException>("This server was started without a sandbox: functions cannot run.");
  const auto entry = state_->admission.enter(version->function, shares);
  if (entry.answer != Admission::Answer::admitted) {
    ++state_->throttles;
    throttle(entry.answer == Admission::Answer::function_limit ? "ReservedFunctionConcurrentInvocationLimitExceeded"
                                                               : "ConcurrentInvocationLimitExceeded");
  }
  Lease lease(state_, version->function, entry.shared);
  const auto usable_until = base::Timestamp{clock_.now().ms + version->configuration.timeout_s * 1'000LL + kCredentialMarginMs};
  const auto now = Steady::now();
  std::vector<std::unique_ptr<Live>> dropped;  // destroyed after the lock: killing takes time
  bool full = false;
  {
    const std::lock_guard lock(state_->mutex);
    lease.pool_ = state_->pool(key_of(*version));
    auto& idle = lease.pool_->idle;
    while (!idle.empty() && !lease.live_) {
      auto live = std::move(idle.back());
      idle.pop_back();
      --state_->idle;
      if (live->environment->alive() && live->credentials_expire > usable_until && now - live->born < settings_.max_lifetime) {
        lease.live_ = std::move(live);
      } else {
        --state_->alive;
        dropped.push_back(std::move(live));
      }
    }
    if (!lease.live_) {
      if (state_->alive >= static_cast<std::size_t>(settings_.max_environments)) {
        if (auto oldest = state_->take_oldest()) dropped.push_back(std::move(oldest));
      }
      full = state_->alive >= static_cast<std::size_t>(settings_.max_environments);
      if (!full) ++state_->alive;
    }
  }
  dropped.clear();
  if (lease.live_) co_return lease;
  if (full) {
    ++state_->throttles;
    throttle("ConcurrentInvocationLimitExceeded");
  }
  // From here on the count is given back by whoever ends: the lease once it holds an environment, else this.
  struct Counted {
    State& state;
    bool handed_over = false;
    ~Counted() {
      if (handed_over) return;
      const std::lock_guard lock(state.mutex);
      --state.alive;
    }
  } counted{*state_};
  lease.live_ = co_await make(std::move(version));
  counted.handed_over = true;
  co_return lease;
}

async::Task<std::unique_ptr<Environments::Live>> Environments::make(std::shared_ptr<const Version> version) {
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

  live->log_group = log_group_of(*version);
  live->log_stream = log_stream_name(clock_.now(), version->label(), base::hex(base::random_bytes(16)));
  live->credentials_expire = credentials->expires;
  live->born = Steady::now();
  if (const auto session = co_await credentials_.find(credentials->access_key_id)) {
    contracts::AccessRequest request;
    request.action = "logs:PutLogEvents";
    request.resources = {"arn:aws:logs:" + version->function.region + ":" + version->function.account +
                         ":log-group:" + live->log_group + ":log-stream:" + live->log_stream};
    const auto decision = co_await authorizer_.authorize(session->principal, request);
    live->may_log = decision.allowed;
    if (!decision.allowed) {
      base::log_warn("function writes no logs", {{"function", function_arn(version->function)}, {"reason", decision.reason}});
    }
  }

  sandbox::FunctionSpec spec;
  spec.runtime = c.runtime;
  spec.handler = c.handler;
  spec.memory_mb = c.memory_mb;
  spec.tmp_mb = c.tmp_mb;
  spec.environment = variables_of(*version, *credentials, live->log_group, live->log_stream);
  try {
    auto code = co_await packages_.unpacked(version->code.zip);
    spec.code = code->path;
    live->directories.push_back(std::move(code));
    for (const auto& layer : c.layers) {
      auto directory = co_await packages_.unpacked(layer.code.zip);
      spec.layers.push_back(directory->path);
      live->directories.push_back(std::move(directory));
    }
    if (live->may_log) {
      logs_.write(version->function.account, version->function.region, live->log_group, live->log_stream,
                  {{clock_.now(), init_start_line(version->function.region, c.runtime)}});
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
  ++state_->cold_starts;
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
      gone.push_back(it->second);
      it = state_->pools.erase(it);
    }
    for (auto& pool : gone) {
      state_->alive -= pool->idle.size();
      state_->idle -= pool->idle.size();
      std::move(pool->idle.begin(), pool->idle.end(), std::back_inserter(dropped));
      pool->idle.clear();
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
  const auto now = Steady::now();
  std::vector<std::unique_ptr<Live>> dropped;
  const std::lock_guard lock(state_->mutex);
  for (auto it = state_->pools.begin(); it != state_->pools.end();) {
    auto& idle = it->second->idle;
    for (auto live = idle.begin(); live != idle.end();) {
      const bool old = now - (*live)->idle_since >= settings_.idle_timeout || now - (*live)->born >= settings_.max_lifetime;
      if (old || !(*live)->environment->alive()) {
        dropped.push_back(std::move(*live));
        live = idle.erase(live);
        --state_->idle;
        --state_->alive;
        continue;
      }
      if (!(*live)->frozen && now - (*live)->idle_since >= kFreezeAfter) {
        (*live)->environment->freeze();
        (*live)->frozen = true;
      }
      ++live;
    }
    // Nobody else holds it: no lease will come back to it.
    it = idle.empty() && it->second.use_count() == 1 ? state_->pools.erase(it) : std::next(it);
  }
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
  // The user's own first, what a user may not change last. PATH, LD_LIBRARY_PATH and their kin are the sandbox's: named here they
  // would look like the user's wish, and a runtime that was started ahead of need could not be used.
  std::map<std::string, std::string> out;
  if (c.environment) {
    for (const auto& [name, value] : *c.environment) out[name] = value;
  }
  out["AWS_LAMBDA_FUNCTION_NAME"] = version.function.name;
  out["AWS_LAMBDA_FUNCTION_VERSION"] = version.label();
  out["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = std::to_string(c.memory_mb);
  out["AWS_LAMBDA_LOG_GROUP_NAME"] = log_group;
  out["AWS_LAMBDA_LOG_STREAM_NAME"] = log_stream;
  out["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
  out["AWS_REGION"] = version.function.region;
  out["AWS_DEFAULT_REGION"] = version.function.region;
  out["AWS_ACCESS_KEY_ID"] = credentials.access_key_id;
  out["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key;
  out["AWS_SESSION_TOKEN"] = credentials.session_token;
  if (!c.runtime.starts_with("provided")) out["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + c.runtime;
  out["LAMBDA_TASK_ROOT"] = "/var/task";
  out["LAMBDA_RUNTIME_DIR"] = "/var/runtime";
  return out;
}

}  // namespace lambari::lambda
