#include "services/sns/fan.h"

#include "base/text.h"
#include "services/sns/keys.h"

namespace lambari::sns {
namespace {

std::int64_t uses_of(store::Transaction& t, const std::string& id) {
  const auto row = t.get(keys::uses(id));
  return row ? base::parse_int(*row).value_or(0) : 0;
}

void share(store::Transaction& t, const Message& message, const std::string& bytes, std::size_t uses) {
  t.put(keys::message(message.id), bytes);
  t.put(keys::uses(message.id), std::to_string(uses));
}

}  // namespace

void owe(State& state, store::Transaction& t, const Message& message, const Recipients& recipients,
         std::vector<delivery::Outbox::Added>& added) {
  if (recipients.empty()) return;
  const auto bytes = base::to_json(to_object(message));
  const auto name = recipients[0]->name.topic;
  if (recipients.size() > kDirect) {
    share(t, message, bytes, 1);
    added.push_back(state.outbox.add(t, {"fan/" + message.id, message.time, fan_payload(name, message.id)}));
    return;
  }
  const bool inline_ = bytes.size() <= kInline || recipients.size() == 1;
  if (!inline_) share(t, message, bytes, recipients.size());
  for (const auto& to : recipients)
    added.push_back(
        state.outbox.add(t, {lane_of(*to, message), message.time,
                             inline_ ? notification_payload(to->name, message) : shared_payload(to->name, message.id)}));
}

Piece next_piece(State& state, const TopicName& topic, const Message& message, const std::string& cursor) {
  Piece piece;
  piece.recipients = state.audiences.recipients(topic, message, cursor, kDirect + 1);
  if (piece.recipients.size() > kDirect) {
    piece.recipients.pop_back();
    piece.next = piece.recipients.back()->name.id;
  }
  return piece;
}

void owe_piece(State& state, store::Transaction& t, const Message& message, const Recipients& recipients,
               std::vector<delivery::Outbox::Added>& added) {
  t.put(keys::uses(message.id), std::to_string(uses_of(t, message.id) + static_cast<std::int64_t>(recipients.size())));
  for (const auto& to : recipients)
    added.push_back(state.outbox.add(t, {lane_of(*to, message), message.time, shared_payload(to->name, message.id)}));
}

void release(store::Transaction& t, const std::string& id) {
  const auto left = uses_of(t, id) - 1;
  if (left > 0) {
    t.put(keys::uses(id), std::to_string(left));
  } else {
    t.erase(keys::uses(id));
    t.erase(keys::message(id));
  }
}

std::optional<Message> shared_message(store::Reader& reader, const std::string& id) {
  const auto bytes = reader.get(keys::message(id));
  if (!bytes) return std::nullopt;
  const auto value = base::parse_json(*bytes);
  if (!value || !value->is_object()) return std::nullopt;
  return message_of(value->get_object());
}

}  // namespace lambari::sns
