// The Condition element: one key under one operator.
//   https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lang/policy.h"
#include "lang/policy_pattern.h"

namespace lambari::lang {

class PolicyCondition {
 public:
  // `operator_name` as written: "ForAnyValue:StringLikeIfExists". Throws PolicyError.
  PolicyCondition(std::string_view operator_name, std::string_view key, const std::vector<std::string>& values, bool variables);

  bool holds(const PolicyContext& context) const;
  const std::string& key() const { return key_; }

 private:
  enum class Type { string, string_ignoring_case, like, numeric, date, boolean, binary, ip, arn, null };
  enum class Relation { equal, less, less_equal, greater, greater_equal };
  enum class Quantifier { none, any_value, all_values };

  bool value_matches(std::string_view value, const PolicyContext& context) const;
  bool one_matches(const PolicyPattern& wanted, std::string_view value, const PolicyContext& context) const;

  Type type_ = Type::string;
  Relation relation_ = Relation::equal;
  Quantifier quantifier_ = Quantifier::none;
  bool negated_ = false;
  bool if_exists_ = false;
  std::string key_;
  std::vector<PolicyPattern> values_;
};

}  // namespace lambari::lang
