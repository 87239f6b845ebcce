// Moving the messages of a dead-letter queue back, or on.
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
#include <fmt/format.h>

#include "aws/sqs/types.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "services/sqs/hands.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/service.h"
#include "services/sqs/state.h"

namespace lambari::sqs {

using namespace aws::sqs;
namespace json = base::json;

namespace {

constexpr std::size_t kMovedAtOnce = 100;
constexpr std::size_t kShown = 10;  // the most recent tasks of a queue; older ones are forgotten
using Status = MoveTask::Status;

std::string status_text(Status status) {
  switch (status) {
    case Status::running: return "RUNNING";
    case Status::completed: return "COMPLETED";
    case Status::cancelling: return "CANCELLING";
    case Status::cancelled: return "CANCELLED";
    case Status::failed: return "FAILED";
  }
  return {};
}

bool active(const MoveTask& task) { return task.status == Status::running || task.status == Status::cancelling; }

std::string handle_of(const MoveTask& task) {
  return base::base64(base::to_json(json::object{{"started", task.started}, {"sourceArn", task.source}}));
}

std::pair<QueueName, std::int64_t> parse_task_handle(const std::string& handle) {
  const auto text = base::unbase64(handle);
  const auto value = text && text->size() < 1024 ? base::parse_json(*text) : std::nullopt;
  if (value && value->is_object()) {
    const auto* arn = value->as_object().if_contains("sourceArn");
    const auto* started = value->as_object().if_contains("started");
    if (arn && arn->is_string() && started && started->is_int64()) {
      if (auto name = parse_queue_arn(std::string_view(arn->as_string()))) return {*name, started->as_int64()};
    }
  }
  invalid_parameter("Value for parameter TaskHandle is invalid.");
}

QueueName source_name(const wire::Call& call, const std::string& arn) {
  auto name = parse_queue_arn(arn);
  if (!name)
    invalid_parameter(
        "You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>");
  if (name->region != call.region)
    throw ResourceNotFoundException("The resource that you specified for the SourceArn parameter doesn't exist.");
  return *name;
}

// Most recent first.
std::vector<MoveTask> tasks_of(store::Reader& reader, const QueueName& source) {
  std::vector<MoveTask> out;
  for (const auto& row : reader.scan(store::prefix_range(keys::tasks(source)), 2 * kShown, store::Order::descending))
    out.push_back(decode_task(row.value));
  return out;
}

// The queue that a message goes to; null when that cannot be told.
async::Task<QueueRef> destination_of(Shared state, const MoveTask& task, const Message& head, bool fifo) {
  const auto name = parse_queue_arn(task.destination.empty() ? head.dead_letter_source : task.destination);
  auto queue = name ? find_queue(*state, *name) : nullptr;
  if (!queue || queue->queue.fifo != fifo) co_return nullptr;
  co_await ready(state, queue);
  co_return queue;
}

// Moves at most `limit` messages. Sets task.status when it is over.
async::Task<std::size_t> move_some(Shared state, QueueName source, MoveTask& task, std::size_t limit) {
  auto queue = find_queue(*state, source);
  if (!queue) {
    task.status = Status::failed;
    task.failure = "AWS.SimpleQueueService.NonExistentQueue";
    co_return 0;
  }
  co_await ready(state, queue);
  auto& line = *queue->line;
  const auto now = state->now();
  Hands hands(queue->line, line.take(limit, now, 0));
  if (hands.taken.empty()) {
    task.status = Status::completed;
    co_return 0;
  }
  std::vector<std::unique_ptr<Numbers>> numbers;
  std::vector<QueueRef> targets(hands.taken.size());
  {
    auto reader = state->d.store.read();
    std::vector<std::optional<Message>> heads;
    for (const auto& taken : hands.taken) {
      auto row = reader->get(keys::message(line.generation(), taken.position, taken.group));
      heads.push_back(row ? std::optional(decode_message(*row).head) : std::nullopt);
    }
    reader.reset();
    for (std::size_t i = 0; i < heads.size(); ++i) {
      if (!heads[i]) continue;
      targets[i] = co_await destination_of(state, task, *heads[i], queue->queue.fifo);
      if (targets[i]) continue;
      task.status = Status::failed;
      task.failure = task.destination.empty() ? "CouldNotDetermineMessageSource" : "AWS.SimpleQueueService.NonExistentQueue";
      co_return 0;
    }
  }
  std::map<const Loaded*, Numbers*> by_target;
  for (const auto& target : targets) {
    if (!target || by_target.contains(target.get())) continue;
    const auto count = static_cast<std::size_t>(std::ranges::count(targets, target));
    by_target[target.get()] = numbers.emplace_back(std::make_unique<Numbers>(target->line, count, now)).get();
  }
  bool live = false;
  std::size_t moved = 0;
  co_await state->d.store.commit([&](store::Transaction& t) {
    moved = 0;
    for (auto& [target, mine] : by_target) mine->sent.clear();
    live = is_live(t, line.generation());
    for (const auto& [target, mine] : by_target) live = live && is_live(t, target->line->generation());
    const auto key = keys::task(source, task.started);
    auto kept = t.get(key);
    if (!live || !kept) return;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const auto& taken = hands.taken[i];
      auto bytes = t.get(keys::message(line.generation(), taken.position, taken.group));
      if (!bytes || !targets[i]) continue;
      auto row = decode_message(*bytes);
      erase_message(t, line, taken.position, row);
      auto& mine = *by_target.at(targets[i].get());
      const Landing where{targets[i], {0, mine.first + mine.sent.size()}};
      mine.sent.push_back({where.at, queue->queue.fifo ? row.head.group : std::string()});
      row.head.receives_before = 0;
      land(t, where, std::move(row), now, {});
      ++moved;
    }
    auto stored = decode_task(*kept);
    stored.moved += static_cast<std::int64_t>(moved);
    task.moved = stored.moved;
    task.status = stored.status;
    t.put(key, encode(stored));
  });
  if (!live) {
    for (auto& mine : numbers) mine->sent.clear();
    co_return 0;  // purged or deleted meanwhile: the next round sees it
  }
  hands.settled = true;
  for (const auto& taken : hands.taken) line.forget(taken.position);
  line.removed(moved);
  co_return moved;
}

async::Task<> run_task(Shared state, QueueName source, std::int64_t started) {
  const auto key = keys::task(source, started);
  while (!state->stopping) {
    auto row = state->d.store.read()->get(key);
    if (!row) co_return;
    auto task = decode_task(*row);
    if (!active(task)) co_return;
    if (task.status == Status::cancelling) {
      task.status = Status::cancelled;
    } else {
      const auto limit =
          task.per_second > 0 ? std::min<std::size_t>(kMovedAtOnce, static_cast<std::size_t>(task.per_second)) : kMovedAtOnce;
      const auto seen = state->task_event.ticket();
      const auto begun = state->now();
      std::size_t moved = 0;
      std::exception_ptr failed;
      try {
        moved = co_await move_some(state, source, task, limit);
      } catch (...) {
        failed = std::current_exception();
      }
      if (failed) {
        base::log_warn("messages are moved later", {{"queue", source.name}});
        co_await async::sleep_for(std::chrono::seconds(1));
        continue;
      }
      if (active(task)) {
        if (task.per_second > 0 && moved > 0) {
          const auto pause = static_cast<std::int64_t>(1000 * moved / static_cast<std::size_t>(task.per_second));
          const auto over = begun + pause;
          for (auto now = state->now(); now < over && !state->stopping; now = state->now())
            if (co_await state->task_event.wait(seen, std::chrono::milliseconds(over - now))) break;
        }
        continue;
      }
    }
    co_await state->d.store.commit([&](store::Transaction& t) {
      if (auto kept = t.get(key)) {
        auto stored = decode_task(*kept);
        stored.status = task.status;
        stored.failure = task.failure;
        t.put(key, encode(stored));
      }
    });
    co_return;
  }
}

}  // namespace

async::Task<> run_tasks(Shared state) {
  auto rows = state->d.store.read()->scan(store::prefix_range(keys::tasks()), 100'000);
  for (const auto& row : rows) {
    QueueName source;
    std::int64_t started = 0;
    if (!keys::read_task(row.key, source, started) || !active(decode_task(row.value))) continue;
    spawn_counted(state, "move messages", run_task(state, std::move(source), started));
  }
  co_return;
}

async::Task<StartMessageMoveTaskResult> Sqs::StartMessageMoveTask(const wire::Call& call, StartMessageMoveTaskRequest r) {
  const auto source = source_name(call, r.SourceArn);
  auto queue = find_queue(*state_, source);
  if (!queue) throw ResourceNotFoundException("The resource that you specified for the SourceArn parameter doesn't exist.");
  if (state_->d.store.read()->keys(store::prefix_range(keys::sources(queue->arn)), 1).empty())
    invalid_parameter("Source queue must be configured as a Dead Letter Queue.");
  if (r.MaxNumberOfMessagesPerSecond && (*r.MaxNumberOfMessagesPerSecond < 1 || *r.MaxNumberOfMessagesPerSecond > 500))
    invalid_value(std::to_string(*r.MaxNumberOfMessagesPerSecond), "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500.");
  MoveTask task;
  task.source = queue->arn;
  if (r.DestinationArn && !r.DestinationArn->empty()) {
    const auto name = parse_queue_arn(*r.DestinationArn);
    auto destination = name ? find_queue(*state_, *name) : nullptr;
    if (!destination)
      throw ResourceNotFoundException("The resource that you specified for the DestinationArn parameter doesn't exist.");
    if (destination->arn == queue->arn) invalid_parameter("Source queue arn and destination queue arn can't be the same.");
    if (destination->queue.fifo != queue->queue.fifo)
      invalid_parameter("The source queue and the destination queue must be of the same type.");
    task.destination = destination->arn;
  }
  co_await ready(state_, queue);
  task.per_second = r.MaxNumberOfMessagesPerSecond.value_or(0);
  task.started = state_->now();
  task.to_move = static_cast<std::int64_t>(queue->line->counts(task.started, 0).visible);
  co_await state_->d.store.commit([&](store::Transaction& t) {
    const auto before = tasks_of(t, source);
    for (const auto& other : before) {
      if (active(other))
        invalid_parameter(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.");
      if (other.started >= task.started) task.started = other.started + 1;
    }
    for (std::size_t i = kShown - 1; i < before.size(); ++i) t.erase(keys::task(source, before[i].started));
    t.put(keys::task(source, task.started), encode(task));
  });
  spawn_counted(state_, "move messages", run_task(state_, source, task.started));
  co_return StartMessageMoveTaskResult{handle_of(task)};
}

async::Task<CancelMessageMoveTaskResult> Sqs::CancelMessageMoveTask(const wire::Call& call, CancelMessageMoveTaskRequest r) {
  const auto [source, started] = parse_task_handle(r.TaskHandle);
  if (source.region != call.region || !find_queue(*state_, source))
    throw ResourceNotFoundException("The resource that you specified for the SourceArn parameter doesn't exist.");
  const auto moved = co_await state_->d.store.transact([&](store::Transaction& t) {
    const auto key = keys::task(source, started);
    const auto row = t.get(key);
    if (!row) throw ResourceNotFoundException("Task does not exist.");
    auto task = decode_task(*row);
    if (task.status != Status::running) throw UnsupportedOperation("Only active tasks can be cancelled.");
    task.status = Status::cancelling;
    t.put(key, encode(task));
    return task.moved;
  });
  state_->task_event.notify_all();
  CancelMessageMoveTaskResult out;
  out.ApproximateNumberOfMessagesMoved = moved;
  co_return out;
}

async::Task<ListMessageMoveTasksResult> Sqs::ListMessageMoveTasks(const wire::Call& call, ListMessageMoveTasksRequest r) {
  const auto source = source_name(call, r.SourceArn);
  const auto limit = r.MaxResults.value_or(1);
  if (limit < 1 || limit > 10) invalid_value(std::to_string(limit), "MaxResults", "Must be between 1 and 10, if provided.");
  if (!find_queue(*state_, source))
    throw ResourceNotFoundException("The resource that you specified for the SourceArn parameter doesn't exist.");
  ListMessageMoveTasksResult out;
  auto& results = out.Results.emplace();
  for (const auto& task : tasks_of(*state_->d.store.read(), source)) {
    if (results.size() == static_cast<std::size_t>(limit)) break;
    auto& entry = results.emplace_back();
    entry.Status = status_text(task.status);
    entry.SourceArn = task.source;
    if (!task.destination.empty()) entry.DestinationArn = task.destination;
    if (task.per_second > 0) entry.MaxNumberOfMessagesPerSecond = task.per_second;
    entry.ApproximateNumberOfMessagesMoved = task.moved;
    entry.ApproximateNumberOfMessagesToMove = task.to_move;
    entry.StartedTimestamp = task.started;
    if (task.status == Status::running) entry.TaskHandle = handle_of(task);
    if (task.status == Status::failed) entry.FailureReason = task.failure;
  }
  co_return out;
}

}  // namespace lambari::sqs
