// How many calls a FIFO queue takes each second; standard queues take any number.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-fifo-throttling-issues.html
#pragma once

#include <array>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/token_bucket.h"
#include "services/sqs/model.h"

namespace lambari::sqs {

// Each second, of one action; a batch is one call. Of the queue or, in high throughput mode, of sends into one message group.
inline constexpr int kFifoCalls = 300;
// The same of a whole queue in high throughput mode.
int high_throughput_calls(std::string_view region);

// Of one queue, whatever becomes of its attributes. Thread-safe.
class Quota {
 public:
  // Alone or as a batch.
  enum class Action { send, receive, remove, hold };

  explicit Quota(std::string_view region);

  // Throws RequestThrottled. `groups`: of the messages that are sent. Both modes allow for one second's calls at once.
  void admit(const Queue& queue, Action action, std::span<const std::string> groups, base::Timestamp now);

 private:
  void admit_group(const std::string& group, base::Timestamp now);

  std::array<base::TokenBucket, 4> normal_, high_;  // by action
  std::mutex mutex_;
  std::unordered_map<std::string, base::TokenBucket> groups_;  // guarded by mutex_; those that were sent into lately
  std::size_t most_groups_ = 1'000;  // guarded by mutex_; with more than that, full buckets are forgotten
};

}  // namespace lambari::sqs
