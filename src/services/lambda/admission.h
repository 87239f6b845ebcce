// Who may run now: counts what is in flight against reserved and account concurrency. Holds no function, knows no time.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "services/lambda/model.h"

namespace lambari::lambda {

struct Shares {
  std::optional<int> reserved;  // of this function
  int account = 1'000;          // of the account in the region
  int all_reserved = 0;         // the sum of all reservations there
};

// Thread-safe.
class Admission {
 public:
  enum class Answer { admitted, function_limit, account_limit };

  // What was admitted leaves with the same `shared` that enter() gave, whatever was reserved meanwhile.
  struct Entry {
    Answer answer;
    bool shared;  // counted against the unreserved part of the account
  };

  Entry enter(const FunctionKey& function, const Shares& shares) {
    const std::lock_guard lock(mutex_);
    auto& running = functions_[function];
    if (shares.reserved) {
      if (running >= *shares.reserved) return refused(function, Answer::function_limit);
      ++running;
      return {Answer::admitted, false};
    }
    auto& all = unreserved_[{function.account, function.region}];
    if (all >= shares.account - shares.all_reserved) return refused(function, Answer::account_limit);
    ++running;
    ++all;
    return {Answer::admitted, true};
  }

  void leave(const FunctionKey& function, bool shared) {
    const std::lock_guard lock(mutex_);
    if (const auto it = functions_.find(function); it != functions_.end() && --it->second == 0) functions_.erase(it);
    if (shared) --unreserved_[{function.account, function.region}];
  }

  int running() const {
    const std::lock_guard lock(mutex_);
    int total = 0;
    for (const auto& [key, count] : functions_) total += count;
    return total;
  }

 private:
  Entry refused(const FunctionKey& function, Answer answer) {
    if (const auto it = functions_.find(function); it != functions_.end() && it->second == 0) functions_.erase(it);
    return {answer, false};
  }

  mutable std::mutex mutex_;
  std::map<FunctionKey, int> functions_;
  std::map<std::pair<std::string, std::string>, int> unreserved_;
};

}  // namespace lambari::lambda
