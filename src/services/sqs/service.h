// Amazon SQS: standard and FIFO queues.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
#pragma once

#include <memory>

#include "aws/sqs/api.h"
#include "contracts/queue_source.h"
#include "contracts/room.h"
#include "contracts/target.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

// Thread-safe. Everything acknowledged is durable; a message is received at least once until its deletion is acknowledged.
class Sqs final : public aws::sqs::AbstractService,
                  public contracts::Room,
                  public contracts::Target,
                  public contracts::QueueSource {
 public:
  explicit Sqs(Dependencies dependencies);
  ~Sqs() override;
  Sqs(const Sqs&) = delete;

  // contracts::Room
  std::string_view name() const override { return "sqs"; }
  async::Task<> start() override;
  void wind_down() override;
  async::Task<> stop() override;
  async::Task<> nuke() override;

  // contracts::Target: SendMessage as the parcel's sender.
  async::Task<contracts::Delivery> deliver(contracts::Parcel parcel) override;

  // contracts::QueueSource
  async::Task<std::optional<contracts::SourceQueue>> describe(const std::string& queue_arn) override;
  async::Task<std::vector<contracts::SourceMessage>> receive(contracts::Principal caller, std::string queue_arn,
                                                             std::size_t count, std::chrono::milliseconds wait) override;
  async::Task<> remove(contracts::Principal caller, std::string queue_arn, std::vector<std::string> handles) override;
  async::Task<> hold(contracts::Principal caller, std::string queue_arn, std::vector<std::string> handles,
                     std::chrono::seconds timeout) override;

  // wire::Service
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  // aws::sqs::AbstractService
  async::Task<> AddPermission(const wire::Call& call, aws::sqs::AddPermissionRequest request) override;
  async::Task<aws::sqs::CancelMessageMoveTaskResult> CancelMessageMoveTask(
      const wire::Call& call, aws::sqs::CancelMessageMoveTaskRequest request) override;
  async::Task<> ChangeMessageVisibility(const wire::Call& call, aws::sqs::ChangeMessageVisibilityRequest request) override;
  async::Task<aws::sqs::ChangeMessageVisibilityBatchResult> ChangeMessageVisibilityBatch(
      const wire::Call& call, aws::sqs::ChangeMessageVisibilityBatchRequest request) override;
  async::Task<aws::sqs::CreateQueueResult> CreateQueue(const wire::Call& call, aws::sqs::CreateQueueRequest request) override;
  async::Task<> DeleteMessage(const wire::Call& call, aws::sqs::DeleteMessageRequest request) override;
  async::Task<aws::sqs::DeleteMessageBatchResult> DeleteMessageBatch(const wire::Call& call,
                                                                     aws::sqs::DeleteMessageBatchRequest request) override;
  async::Task<> DeleteQueue(const wire::Call& call, aws::sqs::DeleteQueueRequest request) override;
  async::Task<aws::sqs::GetQueueAttributesResult> GetQueueAttributes(const wire::Call& call,
                                                                     aws::sqs::GetQueueAttributesRequest request) override;
  async::Task<aws::sqs::GetQueueUrlResult> GetQueueUrl(const wire::Call& call, aws::sqs::GetQueueUrlRequest request) override;
  async::Task<aws::sqs::ListDeadLetterSourceQueuesResult> ListDeadLetterSourceQueues(
      const wire::Call& call, aws::sqs::ListDeadLetterSourceQueuesRequest request) override;
  async::Task<aws::sqs::ListMessageMoveTasksResult> ListMessageMoveTasks(const wire::Call& call,
                                                                         aws::sqs::ListMessageMoveTasksRequest request) override;
  async::Task<aws::sqs::ListQueueTagsResult> ListQueueTags(const wire::Call& call,
                                                           aws::sqs::ListQueueTagsRequest request) override;
  async::Task<aws::sqs::ListQueuesResult> ListQueues(const wire::Call& call, aws::sqs::ListQueuesRequest request) override;
  async::Task<> PurgeQueue(const wire::Call& call, aws::sqs::PurgeQueueRequest request) override;
  async::Task<aws::sqs::ReceiveMessageResult> ReceiveMessage(const wire::Call& call,
                                                             aws::sqs::ReceiveMessageRequest request) override;
  async::Task<> RemovePermission(const wire::Call& call, aws::sqs::RemovePermissionRequest request) override;
  async::Task<aws::sqs::SendMessageResult> SendMessage(const wire::Call& call, aws::sqs::SendMessageRequest request) override;
  async::Task<aws::sqs::SendMessageBatchResult> SendMessageBatch(const wire::Call& call,
                                                                 aws::sqs::SendMessageBatchRequest request) override;
  async::Task<> SetQueueAttributes(const wire::Call& call, aws::sqs::SetQueueAttributesRequest request) override;
  async::Task<aws::sqs::StartMessageMoveTaskResult> StartMessageMoveTask(const wire::Call& call,
                                                                         aws::sqs::StartMessageMoveTaskRequest request) override;
  async::Task<> TagQueue(const wire::Call& call, aws::sqs::TagQueueRequest request) override;
  async::Task<> UntagQueue(const wire::Call& call, aws::sqs::UntagQueueRequest request) override;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace lambari::sqs
