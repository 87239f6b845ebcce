// Queue attributes as text: what CreateQueue and SetQueueAttributes take, and GetQueueAttributes gives.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
#pragma once

#include <map>
#include <string>

#include "services/sqs/model.h"

namespace lambari::sqs {

using AttributeTexts = std::map<std::string, std::string>;

// Changes `queue`; every value is acted on, or refused by name. `creating`: FifoQueue is taken, and the type is new.
// Throws InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue. Does not look at other queues.
void apply_attributes(Queue& queue, const AttributeTexts& attributes, bool creating);

// Those that a user sets, as GetQueueAttributes shows them; without the counts.
AttributeTexts describe(const Queue& queue, const QueueName& name);

bool is_attribute(const std::string& name);

// For CreateQueue of a queue that exists: the first of `attributes` that differs. Empty: none.
std::string first_difference(const Queue& queue, const QueueName& name, const AttributeTexts& attributes);

// May a message go from `source` to `dead_letter` by redrive?
bool redrive_allowed(const Queue& dead_letter, const std::string& source_arn);

}  // namespace lambari::sqs
