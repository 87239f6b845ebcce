#include "services/sns/model.h"

#include "base/bytes.h"
#include "base/text.h"
#include "store/json_row.h"

namespace lambari::sns {
namespace {

namespace json = base::json;
using store::json_row::flag;
using store::json_row::number;
using store::json_row::text;

bool is_binary(const std::string& type) { return type.starts_with("Binary"); }

}  // namespace

std::optional<TopicName> parse_topic_arn(std::string_view arn) {
  const auto parts = base::split(arn, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[3].empty() || parts[4].size() != 12 ||
      parts[5].empty())
    return std::nullopt;
  return TopicName{std::string(parts[4]), std::string(parts[3]), std::string(parts[5])};
}

std::optional<SubscriptionName> parse_subscription_arn(std::string_view arn) {
  const auto colon = arn.rfind(':');
  if (colon == arn.npos || colon + 1 == arn.size()) return std::nullopt;
  auto topic = parse_topic_arn(arn.substr(0, colon));
  if (!topic) return std::nullopt;
  return SubscriptionName{*std::move(topic), std::string(arn.substr(colon + 1))};
}

Texts texts_of(const json::object& object, std::string_view name) {
  Texts out;
  if (const auto* member = object.if_contains(name); member && member->is_object())
    for (const auto& [key, value] : member->get_object())
      if (value.is_string()) out.emplace(key, std::string_view(value.get_string()));
  return out;
}

json::object to_object(const Texts& texts) {
  json::object out;
  for (const auto& [key, value] : texts) out[key] = value;
  return out;
}

json::object attributes_object(const std::map<std::string, contracts::MessageAttribute>& attributes) {
  json::object out;
  for (const auto& [name, attribute] : attributes)
    out[name] =
        json::array{attribute.data_type, is_binary(attribute.data_type) ? base::base64(attribute.value) : attribute.value};
  return out;
}

std::map<std::string, contracts::MessageAttribute> attributes_of(const json::object& object) {
  std::map<std::string, contracts::MessageAttribute> out;
  for (const auto& [name, value] : object) {
    if (!value.is_array() || value.get_array().size() != 2) continue;
    contracts::MessageAttribute attribute{std::string(std::string_view(value.get_array()[0].as_string())),
                                          std::string(std::string_view(value.get_array()[1].as_string()))};
    if (is_binary(attribute.data_type)) attribute.value = base::unbase64(attribute.value).value_or("");
    out.emplace(name, std::move(attribute));
  }
  return out;
}

std::string encode(const Topic& topic) {
  return base::to_json(json::object{{"attributes", to_object(topic.attributes)}, {"tags", to_object(topic.tags)}});
}

Topic decode_topic(std::string_view bytes, TopicName name) {
  const auto object = store::json_row::parse(bytes);
  return {std::move(name), texts_of(object, "attributes"), texts_of(object, "tags")};
}

std::string encode(const Subscription& s) {
  return base::to_json(json::object{{"protocol", s.protocol},
                                    {"endpoint", s.endpoint},
                                    {"owner", s.owner},
                                    {"principal", s.principal},
                                    {"token", s.token},
                                    {"pending", s.pending},
                                    {"authenticated", s.authenticated},
                                    {"authenticate_unsubscribe", s.authenticate_unsubscribe},
                                    {"created", s.created.ms},
                                    {"attributes", to_object(s.attributes)}});
}

Subscription decode_subscription(std::string_view bytes, SubscriptionName name) {
  const auto object = store::json_row::parse(bytes);
  Subscription s;
  s.name = std::move(name);
  s.protocol = text(object, "protocol");
  s.endpoint = text(object, "endpoint");
  s.owner = text(object, "owner");
  s.principal = text(object, "principal");
  s.token = text(object, "token");
  s.pending = flag(object, "pending");
  s.authenticated = flag(object, "authenticated");
  s.authenticate_unsubscribe = flag(object, "authenticate_unsubscribe");
  s.created.ms = number(object, "created");
  s.attributes = texts_of(object, "attributes");
  return s;
}

json::object to_object(const Message& m) {
  json::object out{{"id", m.id}, {"topic", m.topic}, {"body", m.body}, {"time", m.time.ms}};
  if (!m.bodies.empty()) out["bodies"] = to_object(m.bodies);
  if (m.subject) out["subject"] = *m.subject;
  if (!m.attributes.empty()) out["attributes"] = attributes_object(m.attributes);
  if (!m.group.empty()) out["group"] = m.group;
  if (!m.deduplication_id.empty()) out["deduplication"] = m.deduplication_id;
  if (!m.sequence.empty()) out["sequence"] = m.sequence;
  if (!m.trace_header.empty()) out["trace"] = m.trace_header;
  return out;
}

Message message_of(const json::object& object) {
  Message m;
  m.id = text(object, "id");
  m.topic = text(object, "topic");
  m.body = text(object, "body");
  m.bodies = texts_of(object, "bodies");
  if (object.contains("subject")) m.subject = text(object, "subject");
  if (const auto* attributes = object.if_contains("attributes"); attributes && attributes->is_object())
    m.attributes = attributes_of(attributes->get_object());
  m.group = text(object, "group");
  m.deduplication_id = text(object, "deduplication");
  m.sequence = text(object, "sequence");
  m.trace_header = text(object, "trace");
  m.time.ms = number(object, "time");
  return m;
}

}  // namespace lambari::sns
