#include "services/sqs/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "aws/sqs/types.h"

namespace lambari::sqs {
namespace {

constexpr std::string_view kNames[] = {"SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"};

std::array<base::TokenBucket, 4> buckets(int calls) {
  return {base::TokenBucket(calls, calls), base::TokenBucket(calls, calls), base::TokenBucket(calls, calls),
          base::TokenBucket(calls, calls)};
}

// AWS's words, and what they do not say.
[[noreturn]] void throttle(int calls, std::string_view what) {
  throw aws::sqs::RequestThrottled(fmt::format("Request is throttled. The quota is {} calls per second {}.", calls, what));
}

}  // namespace

int high_throughput_calls(std::string_view region) {
  struct Row {
    std::string_view region;
    int calls;
  };
  static constexpr Row kRegions[] = {{"us-east-1", 70'000},     {"us-west-2", 70'000},     {"eu-west-1", 70'000},
                                     {"us-east-2", 19'000},     {"eu-central-1", 19'000},  {"ap-south-1", 9'000},
                                     {"ap-southeast-1", 9'000}, {"ap-southeast-2", 9'000}, {"ap-northeast-1", 9'000},
                                     {"eu-west-2", 4'500},      {"sa-east-1", 4'500}};
  const auto* found = std::ranges::find(kRegions, region, &Row::region);
  return found == std::end(kRegions) ? 2'400 : found->calls;
}

Quota::Quota(std::string_view region) : normal_(buckets(kFifoCalls)), high_(buckets(high_throughput_calls(region))) {}

void Quota::admit(const Queue& queue, Action action, std::span<const std::string> groups, base::Timestamp now) {
  const auto index = static_cast<std::size_t>(action);
  const bool high = queue.throughput_by_group;
  auto& bucket = (high ? high_ : normal_)[index];
  if (!bucket.take(now))
    throttle(bucket.burst(), fmt::format("of {}{}", kNames[index], high ? "" : ", on a FIFO queue without high throughput"));
  if (!high) return;
  for (const auto& group : std::set<std::string>(groups.begin(), groups.end())) admit_group(group, now);
}

void Quota::admit_group(const std::string& group, base::Timestamp now) {
  const std::lock_guard lock(mutex_);
  if (groups_.size() > most_groups_) {
    std::erase_if(groups_, [&](const auto& entry) { return entry.second.full(now); });
    most_groups_ = std::max<std::size_t>(1'000, 2 * groups_.size());
  }
  if (!groups_.try_emplace(group, kFifoCalls, kFifoCalls).first->second.take(now))
    throttle(kFifoCalls, "of SendMessage for each message group");
}

}  // namespace lambari::sqs
