#include "services/lambda/targets.h"

#include "services/lambda/recursion.h"
#include "services/lambda/rows.h"

namespace lambari::lambda {
namespace {

constexpr std::size_t kMaxKnown = 10'000;  // functions; beyond it the cache starts over
constexpr std::size_t kMaxAnswers = 64;

}  // namespace

const std::shared_ptr<const Version>& Target::pick(double draw) const {
  if (variants.size() > 1 && draw < variants[1].weight) return variants[1].version;
  return variants[0].version;
}

std::optional<bool> Target::recall(const std::string& question) const {
  const std::lock_guard lock(mutex_);
  const auto it = answers_.find(question);
  return it == answers_.end() ? std::nullopt : std::optional(it->second);
}

void Target::remember(std::string question, bool answer) const {
  const std::lock_guard lock(mutex_);
  if (answers_.size() >= kMaxAnswers) answers_.clear();
  answers_.emplace(std::move(question), answer);
}

std::string policy_document(const std::optional<Policy>& policy) {
  if (!policy || policy->statements.empty()) return {};
  std::string out = R"({"Version":"2012-10-17","Id":"default","Statement":[)";
  for (std::size_t i = 0; i < policy->statements.size(); ++i) {
    if (i > 0) out += ',';
    out += policy->statements[i];
  }
  return out + "]}";
}

std::shared_ptr<const Target> Targets::find(const FunctionKey& key, const std::string& qualifier) {
  std::uint64_t seen = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto function = known_.find(key); function != known_.end()) {
      if (const auto target = function->second.find(qualifier); target != function->second.end()) return target->second;
    }
    seen = changes_;
  }
  auto target = load(key, qualifier);
  const std::lock_guard lock(mutex_);
  if (changes_ == seen) {
    if (known_.size() >= kMaxKnown) known_.clear();
    known_[key][qualifier] = target;
  }
  return target;
}

std::shared_ptr<const Target> Targets::load(const FunctionKey& key, const std::string& qualifier) {
  const auto reader = store_.read();
  auto function = rows::function(*reader, key);
  if (!function) function_not_found(key, qualifier);
  auto target = std::make_shared<Target>();
  target->key = key;
  target->qualifier = qualifier;
  target->arn = function_arn(key, qualifier);
  target->lineage = lineage_name(function_arn(key));
  target->tags = std::move(function->tags);
  target->recursive_loops = function->recursive_loops;
  target->reserved = rows::reserved(*reader, key);
  if (target->reserved) {
    for (const auto& [qualified, config] : rows::provisioned(*reader, key)) *target->reserved -= config.requested;
  }
  target->policy = policy_document(rows::policy(*reader, key, qualifier == "$LATEST" ? "" : qualifier));

  const auto add = [&](std::string_view label, double weight) {
    auto version = rows::version(*reader, key, version_number(label));
    if (!version) function_not_found(key, qualifier);
    target->variants.push_back({std::make_shared<const Version>(std::move(*version)), weight});
  };
  if (qualifier.empty() || qualifier == "$LATEST") {
    add("$LATEST", 1.0);
  } else if (is_version(qualifier)) {
    if (qualifier.size() > 18) function_not_found(key, qualifier);
    add(qualifier, 1.0);
  } else {
    const auto alias = rows::alias(*reader, key, qualifier);
    if (!alias) function_not_found(key, qualifier);
    add(alias->version, 1.0);
    for (const auto& [label, weight] : alias->weights) add(label, weight);
  }
  return target;
}

int Targets::total_set_aside(const FunctionKey& key) {
  const std::pair scope{key.account, key.region};
  std::uint64_t seen = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = set_aside_.find(scope); it != set_aside_.end()) return it->second;
    seen = changes_;
  }
  const int total = rows::total_set_aside(*store_.read(), key.account, key.region);
  const std::lock_guard lock(mutex_);
  if (changes_ == seen) set_aside_[scope] = total;
  return total;
}

void Targets::forget(const FunctionKey& key) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  known_.erase(key);
  set_aside_.erase({key.account, key.region});
}

void Targets::forget_all() {
  const std::lock_guard lock(mutex_);
  ++changes_;
  known_.clear();
  set_aside_.clear();
}

}  // namespace lambari::lambda
