// Execution roles as callers of other services: the principal of a session that Lambda has assumed, kept while it lasts.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "contracts/credentials.h"

namespace lambari::lambda {

// Thread-safe.
class Roles {
 public:
  Roles(base::Clock& clock, contracts::Credentials& credentials) : clock_(clock), credentials_(credentials) {}

  // Nothing when the role is missing or does not trust Lambda.
  async::Task<std::optional<contracts::Principal>> principal(std::string role, std::string session) {
    const auto key = role + "\n" + session;
    {
      const std::lock_guard lock(mutex_);
      const auto it = known_.find(key);
      if (it != known_.end() && it->second.until > clock_.now()) co_return it->second.principal;
    }
    const auto assumed = co_await credentials_.assume_for_service(role, "lambda.amazonaws.com", session);
    if (!assumed) co_return std::nullopt;
    auto secret = co_await credentials_.find(assumed->access_key_id, assumed->session_token);
    if (!secret) co_return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMost) known_.clear();
    known_[key] = {secret->principal, {assumed->expires.ms - kMargin}};
    co_return std::move(secret->principal);
  }

 private:
  static constexpr std::int64_t kMargin = 5 * 60'000;
  static constexpr std::size_t kMost = 10'000;
  struct Known {
    contracts::Principal principal;
    base::Timestamp until;
  };

  base::Clock& clock_;
  contracts::Credentials& credentials_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

}  // namespace lambari::lambda
