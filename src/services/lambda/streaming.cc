#include "services/lambda/streaming.h"

#include "base/bytes.h"
#include "base/ids.h"
#include "services/lambda/faults.h"
#include "services/lambda/operations.h"

namespace lambari::lambda {
namespace {

constexpr std::uint64_t kUncapped = 6 << 20, kBytesPerSecond = 2 << 20;

}  // namespace

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html#config-rs-bandwidth-cap
async::Task<bool> StreamedAnswer::write(std::string piece) {
  using namespace std::chrono;
  const auto now = steady_clock::now();
  if (written_ <= kUncapped && written_ + piece.size() > kUncapped) slow_since_ = now;
  written_ += piece.size();
  if (written_ > kUncapped) {
    const auto due = slow_since_ + microseconds((written_ - kUncapped) * 1'000'000 / kBytesPerSecond);
    if (due > now) co_await changed_.wait(changed_.ticket(), ceil<milliseconds>(due - now));
  }
  co_return co_await pipe_.write(std::move(piece));
}

async::Task<> StreamedAnswer::begun() {
  constexpr std::chrono::hours kLong{24};
  for (;;) {
    const auto ticket = changed_.ticket();
    {
      std::lock_guard lock(mutex_);
      if (refused_) std::rethrow_exception(refused_);
      if (settled_) co_return;
    }
    co_await changed_.wait(ticket, kLong);
  }
}

void StreamedAnswer::settle() {
  {
    std::lock_guard lock(mutex_);
    settled_ = true;
  }
  changed_.notify_all();
}

void StreamedAnswer::begin(std::string content_type) {
  content_type_ = std::move(content_type);
  settle();
}

void StreamedAnswer::finish(Finished finished) {
  finished_ = std::move(finished);
  pipe_.finish();
  settle();
}

void StreamedAnswer::refuse(std::exception_ptr why) {
  {
    std::lock_guard lock(mutex_);
    refused_ = std::move(why);
  }
  pipe_.finish();
  settle();
}

namespace {

using aws::lambda::InvokeWithResponseStreamResponseEvent;

// PayloadChunk for each piece, then InvokeComplete.
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
class Events : public wire::EventSource<InvokeWithResponseStreamResponseEvent> {
 public:
  explicit Events(std::shared_ptr<StreamedAnswer> answer) : answer_(std::move(answer)) {}
  ~Events() override { answer_->leave(); }

  async::Task<std::optional<InvokeWithResponseStreamResponseEvent>> next() override {
    if (complete_) co_return std::nullopt;
    InvokeWithResponseStreamResponseEvent event;
    if (auto piece = co_await answer_->read()) {
      event.PayloadChunk.emplace().Payload = std::move(*piece);
      co_return event;
    }
    complete_ = true;
    const auto& end = answer_->finished();
    auto& last = event.InvokeComplete.emplace();
    if (!end.function_error.empty()) {
      last.ErrorCode = end.function_error;
      last.ErrorDetails = end.payload;
    }
    if (!end.log_tail.empty()) last.LogResult = base::base64(end.log_tail);
    co_return event;
  }

 private:
  const std::shared_ptr<StreamedAnswer> answer_;
  bool complete_ = false;
};

}  // namespace

async::Task<> Invocations::run_streamed(std::shared_ptr<const Target> target, Job job) {
  const auto answer = job.stream;
  try {
    answer->finish(co_await run(std::move(target), std::move(job)));
  } catch (...) {
    answer->refuse(std::current_exception());
  }
}

async::Task<std::shared_ptr<StreamedAnswer>> Invocations::call_streamed(FunctionKey key, std::string qualifier, Job job) {
  const auto target = co_await ready(std::move(key), std::move(qualifier));
  const auto answer = std::make_shared<StreamedAnswer>();
  job.stream = answer;
  house_.d.loops.spawn("streamed invocation", run_streamed(target, std::move(job)));
  co_await answer->begun();
  co_return answer;
}

async::Task<aws::lambda::InvokeWithResponseStreamResponse> Invocations::stream(
    const wire::Call& call, aws::lambda::InvokeWithResponseStreamRequest request) {
  auto ref = parse_function(request.FunctionName, request.Qualifier, House::scope(call));
  if (request.TenantId) not_here("TenantId");
  auto job = co_await job_of(call, std::move(request.Payload).value_or(""), request.ClientContext, request.LogType);
  aws::lambda::InvokeWithResponseStreamResponse out;
  if (request.InvocationType.value_or("RequestResponse") == "DryRun") {
    house_.targets.find(ref.key, ref.qualifier);
    out.StatusCode = 204;
    co_return out;
  }
  const auto answer = co_await call_streamed(std::move(ref.key), std::move(ref.qualifier), std::move(job));
  out.StatusCode = 200;
  out.ExecutedVersion = answer->executed_version();
  out.EventStream.emplace(std::make_shared<Events>(answer));
  out.ResponseStreamContentType = std::string(wire::kEventStreamType);
  co_return out;
}

}  // namespace lambari::lambda
