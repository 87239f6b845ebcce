// The decisions of a poller. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "lang/event_pattern.h"
#include "services/lambda/sources/source.h"

namespace lambari::sources {

// The ids that a function reports as failed (FunctionResponseTypes ReportBatchItemFailures). Nothing: the whole batch failed,
// because the answer cannot be understood or names a record that is not in the batch. No answer, null, {} and an empty or null
// batchItemFailures mean success.
std::optional<std::set<std::string>> reported_failures(std::string_view answer, const std::vector<Record>& batch);

// Which records reach the function: those that any of the patterns matches, all when there is none.
class Filter {
 public:
  Filter() = default;
  // Throws lang::EventPatternError.
  explicit Filter(const std::vector<std::string>& patterns);
  bool passes(const base::json::value& record) const;
  bool passes_all() const { return patterns_.empty(); }

 private:
  std::vector<lang::EventPattern> patterns_;
};

// The record of an SQS message for filtering: a body that is a JSON object is matched as one, any other as text.
base::json::value message_for_filter(std::string_view record);

// How many batches run at once. It begins with five; while all of them are busy it grows by five a second (300 a minute, as on
// AWS) up to the bound; it halves when the function is throttled, and starts over when there is nothing to do.
class Scale {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit Scale(std::size_t bound) : bound_(bound) { idle(); }
  std::size_t allowed() const { return allowed_; }
  void busy(std::size_t running, Time now);
  void throttled(Time now);
  void idle() { allowed_ = std::min<std::size_t>(kStart, bound_); }

 private:
  static constexpr std::size_t kStart = 5, kStep = 5;
  std::size_t bound_, allowed_ = kStart;
  Time changed_{};
};

}  // namespace lambari::sources
