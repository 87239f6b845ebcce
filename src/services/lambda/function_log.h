// The log of one phase of one environment (an initialization, an invocation): to the function's stream in batches, and its end to
// the caller when asked for.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "contracts/log_sink.h"
#include "services/lambda/log_style.h"
#include "services/lambda/model.h"
#include "services/lambda/platform_log.h"

namespace lambari::lambda {

// Thread-safe.
class FunctionLog {
 public:
  struct Stream {
    std::string group, name;
    bool writable = true;  // the execution role allows it
  };
  FunctionLog(contracts::LogSink& sink, const Version& version, const Stream& stream, bool tail);
  ~FunctionLog() { flush(); }  // what an environment says at its end
  FunctionLog(const FunctionLog&) = delete;

  // A line that the function wrote, without its newline.
  void line(base::Timestamp time, std::string text);
  void platform(base::Timestamp time, PlatformEvents events);
  void flush();
  // The last 4 KiB, when `tail` was asked for.
  std::string tail();

 private:
  void add(base::Timestamp time, std::string text);
  void flush_locked();

  contracts::LogSink& sink_;
  const std::string account_, region_;
  const Stream stream_;
  const LogStyle style_;
  const bool tail_;
  std::mutex mutex_;
  std::vector<contracts::LogEvent> events_;
  std::string kept_;
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

}  // namespace lambari::lambda
