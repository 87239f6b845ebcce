// What an invocation needs to know of a function, resolved once and kept while nothing of it changes: a warm call reads no
// store. Every write of this process says so through forget(); published versions never change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/lambda/model.h"
#include "services/lambda/recursion.h"
#include "services/lambda/rules.h"
#include "store/store.h"

namespace lambari::lambda {

struct Target {
  struct Variant {
    std::shared_ptr<const Version> version;
    double weight = 1.0;
  };

  FunctionKey key;
  std::string qualifier;  // as asked; "" when none
  std::string arn;        // with that qualifier
  std::string lineage;    // see recursion.h
  std::map<std::string, std::string> tags;
  std::vector<Variant> variants;  // the main one first; a second one when an alias routes to it
  std::string policy;             // JSON, "" when there is none
  std::optional<int> reserved;    // less what of it is provisioned
  bool recursive_loops = false;   // allowed

  // Of a chain of events that came through the function so often.
  bool stops(int passages) const { return passages >= kMaxPassages && !recursive_loops; }
  // `draw` is uniform in [0, 1).
  const std::shared_ptr<const Version>& pick(double draw) const;

  // Answers that depend on the policy alone ("may this service with this source invoke it?").
  std::optional<bool> recall(const std::string& question) const;
  void remember(std::string question, bool answer) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, bool> answers_;
};

// "" when it has no statement.
std::string policy_document(const std::optional<Policy>& policy);

// Thread-safe.
class Targets {
 public:
  explicit Targets(store::Store& store) : store_(store) {}

  // Throws ResourceNotFoundException in the words that AWS has for a missing function, version or alias.
  std::shared_ptr<const Target> find(const FunctionKey& key, const std::string& qualifier);
  // What is set aside in an account and region: reservations, and what is provisioned outside of them.
  int total_set_aside(const FunctionKey& key);

  // Called after each commit that touched a row of the function, and before the client is answered.
  void forget(const FunctionKey& key);
  void forget_all();

 private:
  std::shared_ptr<const Target> load(const FunctionKey& key, const std::string& qualifier);

  store::Store& store_;
  std::mutex mutex_;
  std::uint64_t changes_ = 0;  // what was read before a change is not kept
  std::map<FunctionKey, std::map<std::string, std::shared_ptr<const Target>>> known_;
  std::map<std::pair<std::string, std::string>, int> set_aside_;
};

}  // namespace lambari::lambda
