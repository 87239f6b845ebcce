// What subscribers receive. Pure.
//   https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
//   https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
#pragma once

#include <functional>
#include <string>

#include "services/sns/model.h"

namespace lambari::sns {

// Links and signatures that go into an envelope.
struct Seal {
  std::string version = "1";  // SignatureVersion
  std::string signature;      // base64; empty for FIFO topics, whose messages are not signed
  std::string certificate_url, unsubscribe_url;
};

// What is signed: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
std::string notification_to_sign(const Message& message, const std::string& protocol);

// To SQS and HTTP.
std::string notification_json(const Message& message, const std::string& protocol, const Seal& seal);
// The event of a Lambda function.
std::string lambda_event(const Message& message, const std::string& subscription_arn, const Seal& seal);
// To email: the text below the message tells how to unsubscribe.
std::string email_text(const Message& message, const Seal& seal);

// A subscription waits to be confirmed; or it was ended by a link, and the confirmation would take that back.
struct Confirmation {
  std::string message_id, topic, token, subscribe_url;
  base::Timestamp time;
  std::string ended;  // ARN of the subscription that was ended
  std::string type() const { return ended.empty() ? "SubscriptionConfirmation" : "UnsubscribeConfirmation"; }
  std::string message() const {
    if (!ended.empty())
      return "You have chosen to deactivate subscription " + ended +
             ".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.";
    return "You have chosen to subscribe to the topic " + topic +
           ".\nTo confirm the subscription, visit the SubscribeURL included in this message.";
  }
};
std::string confirmation_to_sign(const Confirmation& confirmation);
std::string confirmation_json(const Confirmation& confirmation, const Seal& seal);

}  // namespace lambari::sns
