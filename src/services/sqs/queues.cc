// Queues: their life, attributes and tags.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/ids.h"
#include "services/sqs/attributes.h"
#include "services/sqs/keys.h"
#include "services/sqs/rules.h"
#include "services/sqs/service.h"

namespace lambari::sqs {

using namespace aws::sqs;

namespace {

constexpr std::size_t kPage = 1000;  // queues per request
constexpr std::size_t kMaxTags = 50;

std::string token_of(const std::string& key) { return base::base64url(key); }

// The key after which a page begins; it must be one of `prefix`.
std::string page_begin(const std::optional<std::string>& token, const std::string& prefix) {
  if (!token || token->empty()) return prefix;
  const auto key = base::unbase64url(*token);
  if (!key || !key->starts_with(prefix)) invalid_value(*token, "NextToken", "Invalid or expired next token.");
  return keys::after(*key);
}

std::size_t page_size(const std::optional<std::int32_t>& asked) {
  if (!asked) return kPage;
  if (*asked < 1 || *asked > 1000)
    invalid_value(std::to_string(*asked), "MaxResults", "Must be between 1 and 1000, if provided.");
  return static_cast<std::size_t>(*asked);
}

// Keeps the index of sources in step, and checks the redrive policy against the queue that it names.
void settle_redrive(store::Transaction& t, const QueueName& name, const std::optional<Redrive>& before, const Queue& queue) {
  if (before && (!queue.redrive || queue.redrive->dead_letter_arn != before->dead_letter_arn))
    t.erase(keys::source(before->dead_letter_arn, name));
  if (!queue.redrive || queue.redrive == before) return;
  const auto& arn = queue.redrive->dead_letter_arn;
  const auto refuse = [&](std::string_view reason) { invalid_value(queue.redrive_text, "RedrivePolicy", reason); };
  const auto target = parse_queue_arn(arn);
  if (target->account != name.account || target->region != name.region)
    refuse("Dead-letter target owner should be same as the source.");
  const auto row = t.get(keys::queue(*target));
  if (!row) refuse("Dead letter target does not exist.");
  const auto dead = decode_queue(*row);
  if (dead.fifo != queue.fifo) refuse("Dead-letter queue must be same type of queue as the source.");
  if (!redrive_allowed(dead, queue_arn(name))) refuse("Queue does not have permission to use the dead-letter queue.");
  t.put(keys::source(arn, name), "");
}

void check_tags(const std::map<std::string, std::string>& tags) {
  for (const auto& [name, value] : tags) {
    if (name.empty() || name.size() > 128) invalid_parameter("Tag keys must be between 1 and 128 characters in length.");
    if (value.size() > 256) invalid_parameter("Tag values must be between 0 and 256 characters in length.");
    if (name.starts_with("aws:")) invalid_parameter("Tag keys starting with 'aws:' are reserved for system use.");
  }
}

void check_tag_count(const Queue& queue) {
  if (queue.tags.size() > kMaxTags) invalid_parameter(fmt::format("Too many tags added for queue. The limit is {}.", kMaxTags));
}

// What only the owner of a queue may do, whatever its policy says, needs no check here: access() gives no policy for it.

}  // namespace

async::Task<CreateQueueResult> Sqs::CreateQueue(const wire::Call& call, CreateQueueRequest r) {
  const auto attributes = r.Attributes.value_or(AttributeTexts{});
  Queue fresh;
  apply_attributes(fresh, attributes, true);
  if (r.QueueName.ends_with(".fifo") && !fresh.fifo) check_queue_name(r.QueueName, false);
  check_queue_name(r.QueueName, fresh.fifo);
  if (r.tags) {
    check_tags(*r.tags);
    fresh.tags = *r.tags;
    check_tag_count(fresh);
  }
  const QueueName name{call.account, call.region, r.QueueName};
  fresh.created = fresh.modified = call.time.ms;
  fresh.id = base::random_u64();
  fresh.generation = base::random_u64();
  co_await state_->d.store.commit([&](store::Transaction& t) {
    if (const auto row = t.get(keys::queue(name))) {
      const auto different = first_difference(decode_queue(*row), name, attributes);
      if (!different.empty())
        throw QueueNameExists(
            fmt::format("A queue already exists with the same name and a different value for attribute {}", different));
      return;
    }
    if (const auto deleted = t.get(keys::deleted(name)); deleted) {
      if (call.time.ms < std::strtoll(deleted->c_str(), nullptr, 10) + kMinute)
        throw QueueDeletedRecently(
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.");
      t.erase(keys::deleted(name));
    }
    settle_redrive(t, name, std::nullopt, fresh);
    t.put(keys::queue(name), encode(fresh));
    t.put(keys::live(fresh.generation), "");
  });
  refresh(*state_, name);
  CreateQueueResult out;
  out.QueueUrl = url_of(call, name);
  co_return out;
}

async::Task<> Sqs::DeleteQueue(const wire::Call& call, DeleteQueueRequest r) {
  const auto name = name_of_url(call, r.QueueUrl);
  require_queue(*state_, name);
  co_await state_->d.store.commit([&](store::Transaction& t) {
    const auto row = t.get(keys::queue(name));
    if (!row) throw QueueDoesNotExist("The specified queue does not exist.");
    const auto queue = decode_queue(*row);
    if (queue.redrive) t.erase(keys::source(queue.redrive->dead_letter_arn, name));
    t.erase(keys::queue(name));
    t.put(keys::deleted(name), std::to_string(call.time.ms));
    t.erase(store::prefix_range(keys::tasks(name)));
    erase_generation(t, queue.generation);
  });
  refresh(*state_, name);
}

async::Task<> Sqs::PurgeQueue(const wire::Call& call, PurgeQueueRequest r) {
  const auto name = name_of_url(call, r.QueueUrl);
  const auto generation = base::random_u64();
  co_await change_queue(state_, name, [&](store::Transaction& t, Queue& queue) {
    if (call.time.ms < queue.purged + kMinute)
      throw PurgeQueueInProgress(fmt::format("Only one PurgeQueue operation on {} is allowed every 60 seconds.", name.name));
    erase_generation(t, queue.generation);
    queue.purged = call.time.ms;
    queue.generation = generation;
    t.put(keys::live(generation), "");
  });
}

async::Task<GetQueueUrlResult> Sqs::GetQueueUrl(const wire::Call& call, GetQueueUrlRequest r) {
  const QueueName name{r.QueueOwnerAWSAccountId.value_or(call.account), call.region, r.QueueName};
  require_queue(*state_, name);
  GetQueueUrlResult out;
  out.QueueUrl = url_of(call, name);
  co_return out;
}

async::Task<ListQueuesResult> Sqs::ListQueues(const wire::Call& call, ListQueuesRequest r) {
  const auto prefix = r.QueueNamePrefix.value_or("");
  const auto all = keys::queues(call.account, call.region);
  // Names sort as their keys do: those with the prefix are one range.
  const auto with_prefix = store::prefix_range(all + prefix);
  const auto limit = page_size(r.MaxResults);
  const auto keys =
      state_->d.store.read()->keys({std::max(page_begin(r.NextToken, all), with_prefix.begin), with_prefix.end}, limit + 1);
  ListQueuesResult out;
  for (std::size_t i = 0; i < std::min(limit, keys.size()); ++i) {
    QueueName name;
    if (keys::read_queue(keys[i], name)) {
      if (!out.QueueUrls) out.QueueUrls.emplace();
      out.QueueUrls->push_back(url_of(call, name));
    }
  }
  if (keys.size() > limit && r.MaxResults) out.NextToken = token_of(keys[limit - 1]);
  co_return out;
}

async::Task<ListDeadLetterSourceQueuesResult> Sqs::ListDeadLetterSourceQueues(const wire::Call& call,
                                                                              ListDeadLetterSourceQueuesRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  const auto all = keys::sources(queue->arn);
  const auto limit = page_size(r.MaxResults);
  const auto keys = state_->d.store.read()->keys({page_begin(r.NextToken, all), store::prefix_range(all).end}, limit + 1);
  ListDeadLetterSourceQueuesResult out;
  for (std::size_t i = 0; i < std::min(limit, keys.size()); ++i) {
    QueueName name;
    if (keys::read_source(keys[i], name)) out.queueUrls.push_back(url_of(call, name));
  }
  if (keys.size() > limit && r.MaxResults) out.NextToken = token_of(keys[limit - 1]);
  co_return out;
}

async::Task<GetQueueAttributesResult> Sqs::GetQueueAttributes(const wire::Call& call, GetQueueAttributesRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  GetQueueAttributesResult out;
  if (!r.AttributeNames || r.AttributeNames->empty()) co_return out;
  bool all = false, counts = false;
  for (const auto& name : *r.AttributeNames) {
    if (!is_attribute(name)) throw InvalidAttributeName(fmt::format("Unknown Attribute {}.", name));
    all = all || name == "All";
    counts = counts || all || name.starts_with("Approximate");
  }
  auto texts = sqs::describe(queue->queue, queue->name);
  if (counts) {
    co_await ready(state_, queue);
    const auto now = queue->line->counts(call.time.ms, queue->queue.delay);
    texts["ApproximateNumberOfMessages"] = std::to_string(now.visible);
    texts["ApproximateNumberOfMessagesNotVisible"] = std::to_string(now.in_flight);
    texts["ApproximateNumberOfMessagesDelayed"] = std::to_string(now.delayed);
  }
  if (!all) {
    std::erase_if(texts,
                  [&](const auto& pair) { return std::ranges::find(*r.AttributeNames, pair.first) == r.AttributeNames->end(); });
  }
  if (!texts.empty()) out.Attributes = std::move(texts);
  co_return out;
}

async::Task<> Sqs::SetQueueAttributes(const wire::Call& call, SetQueueAttributesRequest r) {
  const auto name = name_of_url(call, r.QueueUrl);
  if (r.Attributes.empty()) missing_parameter("Attribute.Name");
  bool shorter = false;
  const auto queue = co_await change_queue(state_, name, [&](store::Transaction& t, Queue& queue) {
    const auto before = queue.redrive;
    const auto retention = queue.retention;
    apply_attributes(queue, r.Attributes, false);
    settle_redrive(t, name, before, queue);
    queue.modified = call.time.ms;
    shorter = queue.retention < retention;
  });
  queue->line->arrivals.notify_all();             // a shorter delay may show messages
  if (shorter) state_->sweep_event.notify_all();  // messages may be over now
}

async::Task<> Sqs::TagQueue(const wire::Call& call, TagQueueRequest r) {
  check_tags(r.Tags);
  co_await change_queue(state_, name_of_url(call, r.QueueUrl), [&](store::Transaction&, Queue& queue) {
    for (const auto& [name, value] : r.Tags) queue.tags.insert_or_assign(name, value);
    check_tag_count(queue);
  });
}

async::Task<> Sqs::UntagQueue(const wire::Call& call, UntagQueueRequest r) {
  co_await change_queue(state_, name_of_url(call, r.QueueUrl), [&](store::Transaction&, Queue& queue) {
    for (const auto& name : r.TagKeys) queue.tags.erase(name);
  });
}

async::Task<ListQueueTagsResult> Sqs::ListQueueTags(const wire::Call& call, ListQueueTagsRequest r) {
  const auto queue = require_queue(*state_, call, r.QueueUrl);
  ListQueueTagsResult out;
  if (!queue->queue.tags.empty()) out.Tags = queue->queue.tags;
  co_return out;
}

}  // namespace lambari::sqs
