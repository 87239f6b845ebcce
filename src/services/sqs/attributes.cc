#include "services/sqs/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "aws/sqs/types.h"
#include "base/json.h"
#include "base/text.h"
#include "lang/policy.h"
#include "services/sqs/rules.h"

namespace lambari::sqs {

using namespace aws::sqs;
namespace json = base::json;

namespace {

[[noreturn]] void bad(std::string_view name) {
  throw InvalidAttributeValue(fmt::format("Invalid value for the parameter {}.", name));
}

std::int64_t number(std::string_view name, std::string_view text, std::int64_t low, std::int64_t high) {
  const auto value = base::parse_int(text);
  if (!value || *value < low || *value > high) bad(name);
  return *value;
}

bool boolean(std::string_view name, std::string_view text) {
  if (base::iequals(text, "true")) return true;
  if (base::iequals(text, "false")) return false;
  bad(name);
}

[[noreturn]] void bad_redrive(std::string_view text, std::string_view reason, std::string_view name = "RedrivePolicy") {
  invalid_value(text, name, reason);
}

void set_redrive(Queue& queue, const std::string& text) {
  if (text.empty()) {
    queue.redrive.reset();
    queue.redrive_text.clear();
    return;
  }
  const auto value = base::parse_json(text);
  if (!value || !value->is_object()) bad_redrive(text, "Redrive policy is not a valid JSON map.");
  const auto& row = value->as_object();
  for (const auto& [name, ignored] : row)
    if (name != "deadLetterTargetArn" && name != "maxReceiveCount")
      bad_redrive(text, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].");
  const auto* arn = row.if_contains("deadLetterTargetArn");
  const auto* count = row.if_contains("maxReceiveCount");
  if (!arn) bad_redrive(text, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  if (!count) bad_redrive(text, "Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  std::optional<long long> receives;
  if (count->is_int64()) receives = count->as_int64();
  if (count->is_string()) receives = base::parse_int(std::string_view(count->as_string()));
  if (!receives || *receives < 1 || *receives > 1000)
    bad_redrive(text, fmt::format("Invalid value for maxReceiveCount: {}, valid values are from 1 to 1000 both inclusive.",
                                  count->is_string() ? std::string(count->as_string()) : base::to_json(*count)));
  if (!arn->is_string() || !parse_queue_arn(std::string_view(arn->as_string())))
    bad_redrive(text, "Invalid value for deadLetterTargetArn.");
  queue.redrive = Redrive{std::string(arn->as_string()), static_cast<std::uint32_t>(*receives)};
  queue.redrive_text = text;
}

void set_redrive_allow(Queue& queue, const std::string& text) {
  const auto bad_allow = [&](std::string_view reason) { bad_redrive(text, reason, "RedriveAllowPolicy"); };
  queue.redrive_permission.reset();
  queue.redrive_sources.clear();
  queue.redrive_allow_text.clear();
  if (text.empty()) return;
  const auto value = base::parse_json(text);
  if (!value || !value->is_object()) bad_allow("Redrive allow policy is not a valid JSON map.");
  const auto& row = value->as_object();
  for (const auto& [name, ignored] : row)
    if (name != "redrivePermission" && name != "sourceQueueArns")
      bad_allow("Only following attributes are supported: [redrivePermission, sourceQueueArns].");
  const auto* permission = row.if_contains("redrivePermission");
  const auto kind = permission && permission->is_string() ? std::string_view(permission->as_string()) : std::string_view();
  const auto* sources = row.if_contains("sourceQueueArns");
  if (kind == "allowAll" || kind == "denyAll") {
    if (sources) bad_allow("sourceQueueArns can only be specified when redrivePermission is byQueue.");
    queue.redrive_permission = kind == "allowAll" ? RedrivePermission::allow_all : RedrivePermission::deny_all;
  } else if (kind == "byQueue") {
    if (!sources || !sources->is_array() || sources->as_array().empty() || sources->as_array().size() > 10)
      bad_allow("sourceQueueArns must hold between 1 and 10 queue ARNs when redrivePermission is byQueue.");
    for (const auto& arn : sources->as_array()) {
      if (!arn.is_string() || !parse_queue_arn(std::string_view(arn.as_string())))
        bad_allow("Invalid value for sourceQueueArns.");
      queue.redrive_sources.emplace_back(arn.as_string());
    }
    queue.redrive_permission = RedrivePermission::by_queue;
  } else {
    bad_allow("Invalid value for redrivePermission, valid values are allowAll, denyAll and byQueue.");
  }
  queue.redrive_allow_text = text;
}

void set_policy(Queue& queue, const std::string& text) {
  if (!text.empty()) {
    if (text.size() > 8192) bad("Policy");
    try {
      lang::Policy::parse(text, lang::PolicyKind::resource);
    } catch (const lang::PolicyError&) {
      bad("Policy");
    }
  }
  queue.policy = text;
}

// There is no KMS: what the AWS managed key of the service would do is done with the account's own data key.
void set_kms(Queue& queue, const std::string& text) {
  if (!text.empty() && text != "alias/aws/sqs")
    invalid_value(text, "KmsMasterKeyId", "The key does not exist; alias/aws/sqs is the only key there is.");
  queue.kms_key = text;
  if (!text.empty()) queue.managed_sse = false;
}

constexpr std::string_view kReadOnly[] = {"ApproximateNumberOfMessages",
                                          "ApproximateNumberOfMessagesNotVisible",
                                          "ApproximateNumberOfMessagesDelayed",
                                          "CreatedTimestamp",
                                          "LastModifiedTimestamp",
                                          "QueueArn"};
constexpr std::string_view kSettable[] = {"DelaySeconds",
                                          "MaximumMessageSize",
                                          "MessageRetentionPeriod",
                                          "Policy",
                                          "ReceiveMessageWaitTimeSeconds",
                                          "VisibilityTimeout",
                                          "RedrivePolicy",
                                          "RedriveAllowPolicy",
                                          "KmsMasterKeyId",
                                          "KmsDataKeyReusePeriodSeconds",
                                          "SqsManagedSseEnabled",
                                          "FifoQueue",
                                          "ContentBasedDeduplication",
                                          "DeduplicationScope",
                                          "FifoThroughputLimit"};

template <std::size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

std::string text_of(bool value) { return value ? "true" : "false"; }

}  // namespace

bool is_attribute(const std::string& name) { return name == "All" || among(kReadOnly, name) || among(kSettable, name); }

void apply_attributes(Queue& queue, const AttributeTexts& attributes, bool creating) {
  auto given = [&](const char* name) { return attributes.contains(name); };
  for (const auto& [name, text] : attributes) {
    if (name == "FifoQueue") {
      if (creating) {
        if (!boolean(name, text)) throw InvalidAttributeName("Unknown Attribute FifoQueue.");
        queue.fifo = true;
      } else if (!queue.fifo) {
        throw InvalidAttributeName("Unknown Attribute FifoQueue.");
      } else if (!base::iequals(text, "true")) {
        throw InvalidAttributeValue("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.");
      }
    } else if (!among(kSettable, name)) {
      throw InvalidAttributeName(fmt::format("Unknown Attribute {}.", name));
    }
  }
  for (const auto& [name, text] : attributes) {
    if (name == "DelaySeconds") {
      queue.delay = number(name, text, 0, 900) * kSecond;
    } else if (name == "MaximumMessageSize") {
      queue.max_bytes = static_cast<std::uint32_t>(number(name, text, 1024, kMaxMessageBytes));
    } else if (name == "MessageRetentionPeriod") {
      queue.retention = number(name, text, 60, 14 * 24 * 3600) * kSecond;
    } else if (name == "ReceiveMessageWaitTimeSeconds") {
      queue.wait = number(name, text, 0, 20) * kSecond;
    } else if (name == "VisibilityTimeout") {
      queue.visibility = number(name, text, 0, 43'200) * kSecond;
    } else if (name == "Policy") {
      set_policy(queue, text);
    } else if (name == "RedrivePolicy") {
      set_redrive(queue, text);
    } else if (name == "RedriveAllowPolicy") {
      set_redrive_allow(queue, text);
    } else if (name == "KmsMasterKeyId") {
      set_kms(queue, text);
    } else if (name == "KmsDataKeyReusePeriodSeconds") {
      queue.kms_reuse_seconds = static_cast<std::uint32_t>(number(name, text, 60, 86'400));
    } else if (name == "SqsManagedSseEnabled") {
      const bool managed = boolean(name, text);
      if (managed && given("KmsMasterKeyId") && !attributes.at("KmsMasterKeyId").empty())
        throw InvalidAttributeValue(
            "Invalid value for the parameter SqsManagedSseEnabled. Reason: You can use only one type of server-side encryption.");
      queue.managed_sse = managed;
      if (managed) queue.kms_key.clear();
    } else if (name == "ContentBasedDeduplication") {
      if (!queue.fifo) throw InvalidAttributeName(fmt::format("Unknown Attribute {}.", name));
      queue.content_deduplication = boolean(name, text);
    } else if (name == "DeduplicationScope") {
      if (!queue.fifo)
        throw InvalidAttributeName(fmt::format("You can specify the {} only when FifoQueue is set to true.", name));
      if (text != "queue" && text != "messageGroup") bad(name);
      queue.deduplicate_by_group = text == "messageGroup";
    } else if (name == "FifoThroughputLimit") {
      if (!queue.fifo)
        throw InvalidAttributeName(fmt::format("You can specify the {} only when FifoQueue is set to true.", name));
      if (text != "perQueue" && text != "perMessageGroupId") bad(name);
      queue.throughput_by_group = text == "perMessageGroupId";
    }
  }
  if (queue.throughput_by_group && !queue.deduplicate_by_group)
    throw InvalidAttributeValue(
        "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value "
        "for DeduplicationScope is messageGroup.");
}

AttributeTexts describe(const Queue& q, const QueueName& name) {
  AttributeTexts out{{"QueueArn", queue_arn(name)},
                     {"CreatedTimestamp", std::to_string(q.created / kSecond)},
                     {"LastModifiedTimestamp", std::to_string(q.modified / kSecond)},
                     {"VisibilityTimeout", std::to_string(q.visibility / kSecond)},
                     {"MaximumMessageSize", std::to_string(q.max_bytes)},
                     {"MessageRetentionPeriod", std::to_string(q.retention / kSecond)},
                     {"DelaySeconds", std::to_string(q.delay / kSecond)},
                     {"ReceiveMessageWaitTimeSeconds", std::to_string(q.wait / kSecond)},
                     {"SqsManagedSseEnabled", text_of(q.managed_sse)}};
  if (!q.policy.empty()) out["Policy"] = q.policy;
  if (q.redrive) out["RedrivePolicy"] = q.redrive_text;
  if (q.redrive_permission) out["RedriveAllowPolicy"] = q.redrive_allow_text;
  if (!q.kms_key.empty()) {
    out["KmsMasterKeyId"] = q.kms_key;
    out["KmsDataKeyReusePeriodSeconds"] = std::to_string(q.kms_reuse_seconds);
  }
  if (q.fifo) {
    out["FifoQueue"] = "true";
    out["ContentBasedDeduplication"] = text_of(q.content_deduplication);
    out["DeduplicationScope"] = q.deduplicate_by_group ? "messageGroup" : "queue";
    out["FifoThroughputLimit"] = q.throughput_by_group ? "perMessageGroupId" : "perQueue";
  }
  return out;
}

std::string first_difference(const Queue& queue, const QueueName& name, const AttributeTexts& attributes) {
  if (attributes.contains("FifoQueue") && !queue.fifo) return "FifoQueue";
  auto asked = queue;
  apply_attributes(asked, attributes, queue.fifo);
  const auto now = describe(queue, name), then = describe(asked, name);
  for (const auto& [attribute, ignored] : attributes) {
    const auto a = now.find(attribute), b = then.find(attribute);
    const std::string x = a == now.end() ? "" : a->second, y = b == then.end() ? "" : b->second;
    if (x == y) continue;
    // Documents are compared by what they say.
    const auto left = base::parse_json(x), right = base::parse_json(y);
    if (!left || !right || *left != *right) return attribute;
  }
  return {};
}

bool redrive_allowed(const Queue& dead_letter, const std::string& source_arn) {
  if (!dead_letter.redrive_permission) return true;
  switch (*dead_letter.redrive_permission) {
    case RedrivePermission::allow_all: return true;
    case RedrivePermission::deny_all: return false;
    case RedrivePermission::by_queue:
      return std::ranges::find(dead_letter.redrive_sources, source_arn) != dead_letter.redrive_sources.end();
  }
  return false;
}

}  // namespace lambari::sqs
