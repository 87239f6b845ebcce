// Log groups: create, delete, describe, list, retention, deletion protection.
#include <algorithm>

#include "base/text.h"
#include "services/logs/keys.h"
#include "services/logs/pages.h"
#include "services/logs/rows.h"
#include "services/logs/service.h"
#include "services/logs/state.h"
#include "services/logs/tag_rules.h"

namespace lambari::logs {

using namespace aws::logs;

namespace {

constexpr std::size_t kPage = 50;
constexpr std::size_t kScanned = 256;

constexpr std::int32_t kRetentionDays[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                           365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

void refuse_linked_accounts(const std::optional<bool>& linked) {
  // A monitoring account is set up with CloudWatch's OAM, which is not built; without one AWS refuses this, too.
  if (linked.value_or(false)) throw InvalidParameterException("Account is not a monitoring account.");
}

LogGroup describe(store::Reader& reader, const GroupName& name, const Group& group) {
  LogGroup out;
  out.logGroupName = name.name;
  out.creationTime = group.created;
  if (group.retention_days) out.retentionInDays = group.retention_days;
  out.metricFilterCount = 0;
  out.arn = group_arn(name) + ":*";
  out.logGroupArn = group_arn(name);
  out.storedBytes = static_cast<std::int64_t>(stored_bytes(reader, group));
  out.logGroupClass = "STANDARD";
  out.deletionProtectionEnabled = group.protected_from_deletion;
  return out;
}

// Visits the groups of an account and region in order of name, from `begin` on, until `visit` returns false.
template <class Visit>
void each_group(store::Reader& reader, const wire::Call& call, std::string begin, Visit visit) {
  auto range = store::prefix_range(keys::groups(call.account, call.region));
  if (!begin.empty()) range.begin = std::move(begin);
  while (true) {
    auto rows = reader.scan(range, kScanned);
    for (const auto& row : rows) {
      GroupName name;
      if (!keys::read_group(row.key, name)) continue;
      if (!visit(name, row)) return;
    }
    if (rows.size() < kScanned) return;
    range.begin = keys::after(rows.back().key);
  }
}

void check_class(const std::optional<std::string>& value) {
  if (value && *value != "STANDARD") {
    throw InvalidParameterException("The log group class " + *value + " is not supported by lambari: only STANDARD is.");
  }
}

async::Task<> change_group(State& state, GroupName name, std::function<void(Group&)> change) {
  co_await state.store.commit([&](store::Transaction& t) {
    auto group = require_group(t, name);
    change(group);
    t.put(keys::group(name), encode(group));
  });
}

}  // namespace

async::Task<> Logs::CreateLogGroup(const wire::Call& call, CreateLogGroupRequest request) {
  if (request.logGroupName.starts_with("aws/")) {
    throw InvalidParameterException("Log groups starting with AWS/ are reserved for AWS.");
  }
  if (request.kmsKeyId) {
    throw InvalidParameterException("The specified KMS Key Id does not exist or could not be accessed: " + *request.kmsKeyId);
  }
  check_class(request.logGroupClass);
  Group group;
  group.created = call.time.ms;
  group.protected_from_deletion = request.deletionProtectionEnabled.value_or(false);
  if (request.tags) {
    check_tags(*request.tags);
    group.tags = std::move(*request.tags);
  }
  const auto name = group_of_name(call, request.logGroupName);
  co_await state_->store.commit([&](store::Transaction& t) {
    if (find_group(t, name)) throw ResourceAlreadyExistsException("The specified log group already exists");
    create_group(t, name, group);
  });
}

async::Task<> Logs::DeleteLogGroup(const wire::Call& call, DeleteLogGroupRequest request) {
  co_await see_sink(state_);
  const auto name = group_of_name(call, request.logGroupName);
  co_await state_->store.commit([&](store::Transaction& t) {
    const auto group = require_group(t, name);
    if (group.protected_from_deletion) {
      throw ValidationException("The specified log group is protected from deletion. Disable deletion protection and try again.");
    }
    delete_group(t, name, group);
  });
}

async::Task<DescribeLogGroupsResponse> Logs::DescribeLogGroups(const wire::Call& call, DescribeLogGroupsRequest request) {
  if (request.logGroupNamePrefix && request.logGroupNamePattern) {
    throw InvalidParameterException("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  }
  if (request.logGroupIdentifiers && (request.logGroupNamePrefix || request.logGroupNamePattern || request.logGroupClass)) {
    throw InvalidParameterException("LogGroupIdentifiers can only be combined with includeLinkedAccounts.");
  }
  refuse_linked_accounts(request.includeLinkedAccounts);
  co_await see_sink(state_);
  auto reader = state_->store.read();
  DescribeLogGroupsResponse out;
  auto& groups = out.logGroups.emplace();

  if (request.logGroupIdentifiers) {
    for (const auto& identifier : *request.logGroupIdentifiers) {
      const auto name = group_of_identifier(call, identifier);
      if (auto group = find_group(*reader, name)) groups.push_back(describe(*reader, name, *group));
    }
    co_return out;
  }

  // "INFREQUENT_ACCESS", "ESSENTIALS", "DELIVERY": none exists.
  if (request.logGroupClass && *request.logGroupClass != "STANDARD") co_return out;
  const auto prefix = request.logGroupNamePrefix.value_or("");
  const auto pattern = request.logGroupNamePattern.value_or("");
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kPage));
  auto start = page_start(request.nextToken, keys::groups(call.account, call.region));
  auto begin = start ? keys::after(*start) : keys::group({call.account, call.region, prefix});
  std::string last;
  each_group(*reader, call, begin, [&](const GroupName& name, const store::KeyValue& row) {
    if (!name.name.starts_with(prefix)) return name.name < prefix;
    if (name.name.find(pattern) == std::string::npos) return true;
    if (groups.size() == limit) {
      out.nextToken = page_token(last);
      return false;
    }
    groups.push_back(describe(*reader, name, decode_group(row.value)));
    last = row.key;
    return true;
  });
  co_return out;
}

async::Task<ListLogGroupsResponse> Logs::ListLogGroups(const wire::Call& call, ListLogGroupsRequest request) {
  refuse_linked_accounts(request.includeLinkedAccounts);
  ListLogGroupsResponse out;
  auto& groups = out.logGroups.emplace();
  if (request.logGroupClass && *request.logGroupClass != "STANDARD") co_return out;
  // Nothing here has a data source or a field index, so no group can match such a filter.
  if ((request.dataSources && !request.dataSources->empty()) || (request.fieldIndexNames && !request.fieldIndexNames->empty()))
    co_return out;
  co_await see_sink(state_);

  const auto pattern = request.logGroupNamePattern.value_or("");
  auto matches_name = [&](const std::string& name) {
    if (pattern.empty()) return true;
    return std::ranges::any_of(base::split(pattern, '|'), [&](std::string_view part) {
      return part.starts_with('^') ? name.starts_with(part.substr(1)) : name.find(part) != std::string::npos;
    });
  };
  auto matches_tags = [&](const Group& group) {
    if (!request.logGroupTags) return true;
    return std::ranges::all_of(*request.logGroupTags, [&](const TagFilter& filter) {
      auto tag = group.tags.find(filter.key);
      if (tag == group.tags.end()) return false;
      return !filter.values || filter.values->empty() || std::ranges::find(*filter.values, tag->second) != filter.values->end();
    });
  };

  auto reader = state_->store.read();
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kPage));
  auto start = page_start(request.nextToken, keys::groups(call.account, call.region));
  std::string last;
  each_group(*reader, call, start ? keys::after(*start) : "", [&](const GroupName& name, const store::KeyValue& row) {
    if (!matches_name(name.name) || !matches_tags(decode_group(row.value))) return true;
    if (groups.size() == limit) {
      out.nextToken = page_token(last);
      return false;
    }
    LogGroupSummary summary;
    summary.logGroupName = name.name;
    summary.logGroupArn = group_arn(name);
    summary.logGroupClass = "STANDARD";
    groups.push_back(std::move(summary));
    last = row.key;
    return true;
  });
  co_return out;
}

async::Task<> Logs::PutRetentionPolicy(const wire::Call& call, PutRetentionPolicyRequest request) {
  const auto days = request.retentionInDays;
  if (std::ranges::find(kRetentionDays, days) == std::end(kRetentionDays)) {
    throw InvalidParameterException(
        fmt::format("1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint: Member must "
                    "satisfy enum value set: [{}]",
                    days, fmt::join(kRetentionDays, ", ")));
  }
  co_await change_group(*state_, group_of_name(call, request.logGroupName),
                        [days](Group& group) { group.retention_days = days; });
  state_->swept_event.notify_all();
}

async::Task<> Logs::DeleteRetentionPolicy(const wire::Call& call, DeleteRetentionPolicyRequest request) {
  co_await change_group(*state_, group_of_name(call, request.logGroupName), [](Group& group) { group.retention_days = 0; });
}

async::Task<> Logs::PutLogGroupDeletionProtection(const wire::Call& call, PutLogGroupDeletionProtectionRequest request) {
  const auto enabled = request.deletionProtectionEnabled;
  co_await change_group(*state_, group_of_identifier(call, request.logGroupIdentifier),
                        [enabled](Group& group) { group.protected_from_deletion = enabled; });
}

}  // namespace lambari::logs
