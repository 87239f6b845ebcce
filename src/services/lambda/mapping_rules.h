// What a mapping may be. Pure; throws AWS's faults.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/lambda/types.h"
#include "services/lambda/mapping_model.h"

namespace lambari::lambda {

// The settings that create and update share, over those of `mapping`. Refuses by name what does not apply to its source.
void apply_settings(Mapping& mapping, const aws::lambda::CreateEventSourceMappingRequest& request);
void apply_settings(Mapping& mapping, const aws::lambda::UpdateEventSourceMappingRequest& request);
// After the settings: sizes and windows as the kind of source allows them.
void check_batching(const Mapping& mapping);
// Throws for what is not the ARN of an SQS queue or of a DynamoDB stream in the region.
void check_source(const std::optional<std::string>& arn, std::string_view region);
bool is_fifo(const Mapping& mapping);
bool is_stream(const Mapping& mapping);

std::string mapping_arn(const Mapping& mapping);
// The UUID in such an ARN; "" when it is none.
std::string uuid_of_mapping_arn(std::string_view arn);

aws::lambda::EventSourceMappingConfiguration describe(const Mapping& mapping, std::string last_result);

}  // namespace lambari::lambda
