#include "lang/filter_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace lambari::lang {
namespace {

namespace json = base::json;

constexpr std::size_t kMaxBytes = 256 * 1024;
constexpr std::size_t kMaxNames = 5;
constexpr std::uint64_t kMaxCombinations = 150;

void refuse_wildcard(const json::value& condition) {
  if (!condition.is_object()) return;
  for (const auto& member : condition.get_object()) {
    if (member.key() == "wildcard") throw EventPatternError("Unrecognized match type wildcard");
    if (member.key() == "anything-but") refuse_wildcard(member.value());
  }
}

// `so_far` times the combinations of `object`; more than the limit is not counted exactly.
std::uint64_t combinations(const json::object& object, std::uint64_t depth, std::uint64_t so_far) {
  for (const auto& member : object) {
    const auto& value = member.value();
    if (value.is_object()) {
      so_far = combinations(value.get_object(), depth + 1, so_far);
    } else if (value.is_array() && member.key() == "$or") {
      std::uint64_t sum = 0;
      for (const auto& choice : value.get_array())
        if (choice.is_object()) sum += combinations(choice.get_object(), depth, so_far);
      so_far = std::max<std::uint64_t>(sum, 1);
    } else if (value.is_array()) {
      for (const auto& condition : value.get_array()) refuse_wildcard(condition);
      so_far *= std::max<std::uint64_t>(value.get_array().size(), 1) * depth;
    }
    so_far = std::min<std::uint64_t>(so_far, 1'000'000);
  }
  return so_far;
}

bool nests(const json::object& object) {
  return std::any_of(object.begin(), object.end(), [](const auto& member) {
    if (member.value().is_object()) return true;
    if (member.key() != "$or" || !member.value().is_array()) return false;
    const auto& choices = member.value().get_array();
    return std::any_of(choices.begin(), choices.end(),
                       [](const json::value& choice) { return choice.is_object() && nests(choice.get_object()); });
  });
}

}  // namespace

std::optional<EventPattern> parse_filter_policy(std::string_view text, FilterScope scope) {
  if (text.size() > kMaxBytes) throw EventPatternError("Filter policy can not be larger than 256 KB");
  const auto policy = base::parse_json(text);
  if (!policy) throw EventPatternError("failed to parse JSON.");
  if (!policy->is_object()) throw EventPatternError("Filter is not an object");
  const auto& object = policy->get_object();
  if (object.empty()) return std::nullopt;
  if (object.size() > kMaxNames) throw EventPatternError("Filter policy can not have more than 5 keys");
  if (scope == FilterScope::attributes && nests(object))
    throw EventPatternError("Filter policy scope MessageAttributes does not support nested filter policy");
  if (combinations(object, 1, 1) > kMaxCombinations) throw EventPatternError("Filter policy is too complex");
  return EventPattern::compile(*policy);
}

}  // namespace lambari::lang
