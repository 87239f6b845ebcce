#include "services/sqs/keys.h"

namespace lambari::sqs::keys {

namespace {

bool table(store::KeyReader& reader, std::string_view expected) {
  std::string name;
  return reader.text(name) && name == expected;
}

bool generation(store::KeyReader& reader, std::string_view expected) {
  std::uint64_t ignored = 0;
  return table(reader, expected) && reader.number(ignored);
}

bool queue_name(store::KeyReader& reader, QueueName& out) {
  return reader.text(out.account) && reader.text(out.region) && reader.text(out.name);
}

}  // namespace

bool read_queue(std::string_view key, QueueName& out) {
  store::KeyReader reader(key);
  return table(reader, "sqs/queue") && queue_name(reader, out) && reader.done();
}

bool read_source(std::string_view key, QueueName& out) {
  store::KeyReader reader(key);
  std::string arn;
  return table(reader, "sqs/source") && reader.text(arn) && queue_name(reader, out) && reader.done();
}

bool read_message(std::string_view key, Position& at, std::string& group) {
  store::KeyReader reader(key);
  return generation(reader, "sqs/message") && reader.number(at.due) && reader.number(at.sequence) && reader.text(group) &&
         reader.done();
}

bool read_receipt(std::string_view key, Position& at) {
  store::KeyReader reader(key);
  return generation(reader, "sqs/receipt") && reader.number(at.due) && reader.number(at.sequence) && reader.done();
}

bool read_moved(std::string_view key, std::int64_t& sent, Position& at, std::string& group) {
  store::KeyReader reader(key);
  return generation(reader, "sqs/moved") && reader.signed_number(sent) && reader.number(at.due) && reader.number(at.sequence) &&
         reader.text(group) && reader.done();
}

bool read_blob(std::string_view key, std::string& hash) {
  store::KeyReader reader(key);
  return generation(reader, "sqs/blob") && reader.text(hash) && reader.done();
}

bool read_dead(std::string_view key, std::uint64_t& number) {
  store::KeyReader reader(key);
  return table(reader, "sqs/dead") && reader.number(number) && reader.done();
}

bool read_task(std::string_view key, QueueName& source, std::int64_t& started) {
  store::KeyReader reader(key);
  return table(reader, "sqs/task") && queue_name(reader, source) && reader.signed_number(started) && reader.done();
}

}  // namespace lambari::sqs::keys
