#include "services/dynamodb/writes.h"

#include <algorithm>

#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/schema.h"
#include "services/dynamodb/stream_record.h"

namespace lambari::dynamodb {
namespace {

using lang::dynamodb::size_of;

std::size_t larger(const std::optional<Item>& a, const std::optional<Item>& b) {
  return std::max(a ? size_of(*a) : 0, b ? size_of(*b) : 0);
}

// What goes from `before` to `after` adds.
Size difference(const Item* before, const Item* after) {
  Size out;
  if (after != nullptr) out = size_of_item(*after);
  if (before != nullptr) {
    const auto gone = size_of_item(*before);
    out.add({-gone.items, -gone.bytes});
  }
  return out;
}

const Item* pointer(const std::optional<Item>& item) { return item ? &*item : nullptr; }

void write_index(store::Transaction& t, const Table& table, const Index& index, ItemChange& change, Consumed& consumed) {
  if (index.status == "DELETING") return;
  using Row = std::optional<std::pair<std::string, Item>>;
  const auto row_of = [&](const std::optional<Item>& item) { return item ? index_row(table, index, change.key, *item) : Row{}; };
  const auto old = row_of(change.before), fresh = row_of(change.after);
  // In an index that is being filled the old item may have no row yet.
  const bool counted = old && (index.status != "CREATING" || t.get(old->first));
  double units = 0;
  const bool moved = old && fresh && old->first != fresh->first;
  if (old && (!fresh || moved)) {
    t.erase(old->first);
    units += write_units(size_of(old->second));
  }
  if (fresh && (!old || moved || !(old->second == fresh->second))) {
    t.put(fresh->first, encode(fresh->second));
    units += write_units(std::max(size_of(fresh->second), old && !moved ? size_of(old->second) : 0));
  }
  if (old || fresh) {
    change.growth.indexes[index.id].add(difference(counted ? &old->second : nullptr, fresh ? &fresh->second : nullptr));
  }
  if (units > 0) (index.global ? consumed.global : consumed.local)[index.name] += units;
}

void write_expiry(store::Transaction& t, const Table& table, const ItemChange& change, base::Timestamp now) {
  const auto row_of = [&](const std::optional<Item>& item) -> std::optional<std::string> {
    const auto second = item ? expiry_of(table, *item, now.ms) : std::nullopt;
    if (!second) return std::nullopt;
    return keys::expiry(table.id, *second) + std::string(keys::tail(change.key));
  };
  const auto fresh = row_of(change.after);
  // What the old item's row is does not depend on the time of its writing, but for the five years.
  const auto second = change.before ? expiry_of(table, *change.before, 0) : std::nullopt;
  if (second) {
    const auto old = keys::expiry(table.id, *second) + std::string(keys::tail(change.key));
    if (old != fresh) t.erase(old);
  }
  if (fresh) t.put(*fresh, "");
}

}  // namespace

ItemChange load_item(store::Reader& reader, std::string key) {
  ItemChange change;
  change.key = std::move(key);
  change.stored = reader.get(change.key);
  if (change.stored) change.before = decode_item(*change.stored);
  return change;
}

Size size_of_item(const Item& item) { return {1, static_cast<std::int64_t>(size_of(item))}; }

Consumed write_item(store::Transaction& t, const Table& table, ItemChange& change, Sequence::Ticket& ticket,
                    base::Timestamp now) {
  Consumed consumed;
  consumed.table = write_units(larger(change.before, change.after));
  if (change.after) {
    auto bytes = encode(*change.after);
    if (change.stored == bytes) return consumed;  // nothing changes: no index row, no stream record
    t.put(change.key, bytes);
  } else if (change.before) {
    t.erase(change.key);
  } else {
    return consumed;
  }
  change.growth.table = difference(pointer(change.before), pointer(change.after));
  for (const auto& index : table.indexes) write_index(t, table, index, change, consumed);
  if (!table.ttl_attribute.empty()) write_expiry(t, table, change, now);
  if (const auto* stream = table.stream()) {
    t.put(keys::stream_record(table.id, stream->label, ticket.draw()), encode_record(table, *stream, change, now));
  }
  if (table.keeps_changes()) {
    t.put(keys::change(table.id, table.time_of_change(now.ms), ticket.draw(), change.key), change.stored.value_or(""));
  }
  return consumed;
}

}  // namespace lambari::dynamodb
