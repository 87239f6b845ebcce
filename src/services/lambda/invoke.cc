#include <algorithm>
#include <atomic>
#include <random>

#include "base/bytes.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "services/lambda/faults.h"
#include "services/lambda/function_log.h"
#include "services/lambda/operations.h"
#include "services/lambda/recursion.h"
#include "services/lambda/report.h"

namespace lambari::lambda {
namespace {

using Steady = std::chrono::steady_clock;
using Kind = sandbox::Outcome::Kind;
using namespace std::chrono_literals;

constexpr int kFreeTmpMb = 512;                 // of /tmp come with every function
constexpr auto kPatience = 10s;                 // with a function that is Pending
constexpr std::size_t kMaxDepth = 1'000;        // of a payload
constexpr std::size_t kParseHere = 256 * 1024;  // larger payloads are checked on the blocking pool

double draw() {
  thread_local std::minstd_rand engine(static_cast<unsigned>(base::random_u64() | 1));
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

std::string trace_of(const std::string& given, base::Timestamp now) {
  if (!given.empty()) return given;
  const auto random = base::hex(base::random_bytes(20));
  char seconds[9];
  std::snprintf(seconds, sizeof seconds, "%08x", static_cast<unsigned>(now.ms / 1'000));
  return "Root=1-" + std::string(seconds) + "-" + random.substr(0, 24) + ";Parent=" + random.substr(24, 16) + ";Sampled=0";
}

void need_json(const std::string& payload) {
  if (base::parse_json(payload, kMaxDepth)) return;
  refuse<aws::lambda::InvalidRequestContentException>(
      base::is_utf8(payload)
          ? "Could not parse request body into json: Could not parse payload into json: it is not one valid JSON value"
          : "Could not parse request body into json: Could not parse payload into json: Invalid UTF-8");
}

std::string client_context_of(const std::optional<std::string>& header) {
  if (!header || header->empty()) return {};
  if (header->size() > kMaxClientContext) {
    refuse<aws::lambda::InvalidRequestContentException>("Client context must be no more than 3583 bytes when base64-encoded.");
  }
  auto text = base::unbase64(*header);
  if (!text || !base::parse_json(*text)) {
    refuse<aws::lambda::InvalidRequestContentException>("Client context must be a valid Base64-encoded JSON object.");
  }
  return std::move(*text);
}

void need_size(const std::string& payload) {
  if (payload.size() <= kMaxPayload) return;
  throw wire::Fault("RequestEntityTooLargeException",
                    "Request must be smaller than " + std::to_string(kMaxPayload) + " bytes for the InvokeFunction operation",
                    413);
}

}  // namespace

async::Task<std::shared_ptr<const Target>> Invocations::ready(FunctionKey key, std::string qualifier) {
  const auto deadline = Steady::now() + kPatience;
  for (;;) {
    const auto ticket = house_.settled.ticket();
    auto target = house_.targets.find(key, qualifier);
    const auto waiting = std::find_if(target->variants.begin(), target->variants.end(),
                                      [](const auto& variant) { return variant.version->state != "Active"; });
    if (waiting == target->variants.end()) co_return target;
    const auto& state = waiting->version->state;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now());
    if (state != "Pending" || left <= 0ms) {
      refuse<aws::lambda::ResourceConflictException>(
          "The operation cannot be performed at this time. The function is currently in the following state: " + state);
    }
    co_await house_.settled.wait(ticket, left);
  }
}

namespace {

async::Task<sandbox::Outcome> invoke_in(Environments::Live& live, sandbox::Invocation invocation,
                                        std::shared_ptr<FunctionLog> log) {
  const auto function = invocation.function_arn;
  std::string failure;
  try {
    co_return co_await live.environment->invoke(
        std::move(invocation), [log](base::Timestamp time, std::string line) { log->line(time, std::move(line)); });
  } catch (const std::exception& e) {
    failure = e.what();
  }
  log->flush();
  base::log_error("environment failed", {{"function", function}, {"error", failure}});
  throw aws::lambda::ServiceException("The execution environment of the function failed.");
}

// Writes START, once.
class Opening {
 public:
  Opening(std::shared_ptr<FunctionLog> log, std::shared_ptr<const Version> version, std::string request_id,
          const base::Clock& clock)
      : log_(std::move(log)), version_(std::move(version)), request_id_(std::move(request_id)), clock_(clock) {}

  // The Init phase went well before.
  void after_init(std::chrono::microseconds took) {
    sandbox::Outcome outcome;
    outcome.init_duration = took;
    log_->platform(clock_.now(), init_ended(*version_, false, "init", outcome, clock_.now()));
    write();
  }
  void write() {
    if (!written_.exchange(true)) log_->platform(clock_.now(), invoke_started(*version_, request_id_, clock_.now()));
  }

 private:
  const std::shared_ptr<FunctionLog> log_;
  const std::shared_ptr<const Version> version_;
  const std::string request_id_;
  const base::Clock& clock_;
  std::atomic<bool> written_{false};
};

Finished ran_of(const Version& version, const std::string& request_id, const sandbox::Outcome& outcome) {
  Finished ran;
  ran.payload = answer_of(request_id, outcome, version.configuration.timeout_s);
  if (outcome.kind != Kind::success) ran.function_error = "Unhandled";
  ran.executed_version = version.label();
  return ran;
}

}  // namespace

// An answer that may be there before the invocation is over.
struct Invocations::Early {
  void settle(std::optional<Ran> answer, std::exception_ptr why) {
    {
      const std::lock_guard lock(mutex);
      if (ran || refused) return;
      ran = std::move(answer);
      refused = std::move(why);
    }
    changed.notify_all();
  }

  std::mutex mutex;
  std::optional<Ran> ran;
  std::exception_ptr refused;
  async::Event changed;
};

// Extensions may be at work yet when the function has answered: its caller does not wait for them, but where it asked for the
// log, which ends with them.
async::Task<Invocations::Ran> Invocations::run(std::shared_ptr<const Target> target, Job job) {
  const auto version = target->pick(draw());
  const bool may_go_on = !version->configuration.layers.empty() || version->code.image;
  if (!may_go_on || job.tail) co_return co_await run_whole(std::move(target), version, std::move(job), nullptr);
  const auto early = std::make_shared<Early>();
  house_.d.loops.spawn("invocation", run_on(std::move(target), version, std::move(job), early));
  for (;;) {
    const auto ticket = early->changed.ticket();
    {
      const std::lock_guard lock(early->mutex);
      if (early->refused) std::rethrow_exception(early->refused);
      if (early->ran) co_return std::move(*early->ran);
    }
    co_await early->changed.wait(ticket, 1h);
  }
}

async::Task<> Invocations::run_on(std::shared_ptr<const Target> target, std::shared_ptr<const Version> version, Job job,
                                  std::shared_ptr<Early> early) {
  try {
    early->settle(co_await run_whole(std::move(target), std::move(version), std::move(job), early), nullptr);
  } catch (...) {
    early->settle(std::nullopt, std::current_exception());
  }
}

async::Task<Invocations::Ran> Invocations::run_whole(std::shared_ptr<const Target> target, std::shared_ptr<const Version> version,
                                                     Job job, std::shared_ptr<Early> early) {
  auto passage = pass_through(trace_of(job.trace_header, house_.d.clock.now()), target->lineage);
  if (target->stops(passage.before)) {
    refuse<aws::lambda::RecursiveInvocationException>(
        "Lambda detected the function being invoked in a recursive loop with other AWS resources and stopped your function's "
        "invocation.");
  }
  Shares shares{target->reserved, house_.settings.account_concurrency, 0};
  if (!shares.reserved) shares.all_reserved = house_.targets.total_set_aside(target->key);
  auto lease = co_await house_.environments.acquire(version, shares);
  const auto& configuration = version->configuration;
  const auto& clock = house_.d.clock;

  const auto log = std::make_shared<FunctionLog>(house_.d.logs, *version, lease.live().stream, job.tail);
  const auto opening = std::make_shared<Opening>(log, version, job.request_id, clock);
  sandbox::Invocation invocation;
  invocation.request_id = job.request_id;
  invocation.payload = std::move(job.payload);
  invocation.function_arn = target->arn;
  invocation.client_context = std::move(job.client_context);
  invocation.trace_header = std::move(passage.header);
  invocation.timeout = std::chrono::seconds(configuration.timeout_s);
  if (job.stream) {
    job.stream->picked(version->label());
    invocation.sink = job.stream;
  }

  if (early)
    invocation.answered = [early, version, id = job.request_id](const sandbox::Outcome& outcome) {
      early->settle(ran_of(*version, id, outcome), nullptr);
    };

  // A start that fails is tried again, as part of the invocation. Until then nothing of the event has been used.
  // https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
  std::optional<sandbox::Invocation> spare;
  if (lease.live().initialized) {
    opening->write();
  } else {
    invocation.begun = [opening, come = lease.come_to_handler()](std::chrono::microseconds took) {
      come();
      opening->after_init(took);
    };
    spare = invocation;
  }
  auto outcome = co_await invoke_in(lease.live(), std::move(invocation), log);
  if (outcome.init_failed && spare) {
    log->platform(clock.now(), init_ended(*version, false, "init", outcome, clock.now()));
    co_await house_.environments.start_again(lease, version);
    outcome = co_await invoke_in(lease.live(), std::move(*spare), log);
    if (outcome.init_failed) log->platform(clock.now(), init_ended(*version, false, "invoke", outcome, clock.now()));
  }
  opening->write();
  // Of one that was initialized ahead: its first invocation reports it.
  if (!outcome.init_duration) outcome.init_duration = std::exchange(lease.live().init_duration, std::nullopt);
  const auto now = clock.now();
  log->platform(now, invoke_ended(*version, job.request_id, outcome, now));
  log->flush();

  const auto arn = function_arn(version->function);
  house_.d.meter.count("lambda", "Request", arn, 1);
  const auto billed = billed_ms(outcome);
  house_.d.meter.count("lambda", lease.live().provisioned ? "Lambda-Provisioned-MB-ms" : "Lambda-MB-ms", arn,
                       billed * static_cast<std::uint64_t>(configuration.memory_mb));
  if (configuration.tmp_mb > kFreeTmpMb)
    house_.d.meter.count("lambda", "Lambda-Storage-MB-ms", arn,
                         billed * static_cast<std::uint64_t>(configuration.tmp_mb - kFreeTmpMb));
  house_.environments.count_invocation();

  const bool well =
      outcome.kind == Kind::success || outcome.kind == Kind::function_error || outcome.kind == Kind::payload_too_large;
  if (well && lease.live().environment->alive()) lease.give_back();

  auto ran = ran_of(*version, job.request_id, outcome);
  if (job.tail) ran.log_tail = log->tail();
  co_return ran;
}

// What is to be invoked, checked.
async::Task<Invocations::Job> Invocations::job_of(const wire::Call& call, std::string payload,
                                                  std::optional<std::string> client_context,
                                                  std::optional<std::string> log_type) {
  need_size(payload);
  if (payload.empty()) {
    payload = "{}";
  } else if (payload.size() <= kParseHere) {
    need_json(payload);
  } else {
    co_await house_.d.loops.block([&] { need_json(payload); });
  }
  Job job;
  job.request_id = call.request_id.empty() ? base::uuid() : call.request_id;
  job.payload = std::move(payload);
  job.client_context = client_context_of(client_context);
  job.trace_header = call.trace_header;
  job.tail = log_type.value_or("None") == "Tail";
  co_return job;
}

async::Task<Invocations::Ran> Invocations::call(FunctionKey key, std::string qualifier, Job job) {
  const auto target = co_await ready(std::move(key), std::move(qualifier));
  co_return co_await run(target, std::move(job));
}

async::Task<aws::lambda::InvocationResponse> Invocations::api(const wire::Call& call, aws::lambda::InvocationRequest request) {
  auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  const auto type = request.InvocationType.value_or("RequestResponse");
  if (request.DurableExecutionName) not_here("DurableExecutionName");
  if (request.TenantId) not_here("TenantId");
  auto payload = std::move(request.Payload).value_or("");
  if (type == "Event") {
    co_await enqueue({std::move(ref.key), std::move(ref.qualifier), call.request_id.empty() ? base::uuid() : call.request_id,
                      client_context_of(request.ClientContext), call.trace_header, std::move(payload)});
    aws::lambda::InvocationResponse accepted;
    accepted.StatusCode = 202;
    co_return accepted;
  }
  auto job = co_await job_of(call, std::move(payload), request.ClientContext, request.LogType);

  aws::lambda::InvocationResponse out;
  if (type == "DryRun") {
    house_.targets.find(ref.key, ref.qualifier);
    out.StatusCode = 204;
    co_return out;
  }
  const auto target = co_await ready(std::move(ref.key), std::move(ref.qualifier));
  auto ran = co_await run(target, std::move(job));
  out.StatusCode = 200;
  out.Payload = std::move(ran.payload);
  out.ExecutedVersion = std::move(ran.executed_version);
  if (!ran.function_error.empty()) out.FunctionError = std::move(ran.function_error);
  if (!ran.log_tail.empty()) out.LogResult = base::base64(ran.log_tail);
  co_return out;
}

async::Task<bool> Invocations::may_invoke(const contracts::Invocation& invocation, const Target& target, std::string& reason) {
  // For a service the answer hangs on the resource policy alone, so it is kept with it.
  const bool by_service = invocation.caller.kind == contracts::Principal::Kind::service;
  auto question = invocation.caller.arn + "\n" + invocation.source_arn;
  if (by_service) {
    if (const auto known = target.recall(question); known && *known) co_return true;
  }
  contracts::AccessRequest request;
  request.action = "lambda:InvokeFunction";
  request.resources = {target.arn};
  request.resource_policy = target.policy;
  if (!invocation.source_arn.empty()) {
    request.context["aws:SourceArn"] = {invocation.source_arn};
    const auto parts = base::split(invocation.source_arn, ':');
    if (parts.size() > 5 && !parts[4].empty()) request.context["aws:SourceAccount"] = {std::string(parts[4])};
  }
  for (const auto& [name, value] : target.tags) request.context["aws:ResourceTag/" + name] = {value};
  auto decision = co_await house_.d.authorizer.authorize(invocation.caller, request);
  if (decision.allowed && by_service) target.remember(std::move(question), true);
  reason = std::move(decision.reason);
  co_return decision.allowed;
}

async::Task<contracts::InvocationResult> Invocations::by_contract(contracts::Invocation invocation) {
  contracts::InvocationResult out;
  out.request_id = base::uuid();
  try {
    const auto parts = base::split(invocation.function, ':');
    if (parts.size() < 7 || parts[0] != "arn") invalid("The function is not named by an ARN: " + invocation.function);
    auto ref = parse_function(invocation.function, std::nullopt, {std::string(parts[4]), std::string(parts[3])});
    need_size(invocation.payload);
    const auto target = co_await ready(std::move(ref.key), std::move(ref.qualifier));
    std::string reason;
    if (!co_await may_invoke(invocation, *target, reason)) throw wire::Fault("AccessDeniedException", reason, 403);
    Job job{out.request_id, invocation.payload.empty() ? "{}" : std::move(invocation.payload),
            std::move(invocation.client_context), std::move(invocation.trace_header), invocation.tail_log};
    auto ran = co_await run(target, std::move(job));
    out.payload = std::move(ran.payload);
    out.function_error = std::move(ran.function_error);
    out.executed_version = std::move(ran.executed_version);
    out.log_tail = std::move(ran.log_tail);
  } catch (const wire::Fault& fault) {
    out.refusal = {fault.code(), fault.message(), fault.status()};
  } catch (const std::exception& e) {
    base::log_error("invocation failed", {{"function", invocation.function}, {"error", e.what()}});
    out.refusal = {"ServiceException", "The service encountered an internal error.", 500};
  }
  co_return out;
}

}  // namespace lambari::lambda
