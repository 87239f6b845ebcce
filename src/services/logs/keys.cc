#include "services/logs/keys.h"

namespace lambari::logs::keys {

namespace {
bool table(store::KeyReader& reader, std::string_view expected) {
  std::string name;
  return reader.text(name) && name == expected;
}
}  // namespace

bool read_group(std::string_view key, GroupName& out) {
  store::KeyReader reader(key);
  return table(reader, "logs/group") && reader.text(out.account) && reader.text(out.region) && reader.text(out.name) &&
         reader.done();
}

bool read_stream(std::string_view key, std::string& name) {
  store::KeyReader reader(key);
  std::uint64_t group = 0;
  return table(reader, "logs/stream") && reader.number(group) && reader.text(name) && reader.done();
}

bool read_last(std::string_view key, std::int64_t& time, std::string& stream) {
  store::KeyReader reader(key);
  std::uint64_t group = 0;
  return table(reader, "logs/last") && reader.number(group) && reader.signed_number(time) && reader.text(stream) && reader.done();
}

bool read_event(std::string_view key, std::uint64_t& stream, Position& at) {
  store::KeyReader reader(key);
  std::uint64_t group = 0;
  return table(reader, "logs/event") && reader.number(group) && reader.number(stream) && reader.signed_number(at.time) &&
         reader.number(at.sequence) && reader.done();
}

}  // namespace lambari::logs::keys
