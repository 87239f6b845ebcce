// What AWS accepts as tags of a log group.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html
#pragma once

#include <map>
#include <string>

namespace lambari::logs {

inline constexpr std::size_t kMaxTags = 50;

void check_tags(const std::map<std::string, std::string>& tags);  // throws InvalidParameterException

}  // namespace lambari::logs
