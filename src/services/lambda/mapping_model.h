// Event source mappings: what is kept, and its bytes.
// https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "services/lambda/model.h"

namespace lambari::lambda {

//   Creating -> Enabled | Disabled;   Enabled -> Disabling -> Disabled -> Enabling -> Enabled
//   either -> Updating -> the same;   any -> Deleting -> gone
struct Mapping {
  std::string uuid, source;  // `source` is an ARN
  FunctionKey function;
  std::string qualifier;  // "" for none
  int batch_size = 10;
  int window_s = 0;
  std::vector<std::string> filters;  // patterns
  bool report_failures = false;
  std::optional<int> max_concurrency;  // of queues
  // Of streams:
  std::string starting_position;  // TRIM_HORIZON, LATEST
  int parallelization = 1;        // batches of a shard at once
  int max_age_s = -1, max_retries = -1, tumbling_s = 0;
  bool bisect = false;
  std::string on_failure;  // ARN, or ""
  bool enabled = true;     // what the state is heading for
  std::string state = "Creating";
  base::Timestamp modified;
  std::uint64_t generation = 0;  // grows with every change; a transition of an older one is given up
  std::map<std::string, std::string> tags;
  bool operator==(const Mapping&) const = default;
};

std::string encode(const Mapping& value);
// Throws std::runtime_error for bytes that this room did not write.
Mapping decode_mapping(std::string_view bytes);

}  // namespace lambari::lambda
