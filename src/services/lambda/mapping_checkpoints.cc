#include "services/lambda/mapping_checkpoints.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"
#include "services/lambda/keys.h"
#include "store/json_row.h"

namespace lambari::lambda {
namespace {

using sources::Place;
using store::json_row::flag;
using store::json_row::number;
using store::json_row::text;

// The lanes of a shard when the row was written, and the place of this one.
struct Row {
  unsigned of = 1;
  Place place;
};

// A JSON object, a line end, and the window's state as it is: it may be as long as a row can take.
std::string encode(const Row& row) {
  const base::json::object out{{"format", kRowFormat},
                               {"of", row.of},
                               {"cursor", row.place.cursor},
                               {"ended", row.place.ended},
                               {"windowOpen", row.place.window_open},
                               {"window", row.place.window}};
  return base::to_json(out) + "\n" + row.place.state;
}

Row decode(std::string_view bytes) {
  const auto end = bytes.find('\n');
  const auto object = store::json_row::parse(bytes.substr(0, end));
  if (number(object, "format") != kRowFormat) throw std::runtime_error("lambda: a row is of a newer format");
  Row row;
  row.of = static_cast<unsigned>(number(object, "of"));
  row.place.cursor = text(object, "cursor");
  row.place.ended = flag(object, "ended");
  row.place.window_open = flag(object, "windowOpen");
  row.place.window = number(object, "window");
  if (end != std::string_view::npos) row.place.state = bytes.substr(end + 1);
  return row;
}

}  // namespace

bool MappingCheckpoints::is_there(store::Reader& reader) const {
  const auto& [account, region, name] = mapping_.function;
  return reader.get(keys::mapping(account, region, mapping_.uuid)).has_value();
}

async::Task<std::vector<Place>> MappingCheckpoints::open(std::string shard, unsigned lanes, std::string first) {
  co_return co_await house_.d.store.transact([&](store::Transaction& t) {
    const auto range = store::prefix_range(keys::checkpoints(mapping_, shard));
    std::vector<Row> rows;
    for (const auto& row : t.scan(range, 1'000)) rows.push_back(decode(row.value));
    std::vector<Place> places;
    const bool known =
        rows.size() == lanes && std::all_of(rows.begin(), rows.end(), [&](const Row& row) { return row.of == lanes; });
    if (known) {
      for (auto& row : rows) places.push_back(std::move(row.place));
      return places;
    }
    Place place;
    place.cursor = first;
    if (!rows.empty()) {
      place = std::min_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
                return a.place.cursor < b.place.cursor;
              })->place;
      place.ended = std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.place.ended; });
    }
    places.assign(lanes, place);
    if (!is_there(t)) return places;
    t.erase(range);
    for (unsigned lane = 0; lane < lanes; ++lane) t.put(keys::checkpoint(mapping_, shard, lane), encode(Row{lanes, place}));
    return places;
  });
}

std::vector<Record> MappingCheckpoints::records(const std::vector<std::string>& discarded) const {
  std::vector<Record> out;
  if (discarded.empty() || mapping_.on_failure.empty()) return out;
  std::string role;
  try {
    role = house_.targets.find(mapping_.function, mapping_.qualifier)->variants.front().version->configuration.role;
  } catch (const wire::Fault&) {
    base::log_warn("what is told of discarded records is lost: the function is gone", {{"mapping", mapping_.uuid}});
    return out;
  }
  for (const auto& document : discarded) {
    Record record;
    record.parcel.target = mapping_.on_failure;
    record.parcel.body = document;
    record.parcel.source_arn = function_arn(mapping_.function);
    record.parcel.id = base::uuid();
    record.role = role;
    out.push_back(std::move(record));
  }
  return out;
}

async::Task<> MappingCheckpoints::save(std::string shard, unsigned lane, Place place, std::vector<std::string> discarded) {
  const auto told = records(discarded);
  const auto key = keys::checkpoint(mapping_, shard, lane);
  const auto bytes = encode(Row{static_cast<unsigned>(mapping_.parallelization), std::move(place)});
  const auto added = co_await house_.d.store.transact([&](store::Transaction& t) {
    std::vector<delivery::Outbox::Added> out;
    if (!is_there(t)) return out;
    t.put(key, bytes);
    for (const auto& record : told) out.push_back(events_.add_record(t, record));
    return out;
  });
  events_.wake_records(added);
}

void MappingCheckpoints::begin(store::Transaction& t, const Mapping& mapping, const std::string& shard, std::string cursor) {
  Row row;
  row.place.cursor = std::move(cursor);
  t.put(keys::checkpoint(mapping, shard, 0), encode(row));
}

void MappingCheckpoints::erase(store::Transaction& t, const Mapping& mapping) {
  t.erase(store::prefix_range(keys::checkpoints(mapping)));
}

}  // namespace lambari::lambda
