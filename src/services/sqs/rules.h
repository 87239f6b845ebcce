// Pure decisions of the room. Faults carry AWS's codes and words (taken from recorded answers of AWS).
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
//   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/sqs/types.h"
#include "services/sqs/model.h"

namespace lambari::sqs {

[[noreturn]] void invalid_parameter(std::string message);  // InvalidParameterValue, 400
[[noreturn]] void missing_parameter(std::string_view name);
[[noreturn]] void invalid_value(std::string_view value, std::string_view parameter, std::string_view reason);

// ---- names ----

std::string queue_arn(const QueueName& name);
std::optional<QueueName> parse_queue_arn(std::string_view arn);
// Account and name: the last two parts of a URL's path, whatever host it names. Throws InvalidAddress.
std::pair<std::string, std::string> parse_queue_url(std::string_view url);
// Throws InvalidParameterValue. `fifo`: the queue is to be one.
void check_queue_name(std::string_view name, bool fifo);

// ---- messages ----

// The first character that a message must not have, as UTF-8 bytes' offset; nothing when all may be there.
std::optional<std::size_t> forbidden_character(std::string_view text);
void check_body(std::string_view body);                                     // MissingParameter, InvalidMessageContents
void check_identifier(std::string_view value, std::string_view parameter);  // of groups, deduplication and attempts

using UserAttributes = std::optional<std::map<std::string, aws::sqs::MessageAttributeValue>>;
using SystemAttributes = std::optional<std::map<std::string, aws::sqs::MessageSystemAttributeValue>>;
Attributes check_attributes(const UserAttributes& attributes);
// Gives the trace header; system_attributes_md5() covers what was sent.
std::string check_system_attributes(const SystemAttributes& attributes);

std::size_t message_bytes(std::string_view body, const Attributes& attributes);

// Lower-case hex. Of attributes: each name, type and value, with lengths, in order of name.
std::string md5_hex(std::string_view text);
std::string attributes_md5(const Attributes& attributes);
std::string trace_md5(const std::string& trace_header);

// Which attributes a receiver asked for: "All", ".*", "bar.*", or names.
Attributes chosen_attributes(const Attributes& attributes, const std::vector<std::string>& asked);

std::string sequence_text(std::uint64_t sequence);  // 20 digits, as AWS writes it

// ---- batches ----

// Ids must be there, well formed and distinct; at most ten. Throws EmptyBatchRequest and its like.
void check_batch_ids(const std::vector<std::string>& ids);

// ---- receipt handles ----

struct Handle {
  std::uint64_t queue = 0, generation = 0;
  Position at;
  std::uint32_t receives = 0;
  bool operator==(const Handle&) const = default;
};
std::string encode_handle(const Handle& handle);
// Throws ReceiptHandleIsInvalid for what was not made here, and for a handle of another queue.
Handle decode_handle(std::string_view text, std::uint64_t queue);

// ms; throws InvalidParameterValue. `name` as in the request.
std::int64_t seconds_between(std::int64_t seconds, std::int64_t low, std::int64_t high, std::string_view name);
std::int64_t visibility_ms(std::int64_t seconds);

}  // namespace lambari::sqs
