// Delivery status logging: what became of a delivery, into CloudWatch Logs, as the topic's ...FeedbackRoleArn asks.
//   https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
#pragma once

#include "services/sns/attempt.h"

namespace lambari::sns {

// Writes nothing where the topic does not ask for it, or its role does not trust SNS or may not write there.
async::Task<> give_feedback(std::shared_ptr<State> state, Topic topic, Subscription subscription, Message message,
                            Attempt attempt, unsigned attempts, base::Timestamp began);

}  // namespace lambari::sns
