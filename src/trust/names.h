// Which host names lambari answers for. Pure.
#pragma once

#include <span>
#include <string_view>

namespace lambari::trust {

// A host of AWS: "sqs.us-east-1.amazonaws.com", "abc.execute-api.eu-west-1.amazonaws.com", "xyz.lambda-url.us-east-1.on.aws".
// Without port; case does not matter; one dot at the end does not either.
bool is_aws_name(std::string_view host);

// Also this machine's names: localhost and what is under it, sandbox.localdomain (X-Ray and others use it inside functions).
bool is_served_name(std::string_view host);

// Every name that the authority may vouch for is one of these or under one of them: the served ones, and the suffixes that no
// public host has (RFC 6761, RFC 6762, private networks).
std::span<const std::string_view> vouched_suffixes();
bool may_be_vouched(std::string_view host);

}  // namespace lambari::trust
