#include "aws/logs/types.h"
#include "services/logs/state.h"

namespace lambari::logs {

namespace {

// Takes "arn:aws:logs:<region>:<account>:log-group:<name>[:*]" apart; nothing when it is not one.
std::optional<GroupName> parse_arn(std::string_view arn) {
  std::string_view parts[5];
  for (auto& part : parts) {
    const auto colon = arn.find(':');
    if (colon == arn.npos) return std::nullopt;
    part = arn.substr(0, colon);
    arn.remove_prefix(colon + 1);
  }
  if (parts[0] != "arn" || parts[2] != "logs" || !arn.starts_with("log-group:")) return std::nullopt;
  arn.remove_prefix(10);
  if (arn.ends_with(":*")) arn.remove_suffix(2);
  if (arn.empty() || arn.find(':') != arn.npos) return std::nullopt;
  return GroupName{std::string(parts[4]), std::string(parts[3]), std::string(arn)};
}

}  // namespace

GroupName group_of_name(const wire::Call& call, const std::string& name) { return {call.account, call.region, name}; }

GroupName group_of_identifier(const wire::Call& call, const std::string& identifier) {
  if (!identifier.starts_with("arn:")) return group_of_name(call, identifier);
  return group_of_arn(call, identifier);
}

GroupName group_of_arn(const wire::Call& call, const std::string& arn) {
  auto name = parse_arn(arn);
  if (!name) throw aws::logs::InvalidParameterException("Invalid resource ARN: " + arn);
  // Groups of another account or region are seen only through cross-account observability, which is not built.
  if (name->account != call.account || name->region != call.region) {
    throw aws::logs::ResourceNotFoundException("The specified log group does not exist.");
  }
  return std::move(*name);
}

GroupName group_of(const wire::Call& call, const std::optional<std::string>& name, const std::optional<std::string>& identifier) {
  if (name.has_value() == identifier.has_value()) {
    throw aws::logs::InvalidParameterException(name ? "LogGroup name and LogGroup identifier cannot both be specified."
                                                    : "Either logGroupName or logGroupIdentifier must be specified.");
  }
  return name ? group_of_name(call, *name) : group_of_identifier(call, *identifier);
}

}  // namespace lambari::logs
