#include "services/lambda/function_log.h"

#include "services/lambda/report.h"

namespace lambari::lambda {
namespace {

using Steady = std::chrono::steady_clock;

constexpr auto kFlushAfter = std::chrono::milliseconds(200);  // lines of a long invocation show meanwhile

}  // namespace

FunctionLog::FunctionLog(contracts::LogSink& sink, const Version& version, const Stream& stream, bool tail)
    : sink_(sink),
      account_(version.function.account),
      region_(version.function.region),
      stream_(stream),
      style_(log_style(version.configuration)),
      tail_(tail) {}

void FunctionLog::line(base::Timestamp time, std::string text) {
  if (!passes(style_, text)) return;
  text += '\n';
  const std::lock_guard lock(mutex_);
  add(time, std::move(text));
}

void FunctionLog::platform(base::Timestamp time, PlatformEvents events) {
  const std::lock_guard lock(mutex_);
  for (auto& event : events) add(time, std::move(event));
}

void FunctionLog::add(base::Timestamp time, std::string text) {
  if (tail_) {
    kept_ += text;
    if (kept_.size() > 64 * 1024) kept_.erase(0, kept_.size() - 8 * 1024);
  }
  if (!stream_.writable) return;
  events_.push_back({time, std::move(text)});
  if (Steady::now() - flushed_ > kFlushAfter) flush_locked();
}

void FunctionLog::flush() {
  const std::lock_guard lock(mutex_);
  flush_locked();
}

std::string FunctionLog::tail() {
  const std::lock_guard lock(mutex_);
  return tail_of(kept_);
}

void FunctionLog::flush_locked() {
  flushed_ = Steady::now();
  if (events_.empty()) return;
  sink_.write(account_, region_, stream_.group, stream_.name, std::move(events_));
  events_.clear();
}

}  // namespace lambari::lambda
