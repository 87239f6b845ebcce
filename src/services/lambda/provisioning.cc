#include "services/lambda/provisioning.h"

#include <cmath>

#include "base/log.h"
#include "services/lambda/rows.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {

std::map<std::uint64_t, int> shares_of(const std::map<std::string, Provisioned>& configured,
                                       const std::map<std::string, Alias>& aliases) {
  std::map<std::uint64_t, int> shares;
  for (const auto& [qualifier, config] : configured) {
    if (is_version(qualifier)) {
      shares[version_number(qualifier)] += config.requested;
      continue;
    }
    const auto alias = aliases.find(qualifier);
    if (alias == aliases.end()) continue;
    int left = config.requested;
    for (const auto& [label, weight] : alias->second.weights) {
      const int part = static_cast<int>(std::lround(weight * config.requested));
      shares[version_number(label)] += part;
      left -= part;
    }
    shares[version_number(alias->second.version)] += left;
  }
  std::erase_if(shares, [](const auto& share) { return share.first == 0 || share.second <= 0; });
  return shares;
}

Provisioning::Provisioning(store::Store& store, Environments& environments, Background& background, contracts::Meter& meter)
    : store_(store), environments_(environments), background_(background), meter_(meter) {}

void Provisioning::start() {
  for (const auto& function : rows::provisioned_functions(*store_.read())) {
    {
      const std::lock_guard lock(mutex_);
      configured_.insert(function);
    }
    refresh(function);
  }
}

std::map<std::uint64_t, int> Provisioning::wanted(const FunctionKey& function, std::set<std::string>* qualifiers) {
  const auto reader = store_.read();
  const auto configured = rows::provisioned(*reader, function);
  std::map<std::string, Alias> aliases;
  for (const auto& [qualifier, config] : configured) {
    if (qualifiers) qualifiers->insert(qualifier);
    if (is_version(qualifier)) continue;
    if (auto alias = rows::alias(*reader, function, qualifier)) aliases.emplace(qualifier, std::move(*alias));
  }
  return shares_of(configured, aliases);
}

void Provisioning::refresh(const FunctionKey& function, bool anew) {
  {
    const std::lock_guard lock(mutex_);
    if (!anew && !configured_.contains(function)) return;
  }
  std::set<std::string> qualifiers;
  const auto shares = wanted(function, &qualifiers);
  std::vector<GoalKey> to_fill;
  std::vector<std::pair<std::shared_ptr<const Version>, int>> changed;
  {
    const std::lock_guard lock(mutex_);
    if (qualifiers.empty()) {
      configured_.erase(function);
    } else {
      configured_.insert(function);
    }
    for (auto it = goals_.lower_bound({function, 0}); it != goals_.end() && it->first.first == function;) {
      if (shares.contains(it->first.second)) {
        ++it;
        continue;
      }
      changed.emplace_back(it->second.version, 0);
      it = goals_.erase(it);
    }
    for (const auto& [number, count] : shares) {
      auto& goal = goals_[{function, number}];
      if (!goal.version) {
        auto version = rows::version(*store_.read(), function, number);
        if (!version) {
          goals_.erase({function, number});
          continue;
        }
        goal.version = std::make_shared<const Version>(std::move(*version));
      }
      if (goal.count == count && !anew) continue;
      if (count > goal.count) goal.reached = false;
      goal.count = count;
      goal.failure.clear();
      changed.emplace_back(goal.version, count);
      to_fill.push_back({function, number});
    }
  }
  for (const auto& [version, count] : changed) environments_.want(*version, count);
  for (const auto& key : to_fill) fill(key);
}

void Provisioning::forget_all() {
  const std::lock_guard lock(mutex_);
  goals_.clear();
  configured_.clear();
}

void Provisioning::fill(const GoalKey& key) {
  std::shared_ptr<const Version> version;
  {
    const std::lock_guard lock(mutex_);
    const auto goal = goals_.find(key);
    if (goal == goals_.end() || goal->second.filling || background_.stopping()) return;
    goal->second.filling = true;
    version = goal->second.version;
  }
  background_.spawn("provision environments", filling(key, std::move(version)));
}

async::Task<> Provisioning::filling(GoalKey key, std::shared_ptr<const Version> version) {
  std::string failure;
  while (failure.empty() && !background_.stopping()) {
    const auto before = environments_.provision(*version);
    if (before.allocated >= before.wanted) break;
    try {
      failure = co_await environments_.provide(version);
    } catch (const std::exception& e) {
      base::log_error("environment not provisioned",
                      {{"function", function_arn(key.first, version->label())}, {"error", e.what()}});
      failure = "The service encountered an internal error.";
    }
    // Others are making what is missing; tend() looks again.
    if (failure.empty() && environments_.provision(*version).allocated <= before.allocated) break;
  }
  const auto there = environments_.provision(*version);
  const std::lock_guard lock(mutex_);
  const auto goal = goals_.find(key);
  if (goal == goals_.end() || goal->second.version != version) co_return;
  goal->second.filling = false;
  goal->second.failure = std::move(failure);
  if (there.allocated >= there.wanted) goal->second.reached = true;
}

void Provisioning::tend() {
  const auto now = std::chrono::steady_clock::now();
  const auto elapsed = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now - counted_).count());
  counted_ = now;
  std::vector<GoalKey> missing;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, goal] : goals_) {
      const auto there = environments_.provision(*goal.version);
      if (there.allocated > 0)
        meter_.count("lambda", "Lambda-Provisioned-Concurrency-MB-ms", function_arn(key.first),
                     elapsed * static_cast<std::uint64_t>(there.allocated) *
                         static_cast<std::uint64_t>(goal.version->configuration.memory_mb));
      if (there.allocated >= goal.count) goal.reached = true;
      if (there.allocated < goal.count && goal.failure.empty()) missing.push_back(key);
    }
  }
  for (const auto& key : missing) fill(key);
}

Provisioning::Status Provisioning::status(const FunctionKey& function, const std::string& qualifier) {
  std::set<std::uint64_t> numbers;
  int requested = 0;
  {
    const auto reader = store_.read();
    const auto configured = rows::provisioned(*reader, function);
    const auto config = configured.find(qualifier);
    if (config == configured.end()) return {};
    requested = config->second.requested;
    std::map<std::string, Alias> aliases;
    if (auto alias = rows::alias(*reader, function, qualifier)) aliases.emplace(qualifier, std::move(*alias));
    for (const auto& [number, count] : shares_of({*config}, aliases)) numbers.insert(number);
  }
  Status out;
  bool reached = true;
  const std::lock_guard lock(mutex_);
  for (const auto number : numbers) {
    const auto goal = goals_.find({function, number});
    if (goal == goals_.end()) {
      reached = false;
      continue;
    }
    const auto there = environments_.provision(*goal->second.version);
    out.allocated += there.allocated;
    out.available += there.available;
    reached = reached && (goal->second.reached || there.allocated >= goal->second.count);
    if (!goal->second.failure.empty()) out.reason = goal->second.failure;
  }
  out.allocated = std::min(out.allocated, requested);
  out.available = std::min(out.available, requested);
  out.status = !out.reason.empty() ? "FAILED" : reached ? "READY" : "IN_PROGRESS";
  return out;
}

}  // namespace lambari::lambda
