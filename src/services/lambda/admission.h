// Who may run now: counts what is in flight against reserved and account concurrency, and paces requests and new environments.
// Holds no function and asks no clock.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "services/lambda/model.h"

namespace lambari::lambda {

// A token bucket: full at first, `per_second` more each second, `size` at most.
class Bucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  bool take(double size, double per_second, Time now) {
    if (!begun_) {
      begun_ = true;
      tokens_ = size;
      last_ = now;
    }
    if (now > last_) {
      tokens_ += per_second * std::chrono::duration<double>(now - last_).count();
      last_ = now;
    }
    tokens_ = std::min(tokens_, size);
    if (tokens_ < 1.0) return false;
    tokens_ -= 1.0;
    return true;
  }
  // Nobody took anything for so long that it is full, or as good as.
  bool idle(Time now) const { return !begun_ || now - last_ > std::chrono::seconds(10); }

 private:
  bool begun_ = false;
  double tokens_ = 0.0;
  Time last_{};
};

struct Shares {
  std::optional<int> reserved;  // of this function, less what of it is provisioned
  int account = 1'000;          // of the account in the region
  int all_reserved = 0;         // what is set aside there: all reservations, and what is provisioned outside of them
};

struct Pace {
  double requests = 10;         // each second, for each unit of concurrency
  double environments = 1'000;  // new ones of a function, at once and each ten seconds
};

// Thread-safe.
class Admission {
 public:
  using Time = Bucket::Time;
  enum class Answer { admitted, function_limit, account_limit, function_rate, account_rate };
  // What an admitted one is counted against, whatever was reserved meanwhile; it leaves with the same.
  enum class Share { own, common, provisioned };
  struct Entry {
    Answer answer;
    Share share;
  };

  explicit Admission(Pace pace = {}) : pace_(pace) {}

  Entry enter(const FunctionKey& function, const Shares& shares, Time now) {
    const std::lock_guard lock(mutex_);
    auto& f = functions_[function];
    if (shares.reserved) {
      if (f.running >= *shares.reserved) return {Answer::function_limit, Share::own};
      if (!in_pace(f.requests, *shares.reserved, now)) return {Answer::function_rate, Share::own};
      ++f.running;
      ++running_;
      return {Answer::admitted, Share::own};
    }
    auto& all = unreserved_[{function.account, function.region}];
    const int limit = shares.account - shares.all_reserved;
    if (all >= limit) return {Answer::account_limit, Share::common};
    if (!in_pace(f.requests, limit, now)) return {Answer::account_rate, Share::common};
    ++f.running;
    ++running_;
    ++all;
    return {Answer::admitted, Share::common};
  }

  // For an invocation that has its provisioned environment already.
  void enter_provisioned() {
    const std::lock_guard lock(mutex_);
    ++running_;
  }

  void leave(const FunctionKey& function, Share share) {
    const std::lock_guard lock(mutex_);
    --running_;
    if (share == Share::provisioned) return;
    if (const auto it = functions_.find(function); it != functions_.end()) --it->second.running;
    if (share == Share::common) --unreserved_[{function.account, function.region}];
  }

  // One more environment of the function is wanted; false when it grew too fast.
  bool grow(const FunctionKey& function, Time now) {
    const std::lock_guard lock(mutex_);
    return functions_[function].growth.take(pace_.environments, pace_.environments / 10, now);
  }

  // Forgets functions that nobody calls; now and then.
  void prune(Time now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(functions_, [&](const auto& item) {
      const auto& f = item.second;
      return f.running == 0 && f.requests.idle(now) && f.growth.idle(now);
    });
  }

  int running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }

 private:
  struct Function {
    int running = 0;
    Bucket requests, growth;
  };

  bool in_pace(Bucket& bucket, int concurrency, Time now) const {
    const double rate = pace_.requests * std::max(concurrency, 0);
    return bucket.take(rate, rate, now);
  }

  const Pace pace_;
  mutable std::mutex mutex_;
  std::map<FunctionKey, Function> functions_;
  std::map<std::pair<std::string, std::string>, int> unreserved_;
  int running_ = 0;
};

}  // namespace lambari::lambda
