// Keeps as many initialized environments as provisioned concurrency asks for.
//
//   configured -> IN_PROGRESS -> READY         (all were there once)
//                             -> FAILED        (an Init phase failed, or the host has no room; tried again when configured anew)
// Rows say what is asked; this is what is there, rebuilt after a restart. An alias's share goes to the version it points to,
// split by its weights. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "contracts/meter.h"
#include "services/lambda/background.h"
#include "services/lambda/environments.h"
#include "services/lambda/model.h"
#include "store/store.h"

namespace lambari::lambda {

// Environments for each version number, from configurations by qualifier. `aliases` has those that qualifiers name. Pure.
std::map<std::uint64_t, int> shares_of(const std::map<std::string, Provisioned>& configured,
                                       const std::map<std::string, Alias>& aliases);

// Thread-safe.
class Provisioning {
 public:
  Provisioning(store::Store& store, Environments& environments, Background& background, contracts::Meter& meter);

  // Reads every configuration; once, at start.
  void start();
  // After a commit that touched the function: its configurations, aliases and versions are looked at again. Cheap for functions
  // without any. `anew`: what has failed is tried again.
  void refresh(const FunctionKey& function, bool anew = false);
  void forget_all();
  // Replaces what is gone, and counts what is there into the meter; about once a second.
  void tend();

  struct Status {
    int allocated = 0, available = 0;
    std::string status, reason;
  };
  Status status(const FunctionKey& function, const std::string& qualifier);

 private:
  struct Goal {
    std::shared_ptr<const Version> version;
    int count = 0;
    bool filling = false;
    bool reached = false;  // once since it was set
    std::string failure;
  };
  using GoalKey = std::pair<FunctionKey, std::uint64_t>;

  std::map<std::uint64_t, int> wanted(const FunctionKey& function, std::set<std::string>* qualifiers = nullptr);
  void fill(const GoalKey& key);
  async::Task<> filling(GoalKey key, std::shared_ptr<const Version> version);

  store::Store& store_;
  Environments& environments_;
  Background& background_;
  contracts::Meter& meter_;
  std::mutex mutex_;
  std::map<GoalKey, Goal> goals_;
  std::set<FunctionKey> configured_;  // functions that have a configuration
  std::chrono::steady_clock::time_point counted_ = std::chrono::steady_clock::now();
};

}  // namespace lambari::lambda
