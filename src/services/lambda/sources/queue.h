// An SQS queue as a source.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "contracts/queue_source.h"
#include "services/lambda/sources/feed.h"
#include "services/lambda/sources/source.h"

namespace lambari::sources {

class Queue final : public Source {
 public:
  // How long the function may run, now.
  using Timeout = std::function<std::chrono::seconds()>;

  Queue(contracts::QueueSource& queues, std::string arn, Caller caller, Timeout timeout)
      : queues_(queues), arn_(std::move(arn)), caller_(std::move(caller)), timeout_(std::move(timeout)) {}

  async::Task<std::vector<Record>> receive(std::size_t count, std::chrono::milliseconds wait) override;
  async::Task<> settle(std::vector<Record> done) override;
  // Nothing is said: they show again when their visibility timeout is over, as on AWS.
  async::Task<> give_back(std::vector<Record>) override { co_return; }
  // The queue's visibility timeout less the time that the function may run, as of a few seconds ago.
  std::chrono::milliseconds patience() const override { return patience_.load(); }
  base::json::value for_filter(const Record& record) const override;
  std::string event(const std::vector<Record>& records) const override;

 private:
  contracts::QueueSource& queues_;
  const std::string arn_;
  const Caller caller_;
  const Timeout timeout_;
  std::atomic<std::chrono::milliseconds> patience_{std::chrono::seconds(1)};
  std::chrono::steady_clock::time_point described_{};  // of receive(), which runs once at a time
};

}  // namespace lambari::sources
