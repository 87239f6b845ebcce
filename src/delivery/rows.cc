#include "delivery/rows.h"

#include <stdexcept>

namespace lambari::delivery::rows {
namespace {

constexpr std::uint64_t kFormat = 1;

std::int64_t key_due(base::Timestamp due) { return due.ms < 0 ? 0 : due.ms; }

store::Key body_key(std::string_view outbox, std::string_view lane, std::uint64_t id) {
  return store::Key("delivery/body").text(outbox).text(lane).number(id);
}

}  // namespace

std::string starts(std::string_view outbox) { return store::Key("delivery/outbox").text(outbox).str(); }

std::string items(std::string_view outbox) { return store::Key("delivery/item").text(outbox).str(); }

std::string items(std::string_view outbox, std::string_view lane) {
  return store::Key("delivery/item").text(outbox).text(lane).str();
}

std::string item(std::string_view outbox, std::string_view lane, base::Timestamp due, std::uint64_t id) {
  return store::Key("delivery/item").text(outbox).text(lane).signed_number(key_due(due)).number(id).str();
}

std::string lane_of(std::string_view outbox, std::string_view key) {
  const auto prefix = items(outbox);
  std::string lane;
  if (!key.starts_with(prefix) || !store::KeyReader(key.substr(prefix.size())).text(lane))
    throw std::runtime_error("not the key of a delivery");
  return lane;
}

std::string bodies(std::string_view outbox) { return store::Key("delivery/body").text(outbox).str(); }

std::string bodies(std::string_view outbox, std::string_view lane) {
  return store::Key("delivery/body").text(outbox).text(lane).str();
}

std::string body(std::string_view outbox, std::string_view lane, std::uint64_t id) { return body_key(outbox, lane, id).str(); }

std::string timers(std::string_view outbox) { return store::Key("delivery/timer").text(outbox).str(); }

std::string timer(std::string_view outbox, std::string_view name) {
  return store::Key("delivery/timer").text(outbox).text(name).str();
}

// The parts of a key delimit themselves, which serves values as well.
std::string encode(const Row& row) {
  store::Key key("");
  key.number(kFormat).number(row.id).signed_number(row.due.ms).signed_number(row.added.ms).number(row.attempts).number(row.body);
  key.text(row.state);
  return std::move(key).str() + row.payload;
}

Row decode(std::string_view bytes) {
  Row row;
  std::string none;
  std::uint64_t format = 0, attempts = 0;
  store::KeyReader reader(bytes);
  if (!reader.text(none) || !reader.number(format) || format != kFormat || !reader.number(row.id) ||
      !reader.signed_number(row.due.ms) || !reader.signed_number(row.added.ms) || !reader.number(attempts) ||
      !reader.number(row.body) || !reader.text(row.state))
    throw std::runtime_error("not the row of a delivery");
  row.attempts = static_cast<unsigned>(attempts);
  row.payload = reader.rest();
  return row;
}

void put_payload(store::Transaction& t, std::string_view outbox, std::string_view lane, Row& row, std::string_view payload) {
  if (payload.size() <= kInline) {
    row.payload = payload;
    return;
  }
  row.body = payload.size();
  for (std::size_t at = 0, piece = 0; at < payload.size(); at += kPiece, ++piece)
    t.put(body_key(outbox, lane, row.id).number(piece).str(), payload.substr(at, kPiece));
}

std::string payload(store::Reader& reader, std::string_view outbox, std::string_view lane, const Row& row) {
  if (row.body == 0) return row.payload;
  std::string all;
  all.reserve(row.body);
  for (std::size_t piece = 0; all.size() < row.body; ++piece) {
    const auto bytes = reader.get(body_key(outbox, lane, row.id).number(piece).str());
    if (!bytes || bytes->empty()) throw std::runtime_error("a piece of a delivery is missing");
    all += *bytes;
  }
  return all;
}

void erase_payload(store::Transaction& t, std::string_view outbox, std::string_view lane, const Row& row) {
  for (std::size_t at = 0, piece = 0; at < row.body; at += kPiece, ++piece)
    t.erase(body_key(outbox, lane, row.id).number(piece).str());
}

std::uint64_t next_start(store::Transaction& t, std::string_view outbox) {
  const auto key = starts(outbox);
  std::uint64_t last = 0;
  if (const auto bytes = t.get(key)) {
    std::string none;
    store::KeyReader reader(*bytes);
    if (!reader.text(none) || !reader.number(last)) throw std::runtime_error("not the row of an outbox");
  }
  t.put(key, store::Key("").number(last + 1).str());
  return last + 1;
}

}  // namespace lambari::delivery::rows
