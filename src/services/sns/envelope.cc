#include "services/sns/envelope.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace lambari::sns {
namespace {

namespace json = base::json;

std::string json_text(std::string_view text) { return base::to_json(json::value(text)); }

// AWS's layout: two spaces, and spaces around the colon.
class Printer {
 public:
  void text(std::string_view name, std::string_view value) { raw(name, json_text(value)); }
  void raw(std::string_view name, std::string_view value) {
    out_ += out_.empty() ? "{\n" : ",\n";
    out_ += fmt::format("  \"{}\" : {}", name, value);
  }
  std::string take() && { return std::move(out_) + "\n}"; }

 private:
  std::string out_;
};

std::string printable(const contracts::MessageAttribute& attribute) {
  return attribute.data_type.starts_with("Binary") ? base::base64(attribute.value) : attribute.value;
}

std::string attributes_json(const Message& message) {
  std::string out = "{";
  for (const auto& [name, attribute] : message.attributes) {
    out += out.size() == 1 ? "\n" : ",\n";
    out += fmt::format("    {} : {{\"Type\":{},\"Value\":{}}}", json_text(name), json_text(attribute.data_type),
                       json_text(printable(attribute)));
  }
  return out + "\n  }";
}

void sign_part(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append("\n").append(value).append("\n");
}

}  // namespace

std::string notification_to_sign(const Message& m, const std::string& protocol) {
  std::string out;
  sign_part(out, "Message", m.body_for(protocol));
  sign_part(out, "MessageId", m.id);
  if (m.subject) sign_part(out, "Subject", *m.subject);
  sign_part(out, "Timestamp", base::iso8601(m.time, true));
  sign_part(out, "TopicArn", m.topic);
  sign_part(out, "Type", "Notification");
  return out;
}

std::string notification_json(const Message& m, const std::string& protocol, const Seal& seal) {
  Printer p;
  p.text("Type", "Notification");
  p.text("MessageId", m.id);
  if (!m.sequence.empty()) p.text("SequenceNumber", m.sequence);
  p.text("TopicArn", m.topic);
  if (m.subject) p.text("Subject", *m.subject);
  p.text("Message", m.body_for(protocol));
  p.text("Timestamp", base::iso8601(m.time, true));
  if (!seal.signature.empty()) {
    p.text("SignatureVersion", seal.version);
    p.text("Signature", seal.signature);
    p.text("SigningCertURL", seal.certificate_url);
  }
  p.text("UnsubscribeURL", seal.unsubscribe_url);
  if (!m.attributes.empty()) p.raw("MessageAttributes", attributes_json(m));
  return std::move(p).take();
}

std::string lambda_event(const Message& m, const std::string& subscription_arn, const Seal& seal) {
  json::object attributes;
  for (const auto& [name, attribute] : m.attributes)
    attributes[name] = json::object{{"Type", attribute.data_type}, {"Value", printable(attribute)}};
  json::object sns{{"Type", "Notification"},
                   {"MessageId", m.id},
                   {"TopicArn", m.topic},
                   {"Subject", m.subject ? json::value(*m.subject) : json::value(nullptr)},
                   {"Message", m.body_for("lambda")},
                   {"Timestamp", base::iso8601(m.time, true)},
                   {"SignatureVersion", seal.version},
                   {"Signature", seal.signature},
                   {"SigningCertUrl", seal.certificate_url},
                   {"UnsubscribeUrl", seal.unsubscribe_url},
                   {"MessageAttributes", std::move(attributes)}};
  return base::to_json(json::object{{"Records", json::array{json::object{{"EventSource", "aws:sns"},
                                                                         {"EventVersion", "1.0"},
                                                                         {"EventSubscriptionArn", subscription_arn},
                                                                         {"Sns", std::move(sns)}}}}});
}

std::string email_text(const Message& m, const Seal& seal) {
  return fmt::format(
      "{}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to "
      "unsubscribe:\n{}\n",
      m.body_for("email"), seal.unsubscribe_url);
}

std::string confirmation_to_sign(const Confirmation& c) {
  std::string out;
  sign_part(out, "Message", c.message());
  sign_part(out, "MessageId", c.message_id);
  sign_part(out, "SubscribeURL", c.subscribe_url);
  sign_part(out, "Timestamp", base::iso8601(c.time, true));
  sign_part(out, "Token", c.token);
  sign_part(out, "TopicArn", c.topic);
  sign_part(out, "Type", c.type());
  return out;
}

std::string confirmation_json(const Confirmation& c, const Seal& seal) {
  Printer p;
  p.text("Type", c.type());
  p.text("MessageId", c.message_id);
  p.text("Token", c.token);
  p.text("TopicArn", c.topic);
  p.text("Message", c.message());
  p.text("SubscribeURL", c.subscribe_url);
  p.text("Timestamp", base::iso8601(c.time, true));
  p.text("SignatureVersion", seal.version);
  p.text("Signature", seal.signature);
  p.text("SigningCertURL", seal.certificate_url);
  return std::move(p).take();
}

}  // namespace lambari::sns
