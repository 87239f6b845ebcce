#include "services/lambda/sources/queue.h"

#include <algorithm>
#include <stdexcept>

#include "services/lambda/sources/rules.h"

namespace lambari::sources {
namespace {

constexpr std::chrono::seconds kDescribeEvery{10};

}  // namespace

async::Task<std::vector<Record>> Queue::receive(std::size_t count, std::chrono::milliseconds wait) {
  const auto now = std::chrono::steady_clock::now();
  if (now - described_ > kDescribeEvery) {
    const auto queue = co_await queues_.describe(arn_);
    if (!queue) throw std::runtime_error("The specified queue does not exist.");
    patience_ = std::max<std::chrono::milliseconds>(std::chrono::seconds(1), queue->visibility_timeout - timeout_());
    described_ = now;
  }
  auto principal = co_await assumed(caller_);
  auto messages = co_await queues_.receive(std::move(principal), arn_, count, wait);
  std::vector<Record> out;
  out.reserve(messages.size());
  for (auto& m : messages)
    out.push_back({std::move(m.id), std::move(m.handle), std::move(m.group), std::move(m.record), std::move(m.trace_header)});
  co_return out;
}

async::Task<> Queue::settle(std::vector<Record> done) {
  std::vector<std::string> handles;
  handles.reserve(done.size());
  for (auto& record : done) handles.push_back(std::move(record.handle));
  auto principal = co_await assumed(caller_);
  co_await queues_.remove(std::move(principal), arn_, std::move(handles));
}

base::json::value Queue::for_filter(const Record& record) const { return message_for_filter(record.json); }

std::string Queue::event(const std::vector<Record>& records) const {
  std::string out = R"({"Records":[)";
  for (const auto& record : records) out.append(out.back() == '[' ? "" : ",").append(record.json);
  return out + "]}";
}

}  // namespace lambari::sources
