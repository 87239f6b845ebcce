#include "base/ids.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

void land(store::Transaction& t, const Landing& landing, MessageRow row, std::int64_t now,
          const std::string& dead_letter_source) {
  const auto& line = *landing.queue->line;
  auto& head = row.head;
  head.dead_letter_source = dead_letter_source;
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html: a new message.
  if (dead_letter_source.empty()) head.id = base::uuid();
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html: in a standard queue
  // the age of a dead letter goes on; in a FIFO queue it begins again.
  head.moved = !dead_letter_source.empty() && !line.fifo();
  if (!head.moved) head.sent = now;
  put_message(t, line, landing.at, row);
}

}  // namespace lambari::sqs
