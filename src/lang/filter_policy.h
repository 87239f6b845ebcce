// SNS subscription filter policies: an event pattern with SNS's limits, on the attributes or on the body of a message.
//   https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
//   https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
// Limits: 5 names (of a nested policy its outermost), 150 combinations (values times depth, multiplied over the names; $or adds),
// 256 KB, no wildcard operator; policies on attributes do not nest.
#pragma once

#include <optional>
#include <string_view>

#include "lang/event_pattern.h"

namespace lambari::lang {

enum class FilterScope { attributes, body };

// Nothing for "{}", which filters nothing. Throws EventPatternError; what() is what SNS writes after "FilterPolicy: ".
std::optional<EventPattern> parse_filter_policy(std::string_view text, FilterScope scope);

}  // namespace lambari::lang
