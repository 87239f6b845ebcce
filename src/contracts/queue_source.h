// A queue from which an event source mapping pulls. Implemented by the room that owns the queues, used by services/lambda.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "contracts/identity.h"

namespace lambari::contracts {

struct SourceQueue {
  bool ordered = false;  // FIFO
  std::chrono::seconds visibility_timeout{30};
};

// One received message.
struct SourceMessage {
  std::string id;      // as batchItemFailures name it
  std::string handle;  // receipt handle
  std::string group;   // messages of one group go to the function in order; empty in standard queues
  std::string record;  // the JSON object that becomes an element of the event's "Records"
  std::string trace_header;
};

// Thread-safe. Every call is made as `caller` (the execution role) and is authorized like the API call that it stands for:
// a refusal, and a queue that is gone, throws the wire::Fault that the API would answer.
class QueueSource {
 public:
  virtual ~QueueSource() = default;
  // Nothing when there is no such queue.
  virtual async::Task<std::optional<SourceQueue>> describe(const std::string& queue_arn) = 0;
  // ReceiveMessage, long poll: at least one message as soon as there is one, at most `count` (any number), or none after `wait`.
  virtual async::Task<std::vector<SourceMessage>> receive(Principal caller, std::string queue_arn, std::size_t count,
                                                          std::chrono::milliseconds wait) = 0;
  // DeleteMessage of each; handles that no longer hold are passed over.
  virtual async::Task<> remove(Principal caller, std::string queue_arn, std::vector<std::string> handles) = 0;
  // ChangeMessageVisibility to `timeout` of each, which is how a message is given back early (0) or kept longer.
  virtual async::Task<> hold(Principal caller, std::string queue_arn, std::vector<std::string> handles,
                             std::chrono::seconds timeout) = 0;
};

}  // namespace lambari::contracts
