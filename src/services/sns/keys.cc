#include "services/sns/keys.h"

namespace lambari::sns::keys {
namespace {

bool read(store::KeyReader& reader, TopicName& out) {
  std::string table;
  return reader.text(table) && reader.text(out.account) && reader.text(out.region) && reader.text(out.name);
}

}  // namespace

bool read_topic(std::string_view key, TopicName& out) {
  store::KeyReader reader(key);
  return read(reader, out) && reader.done();
}

bool read_subscription(std::string_view key, SubscriptionName& out) {
  store::KeyReader reader(key);
  return read(reader, out.topic) && reader.text(out.id) && reader.done();
}

bool read_dedup_due(std::string_view key, std::string& scope, std::string& id) {
  store::KeyReader reader(key);
  TopicName topic;
  std::int64_t until = 0;
  return read(reader, topic) && reader.signed_number(until) && reader.text(scope) && reader.text(id) && reader.done();
}

}  // namespace lambari::sns::keys
