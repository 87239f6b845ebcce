// The AWS managed policies that are built in. https://docs.aws.amazon.com/aws-managed-policy/latest/reference/
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lambari::iam {

struct AwsPolicy {
  std::string_view name;
  std::string_view path;  // "/service-role/"
  int version;            // the default one, as AWS numbers it; earlier ones are not kept
  std::string_view description;
  std::string_view document;
};

std::span<const AwsPolicy> aws_policies();  // in order of name
const AwsPolicy* find_aws_policy(std::string_view arn);
std::string aws_policy_arn(const AwsPolicy& policy);

}  // namespace lambari::iam
