#include "sandbox/exchange.h"

namespace lambari::sandbox {
namespace {

constexpr std::chrono::hours kLong{24};
auto now() { return std::chrono::steady_clock::now(); }

}  // namespace

Exchange::Exchange(const std::vector<std::string>& external, std::shared_ptr<Telemetry> telemetry, ExtensionNews news)
    : extensions_(std::make_shared<Extensions>(external,
                                               [events = events_] {
                                                 events->invoker.notify_all();
                                                 events->runtime.notify_all();
                                               })),
      telemetry_(std::move(telemetry)),
      news_(std::move(news)) {}

Exchange::Facts Exchange::facts() const {
  std::lock_guard lock(mutex_);
  return facts_;
}

void Exchange::set_facts(Facts facts) {
  std::lock_guard lock(mutex_);
  facts_ = std::move(facts);
}

void Exchange::offer(Invocation invocation) {
  {
    std::lock_guard lock(mutex_);
    offered_ = std::move(invocation);
    answer_.reset();
    taken_.reset();
    running_.clear();
  }
  events_->runtime.notify_all();
}

std::optional<std::chrono::steady_clock::time_point> Exchange::taken() const {
  std::lock_guard lock(mutex_);
  return taken_;
}

std::optional<Exchange::Answer> Exchange::take_answer() {
  std::lock_guard lock(mutex_);
  return std::exchange(answer_, std::nullopt);
}

bool Exchange::waited() const {
  std::lock_guard lock(mutex_);
  return waited_;
}

bool Exchange::asking() const {
  std::lock_guard lock(mutex_);
  return asking_;
}

bool Exchange::may_ask() const {
  std::lock_guard lock(mutex_);
  return running_.empty();
}

async::Task<std::optional<Invocation>> Exchange::next() {
  for (;;) {
    const auto ticket = events_->runtime.ticket();
    bool told = false;
    std::optional<Invocation> mine;
    {
      std::lock_guard lock(mutex_);
      if (closed_) co_return std::nullopt;
      const bool first = !std::exchange(waited_, true), awaited = std::exchange(awaited_, false);
      told = first || awaited;
      asking_ = true;
      if (offered_ && extensions_->ready()) {
        mine = std::exchange(offered_, std::nullopt);
        running_ = mine->request_id;
        asking_ = false;
        sink_ = mine->sink;
        taken_ = now();
        told = true;
      }
    }
    if (mine) {
      extensions_->invoke(*mine);
      telemetry_->close_subscriptions();
      if (const auto begun = std::exchange(mine->begun, nullptr)) begun({});
    }
    if (told) events_->invoker.notify_all();
    if (mine) co_return mine;
    co_await events_->runtime.wait(ticket, kLong);
  }
}

Exchange::Verdict Exchange::answer(std::string_view request_id, Answer answer) {
  auto verdict = Verdict::accepted;
  {
    std::lock_guard lock(mutex_);
    if (running_ != request_id || running_.empty())
      return !answered_.empty() && answered_ == request_id ? Verdict::answered_before : Verdict::wrong_id;
    answered_ = std::exchange(running_, {});
    answer.when = now();
    if (!answer.streamed) answer.bytes = answer.payload.size();
    if (answer.kind == Outcome::Kind::success && answer.payload.size() > kMaxResponse) {
      answer.kind = Outcome::Kind::payload_too_large;
      answer.payload.clear();
      verdict = Verdict::too_large;
    }
    awaited_ = answer.kind == Outcome::Kind::function_error || answer.in_pieces;
    answer_ = std::move(answer);
  }
  events_->invoker.notify_all();
  return verdict;
}

std::optional<std::shared_ptr<ResponseSink>> Exchange::begin_stream(std::string_view request_id, std::string content_type) {
  std::shared_ptr<ResponseSink> sink;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || running_.empty() || running_ != request_id) return std::nullopt;
    sink = std::exchange(sink_, nullptr);
  }
  if (sink) sink->begin(std::move(content_type));
  return sink;
}

bool Exchange::start_failed(Answer answer) {
  {
    std::lock_guard lock(mutex_);
    if (waited_ || answer_) return false;
    answer.kind = Outcome::Kind::init_error;
    answer.when = now();
    answer_ = std::move(answer);
  }
  events_->invoker.notify_all();
  return true;
}

void Exchange::announce_too_large(std::size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    if (running_.empty()) return;
    running_.clear();
    answer_ = Answer{.kind = Outcome::Kind::payload_too_large, .bytes = bytes, .when = now()};
  }
  events_->invoker.notify_all();
}

void Exchange::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  extensions_->close();
  events_->runtime.notify_all();
  events_->invoker.notify_all();
}

}  // namespace lambari::sandbox
