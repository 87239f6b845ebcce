// Where services write log events for their users. Implemented by services/logs.
#pragma once

#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"

namespace lambari::contracts {

struct LogEvent {
  base::Timestamp time;
  std::string message;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Creates group and stream when missing. Returns at once and never fails: events are batched and made durable within
  // about a second; what does not fit in a bounded buffer is dropped and counted. Order within a stream is kept.
  virtual void write(const std::string& account, const std::string& region, const std::string& group, const std::string& stream,
                     std::vector<LogEvent> events) = 0;
  // After what was written before is durable.
  virtual async::Task<> flush() = 0;
};

}  // namespace lambari::contracts
