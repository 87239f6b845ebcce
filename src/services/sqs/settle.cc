// What a receipt handle is for: deleting, and changing how long the message stays hidden.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
#include <fmt/format.h>

#include "aws/sqs/types.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

namespace {

wire::Fault invalid_handle(const std::string& handle, std::string_view reason) {
  return wire::Fault("InvalidParameterValue",
                     fmt::format("Value {} for parameter ReceiptHandle is invalid. Reason: {}", handle, reason), 400);
}

struct Target {
  Handle handle;
  Line::Known known;
};

}  // namespace

async::Task<Settled> remove(Shared state, QueueRef queue, std::vector<std::string> handles) {
  co_await ready(state, queue);
  auto& line = *queue->line;
  const auto now = state->now();
  Settled out(handles.size());
  std::vector<Target> targets;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    try {
      const auto handle = decode_handle(handles[i], queue->queue.id);
      if (handle.generation != line.generation()) continue;  // purged: it is gone
      auto known = line.find(handle.at, now);
      if (!known) continue;  // deleted before
      // In a standard queue an older handle deletes, too; in a FIFO queue only the one that holds the message now.
      if (line.fifo() && (!known->in_flight || known->busy || known->receipt.receives != handle.receives)) {
        out[i] = invalid_handle(handles[i], "The receipt handle has expired.");
        continue;
      }
      targets.push_back({handle, *known});
    } catch (const wire::Fault& fault) {
      out[i] = fault;
    }
  }
  if (targets.empty()) co_return out;

  // Out of memory first, so that nobody receives it any more; whoever is about to, meets the missing row.
  std::size_t known_ones = 0;
  for (const auto& target : targets) known_ones += line.forget(target.handle.at);
  std::vector<std::string> blobs;
  std::exception_ptr failed;
  try {
    co_await state->d.store.commit([&](store::Transaction& t) {
      blobs.clear();
      for (const auto& [handle, known] : targets) {
        const auto message = keys::message(line.generation(), handle.at, known.receipt.group);
        if (known.receipt.plain && !known.busy) {
          t.erase(message);
          t.erase(keys::receipt(line.generation(), handle.at));
        } else if (auto row = t.get(message)) {
          auto decoded = decode_message(*row);
          erase_message(t, line, handle.at, decoded);
          if (!decoded.blob.empty()) blobs.push_back(std::move(decoded.blob));
        }
      }
    });
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed) {
    for (const auto& target : targets) line.remember(target.handle.at, target.known);
    std::rethrow_exception(failed);
  }
  line.removed(known_ones);
  if (!blobs.empty()) co_await erase_blobs(state, std::move(blobs));
  co_return out;
}

async::Task<Settled> hold(Shared state, QueueRef queue, std::vector<Hold> holds) {
  co_await ready(state, queue);
  auto& line = *queue->line;
  const auto now = state->now();
  Settled out(holds.size());
  struct Change {
    std::size_t index;
    Position at;
    Receipt receipt;
  };
  std::vector<Change> changes;
  for (std::size_t i = 0; i < holds.size(); ++i) {
    try {
      const auto timeout = visibility_ms(holds[i].seconds);
      const auto handle = decode_handle(holds[i].handle, queue->queue.id);
      auto known = handle.generation == line.generation() ? line.find(handle.at, now) : std::nullopt;
      if (!known || known->busy || known->receipt.receives != handle.receives) {
        out[i] = invalid_handle(holds[i].handle, "Message does not exist or is not available for visibility timeout change.");
        continue;
      }
      if (!known->in_flight) {
        out[i] = aws::sqs::MessageNotInflight(fmt::format("The specified message is not in flight."));
        continue;
      }
      if (now + timeout > known->receipt.last + kMaxVisibility)
        invalid_value(std::to_string(holds[i].seconds), "VisibilityTimeout",
                      "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
      changes.push_back({i, handle.at, known->receipt});
      changes.back().receipt.visible_at = now + timeout;
    } catch (const wire::Fault& fault) {
      out[i] = fault;
    }
  }
  if (changes.empty()) co_return out;
  co_await state->d.store.commit([&](store::Transaction& t) {
    for (const auto& change : changes) {
      const auto key = keys::receipt(line.generation(), change.at);
      if (t.get(key)) t.put(key, encode(change.receipt));  // else it was deleted meanwhile
    }
  });
  for (const auto& change : changes) line.change_visibility(change.at, change.receipt.receives, change.receipt.visible_at);
  co_return out;
}

}  // namespace lambari::sqs
