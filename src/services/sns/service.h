// Amazon SNS: topics, subscriptions, publishing, and delivery to queues, functions, HTTP endpoints and the local outbox of
// email and SMS.
//   https://docs.aws.amazon.com/sns/latest/api/
#pragma once

#include <memory>
#include <string>

#include "async/loops.h"
#include "aws/sns/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "contracts/authorizer.h"
#include "contracts/credentials.h"
#include "contracts/log_sink.h"
#include "contracts/meter.h"
#include "contracts/room.h"
#include "contracts/target.h"
#include "http/client.h"
#include "http/message.h"
#include "store/store.h"

namespace lambari::sns {

// All outlive the room.
struct Dependencies {
  async::Loops& loops;
  base::Clock& clock;
  store::Store& store;
  http::Client& client;        // of HTTP subscriptions
  contracts::Target& targets;  // queues and functions, by ARN
  contracts::Authorizer& authorizer;
  contracts::Credentials& credentials;  // roles of delivery status logging
  contracts::LogSink& logs;
  contracts::Meter& meter;
  std::string public_url = "http://localhost:4566";  // of the links in messages
};

struct State;

// Thread-safe. A Publish is answered when the message and one outbox row for each of its deliveries are durable.
class Sns final : public aws::sns::AbstractService, public contracts::Room, public contracts::Target {
 public:
  explicit Sns(Dependencies dependencies);
  ~Sns() override;
  Sns(const Sns&) = delete;

  // contracts::Room
  std::string_view name() const override { return "sns"; }
  async::Task<> start() override;
  async::Task<> stop() override;
  async::Task<> nuke() override;

  // contracts::Target: publishes to a topic.
  async::Task<contracts::Delivery> deliver(contracts::Parcel parcel) override;

  // Links in messages, which are followed without a signature: SubscribeURL, UnsubscribeURL, SigningCertURL. No I/O.
  static bool is_link(const http::Request& head);
  async::Task<http::Response> follow_link(http::Request request);

  // The local outbox, newest first: email and SMS that were "sent".
  base::json::array outbox(std::size_t limit);

  // wire::Service
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  // aws::sns::AbstractService
  async::Task<aws::sns::CreateTopicResponse> CreateTopic(const wire::Call& call, aws::sns::CreateTopicInput request) override;
  async::Task<> DeleteTopic(const wire::Call& call, aws::sns::DeleteTopicInput request) override;
  async::Task<aws::sns::GetTopicAttributesResponse> GetTopicAttributes(const wire::Call& call,
                                                                       aws::sns::GetTopicAttributesInput request) override;
  async::Task<> SetTopicAttributes(const wire::Call& call, aws::sns::SetTopicAttributesInput request) override;
  async::Task<aws::sns::ListTopicsResponse> ListTopics(const wire::Call& call, aws::sns::ListTopicsInput request) override;
  async::Task<aws::sns::SubscribeResponse> Subscribe(const wire::Call& call, aws::sns::SubscribeInput request) override;
  async::Task<aws::sns::ConfirmSubscriptionResponse> ConfirmSubscription(const wire::Call& call,
                                                                         aws::sns::ConfirmSubscriptionInput request) override;
  async::Task<> Unsubscribe(const wire::Call& call, aws::sns::UnsubscribeInput request) override;
  async::Task<aws::sns::GetSubscriptionAttributesResponse> GetSubscriptionAttributes(
      const wire::Call& call, aws::sns::GetSubscriptionAttributesInput request) override;
  async::Task<> SetSubscriptionAttributes(const wire::Call& call, aws::sns::SetSubscriptionAttributesInput request) override;
  async::Task<aws::sns::ListSubscriptionsResponse> ListSubscriptions(const wire::Call& call,
                                                                     aws::sns::ListSubscriptionsInput request) override;
  async::Task<aws::sns::ListSubscriptionsByTopicResponse> ListSubscriptionsByTopic(
      const wire::Call& call, aws::sns::ListSubscriptionsByTopicInput request) override;
  async::Task<aws::sns::PublishResponse> Publish(const wire::Call& call, aws::sns::PublishInput request) override;
  async::Task<aws::sns::PublishBatchResponse> PublishBatch(const wire::Call& call, aws::sns::PublishBatchInput request) override;
  async::Task<> AddPermission(const wire::Call& call, aws::sns::AddPermissionInput request) override;
  async::Task<> RemovePermission(const wire::Call& call, aws::sns::RemovePermissionInput request) override;
  async::Task<aws::sns::TagResourceResponse> TagResource(const wire::Call& call, aws::sns::TagResourceRequest request) override;
  async::Task<aws::sns::UntagResourceResponse> UntagResource(const wire::Call& call,
                                                             aws::sns::UntagResourceRequest request) override;
  async::Task<aws::sns::ListTagsForResourceResponse> ListTagsForResource(const wire::Call& call,
                                                                         aws::sns::ListTagsForResourceRequest request) override;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace lambari::sns
