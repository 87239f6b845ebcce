#include "services/sns/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/bytes.h"
#include "base/text.h"
#include "lang/filter_policy.h"
#include "lang/policy.h"
#include "services/sns/retries.h"
#include "store/json_row.h"

namespace lambari::sns {
namespace {

namespace json = base::json;
using aws::sns::InvalidParameterValueException;

bool name_characters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

bool is_queue(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  return parts.size() == 6 && parts[0] == "arn" && parts[2] == "sqs" && !parts[3].empty() && parts[4].size() == 12 &&
         !parts[5].empty();
}

std::string boolean(std::string_view name, std::string_view value) {
  if (value != "true" && value != "false") invalid(fmt::format("{} Reason: must be true or false", name));
  return std::string(value);
}

// "HTTPSuccessFeedbackRoleArn" and the like.
bool is_feedback(std::string_view name, std::string_view& protocol, std::string_view& kind) {
  for (std::string_view p : {"HTTP", "SQS", "Lambda", "Firehose", "Application"})
    for (std::string_view k : {"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"})
      if (name.size() == p.size() + k.size() && name.starts_with(p) && name.ends_with(k)) {
        protocol = p;
        kind = k;
        return true;
      }
  return false;
}

void check_policy(const TopicName& topic, const std::string& value) {
  try {
    lang::Policy::parse(value, lang::PolicyKind::resource);
  } catch (const lang::PolicyError& error) {
    invalid(fmt::format("Policy Reason: {}", error.what()));
  }
  const auto document = base::parse_json(value);
  const auto* statements = document && document->is_object() ? document->get_object().if_contains("Statement") : nullptr;
  if (!statements) return;
  auto check_actions = [](const json::value& statement) {
    if (!statement.is_object()) return;
    const auto* actions = statement.get_object().if_contains("Action");
    if (!actions) return;
    auto one = [](const json::value& action) {
      if (!action.is_string()) return;
      const auto text = base::lower(std::string_view(action.get_string()));
      if (text != "*" && !text.starts_with("sns:")) invalid("Policy statement action out of service scope!");
    };
    if (actions->is_array())
      std::for_each(actions->get_array().begin(), actions->get_array().end(), one);
    else
      one(*actions);
  };
  if (statements->is_array())
    std::for_each(statements->get_array().begin(), statements->get_array().end(), check_actions);
  else
    check_actions(*statements);
}

bool attribute_name(std::string_view name) {
  if (name.empty() || name.size() > 256 || name.front() == '.' || name.back() == '.' || name.find("..") != name.npos)
    return false;
  const auto lower = base::lower(name);
  if (lower.starts_with("aws.") || lower.starts_with("amazon.")) return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool is_number(const std::string& text) {
  const auto value = base::parse_json(text, 1);
  return value && value->is_number();
}

contracts::MessageAttribute attribute_from(const std::string& name, const aws::sns::MessageAttributeValue& given) {
  const auto& type = given.DataType;
  if (!attribute_name(name)) invalid("Message attribute name can not be empty and must be valid: " + name);
  if (type.empty())
    throw InvalidParameterValueException(
        fmt::format("The message attribute '{}' must contain non-empty message attribute type.", name));
  const auto kind = base::cut(type, '.').first;
  if (kind != "String" && kind != "Number" && kind != "Binary")
    throw InvalidParameterValueException(
        fmt::format("The message attribute '{}' has an invalid message attribute type, the set of supported type prefixes is "
                    "Binary, Number, and String.",
                    name));
  const bool binary = kind == "Binary";
  const auto& value = binary ? given.BinaryValue : given.StringValue;
  if (!value || value->empty())
    throw InvalidParameterValueException(
        fmt::format("The message attribute '{}' must contain non-empty message attribute value for message attribute type '{}'.",
                    name, type));
  if (kind == "Number" && !is_number(*value))
    throw InvalidParameterValueException(fmt::format("Could not cast message attribute '{}' value to number.", name));
  return {type, *value};
}

}  // namespace

void invalid(std::string_view what) { throw aws::sns::InvalidParameterException(fmt::format("Invalid parameter: {}", what)); }

void check_topic_name(const std::string& name, const Texts& attributes) {
  const auto asked = attributes.find("FifoTopic");
  const bool fifo = asked != attributes.end() && boolean("FifoTopic", asked->second) == "true";
  std::string_view bare = name;
  if (fifo) {
    if (!bare.ends_with(".fifo") || name.size() > 256 || !name_characters(bare.substr(0, bare.size() - 5)) || bare.size() == 5)
      invalid(
          "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, "
          "underscores, and hyphens, and must be between 1 and 256 characters long.");
    return;
  }
  if (bare.empty() || bare.size() > 256 || !name_characters(bare)) invalid("Topic Name");
}

std::optional<std::string> check_topic_attribute(const TopicName& topic, const std::string& name, const std::string& value) {
  auto refuse = [&] { invalid(fmt::format("{} is not supported by lambari yet.", name)); };
  std::string_view protocol, kind;
  if (name == "Policy") {
    if (value.empty()) return std::nullopt;
    check_policy(topic, value);
  } else if (name == "DisplayName") {
    if (value.size() > 100 || std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < 32; }))
      invalid("DisplayName");
  } else if (name == "DeliveryPolicy") {
    if (value.empty()) return std::nullopt;
    try {
      check_topic_delivery_policy(value);
    } catch (const PolicyRefused& refused) {
      invalid(refused.what());
    }
  } else if (name == "SignatureVersion") {
    if (value != "1" && value != "2") invalid("SignatureVersion");
  } else if (name == "TracingConfig") {
    if (value != "PassThrough" && value != "Active") invalid("TracingConfig Reason: must be PassThrough or Active");
    if (value == "Active") invalid("TracingConfig Active is not supported by lambari yet.");
  } else if (name == "MaximumMessageSize") {
    const auto size = base::parse_int(value);
    if (!size || *size < 1024 || *size > 1024 * 1024) invalid("MaximumMessageSize");
    if (*size > static_cast<long long>(kMaxMessage)) invalid("MaximumMessageSize above 262144 is not supported by lambari yet.");
  } else if (name == "ContentBasedDeduplication" || name == "FifoThroughputScope") {
    if (!topic.fifo()) invalid("Attributes Reason: " + name + " can only be set on FIFO topics");
    if (name == "ContentBasedDeduplication") return boolean(name, value);
    if (value != "Topic" && value != "MessageGroup") invalid("FifoThroughputScope Reason: must be Topic or MessageGroup");
  } else if (is_feedback(name, protocol, kind)) {
    if (protocol == "Firehose" || protocol == "Application") refuse();
    if (value.empty()) return std::nullopt;
    if (kind == "SuccessFeedbackSampleRate") {
      const auto rate = base::parse_int(value);
      if (!rate || *rate < 0 || *rate > 100) invalid(name + " Reason: must be a number from 0 to 100");
    } else if (!value.starts_with("arn:aws:iam::") || value.find(":role/") == value.npos) {
      invalid(name + " Reason: must be the ARN of a role");
    }
  } else if (name == "KmsMasterKeyId") {
    if (value.empty()) return std::nullopt;
    refuse();
  } else if (name == "ArchivePolicy") {
    if (value.empty() || value == "{}") return std::nullopt;
    refuse();
  } else {
    invalid("AttributeName");
  }
  return value;
}

std::string default_policy(const TopicName& topic) {
  return fmt::format(
      R"({{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow",)"
      R"("Principal":{{"AWS":"*"}},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",)"
      R"("SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],)"
      R"("Resource":"{}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{}"}}}}}}]}})",
      topic.arn(), topic.account);
}

void check_tags(const Texts& tags) {
  if (tags.size() > kMaxTags)
    throw aws::sns::TagLimitExceededException("Could not complete request: tag quota of per resource exceeded");
  for (const auto& [name, value] : tags) {
    if (base::lower(name).starts_with("aws:")) invalid("Tag keys that start with aws: are reserved");
    if (name.empty() || name.size() > 128 * 4 || value.size() > 256 * 4) invalid("Tags");
  }
}

bool is_phone_number(std::string_view text) {
  return text.size() >= 3 && text.size() <= 16 && text[0] == '+' && text[1] != '0' &&
         std::all_of(text.begin() + 1, text.end(), [](unsigned char c) { return std::isdigit(c); });
}

void check_endpoint(const TopicName& topic, const std::string& protocol, const std::string& endpoint) {
  static constexpr std::array kProtocols = {"http", "https",       "email",  "email-json", "sms",
                                            "sqs",  "application", "lambda", "firehose"};
  if (std::find(kProtocols.begin(), kProtocols.end(), protocol) == kProtocols.end())
    invalid("Amazon SNS does not support this protocol string: " + protocol);
  if (protocol == "firehose" || protocol == "application")
    invalid("Protocol Reason: lambari does not deliver to " + protocol + " yet.");
  if (endpoint.size() > 2048) invalid("Endpoint Reason: Please use a shorter endpoint");
  if (topic.fifo() && protocol != "sqs") invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue");
  if (protocol == "http" || protocol == "https") {
    if (!endpoint.starts_with(protocol + "://")) invalid("Endpoint must match the specified protocol");
    const auto host = std::string_view(endpoint).substr(protocol.size() + 3);
    if (host.empty() || host[0] == '/' ||
        std::any_of(endpoint.begin(), endpoint.end(), [](unsigned char c) { return c <= 32 || c == 127; }))
      invalid("Endpoint Reason: not a valid URL");
  } else if (protocol == "email" || protocol == "email-json") {
    const auto at = endpoint.find('@');
    if (at == endpoint.npos || at == 0 || at + 1 == endpoint.size() || endpoint.find('@', at + 1) != endpoint.npos ||
        std::any_of(endpoint.begin(), endpoint.end(), [](unsigned char c) { return c <= 32 || c == 127; }))
      invalid("Email address");
  } else if (protocol == "sms") {
    if (!is_phone_number(endpoint)) invalid("Invalid SMS endpoint: " + endpoint);
  } else if (protocol == "sqs") {
    if (!is_queue(endpoint)) invalid("SQS endpoint ARN");
    if (!topic.fifo() && endpoint.ends_with(".fifo"))
      invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics");
  } else {
    const auto parts = base::split(endpoint, ':');
    if (parts.size() < 7 || parts.size() > 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" ||
        parts[6].empty())
      invalid("Lambda endpoint ARN");
  }
}

bool known_subscription_attribute(const std::string& name) {
  static constexpr std::array kNames = {"RawMessageDelivery", "FilterPolicy",        "FilterPolicyScope", "DeliveryPolicy",
                                        "RedrivePolicy",      "SubscriptionRoleArn", "ReplayPolicy"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void check_subscription_attributes(const std::string& protocol, const Texts& attributes, bool subscribing) {
  const std::string where = subscribing ? "Attributes Reason: " : "";
  auto get = [&](const char* name) {
    auto found = attributes.find(name);
    return found == attributes.end() ? std::string() : found->second;
  };
  for (const auto& [name, value] : attributes) {
    if (!known_subscription_attribute(name))
      invalid(subscribing ? "Attributes Reason: Unknown attribute: " + name : "AttributeName");
    if (name == "SubscriptionRoleArn" || name == "ReplayPolicy") invalid(name + " is not supported by lambari yet.");
  }
  if (const auto raw = get("RawMessageDelivery"); !raw.empty()) {
    if (raw != "true" && raw != "false")
      invalid(where + "RawMessageDelivery: Invalid value [" + raw + "]. Must be true or false.");
    if (raw == "true" && protocol != "sqs" && protocol != "http" && protocol != "https")
      invalid(where + "RawMessageDelivery: Delivery protocol [" + protocol + "] does not support raw message delivery.");
  }
  const auto scope = get("FilterPolicyScope");
  if (!scope.empty() && scope != "MessageAttributes" && scope != "MessageBody")
    invalid(where + "FilterPolicyScope: Invalid value [" + scope + "]. Please use either MessageBody or MessageAttributes");
  if (const auto policy = get("FilterPolicy"); !policy.empty()) {
    try {
      lang::parse_filter_policy(policy, scope == "MessageBody" ? lang::FilterScope::body : lang::FilterScope::attributes);
    } catch (const lang::EventPatternError& error) {
      const std::string_view what = error.what();
      invalid(where + (what.starts_with("Filter policy scope") ? "" : "FilterPolicy: ") + std::string(what));
    }
  }
  if (const auto policy = get("DeliveryPolicy"); !policy.empty()) {
    if (protocol != "http" && protocol != "https")
      invalid(where + "DeliveryPolicy: Delivery policy is not supported for protocol [" + protocol + "]");
    try {
      check_subscription_delivery_policy(policy);
    } catch (const PolicyRefused& refused) {
      invalid(where + refused.what());
    }
  }
  if (const auto policy = get("RedrivePolicy"); !policy.empty()) {
    const auto document = base::parse_json(policy, 4);
    if (!document || !document->is_object()) invalid(where + "RedrivePolicy: failed to parse JSON.");
    const auto arn = store::json_row::text(document->get_object(), "deadLetterTargetArn");
    if (!is_queue(arn)) invalid(where + "RedrivePolicy: deadLetterTargetArn is an invalid arn");
  }
}

std::size_t size_of(const Published& p) {
  std::size_t size = p.message.size();
  if (p.attributes)
    for (const auto& [name, value] : *p.attributes)
      size += name.size() + value.DataType.size() + (value.StringValue ? value.StringValue->size() : 0) +
              (value.BinaryValue ? value.BinaryValue->size() : 0);
  return size;
}

Message message_from(const Published& p, const Topic* topic) {
  if (p.message.empty()) invalid("Empty message");
  std::size_t most = kMaxMessage;
  if (topic != nullptr)
    if (const auto set = base::parse_int(topic->get("MaximumMessageSize"))) most = static_cast<std::size_t>(*set);
  if (size_of(p) > most) invalid("Message too long");
  if (!base::is_utf8(p.message)) invalid("Message Reason: not UTF-8");
  Message m;
  m.body = p.message;
  if (p.subject) {
    const auto& subject = *p.subject;
    if (subject.empty() || subject.size() > 100 || subject[0] == ' ' || !base::is_utf8(subject) ||
        std::any_of(subject.begin(), subject.end(), [](unsigned char c) { return c < 32 || c == 127; }))
      invalid("Subject");
    m.subject = subject;
  }
  if (p.structure) {
    if (*p.structure != "json") invalid("MessageStructure");
    auto bodies = base::parse_json(p.message);
    if (!bodies || !bodies->is_object()) invalid("Message Structure - JSON message body failed to parse");
    const auto* fallback = bodies->get_object().if_contains("default");
    if (!fallback || !fallback->is_string()) invalid("Message Structure - No default entry in JSON message body");
    m.bodies = texts_of(base::json::object{{"m", *bodies}}, "m");
    m.body = m.bodies["default"];
    m.bodies.erase("default");
  }
  if (p.attributes)
    for (const auto& [name, value] : *p.attributes) m.attributes.emplace(name, attribute_from(name, value));
  if (topic == nullptr) return m;

  auto check_id = [](const std::optional<std::string>& id, const char* name) {
    if (!id) return;
    if (id->empty() || id->size() > 128 || std::any_of(id->begin(), id->end(), [](unsigned char c) { return c < 33 || c > 126; }))
      invalid(fmt::format("The {} parameter is not valid", name));
  };
  check_id(p.group, "MessageGroupId");
  check_id(p.deduplication_id, "MessageDeduplicationId");
  if (topic->name.fifo()) {
    if (!p.group) invalid("The MessageGroupId parameter is required for FIFO topics");
    if (p.deduplication_id)
      m.deduplication_id = *p.deduplication_id;
    else if (topic->get("ContentBasedDeduplication") == "true")
      m.deduplication_id = base::hex(base::sha256(p.message));
    else
      invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
  } else if (p.deduplication_id) {
    invalid(
        "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic "
        "type");
  }
  if (p.group) m.group = *p.group;
  return m;
}

}  // namespace lambari::sns
