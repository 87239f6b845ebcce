// How much is in each table and index.
#include "base/json.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/state.h"
#include "store/json_row.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

namespace json = base::json;

Size to_size(const json::value& value) {
  const auto& pair = value.as_array();
  return {pair.at(0).to_number<std::int64_t>(), pair.at(1).to_number<std::int64_t>()};
}

}  // namespace

std::string encode(const Growth& total) {
  json::object indexes;
  for (const auto& [id, size] : total.indexes) indexes[std::to_string(id)] = json::array{size.items, size.bytes};
  return base::to_json(json::object{{"items", total.table.items}, {"bytes", total.table.bytes}, {"indexes", std::move(indexes)}});
}

Growth decode_sizes(std::string_view row) {
  const auto object = store::json_row::parse(row);
  Growth out;
  out.table = {store::json_row::number(object, "items"), store::json_row::number(object, "bytes")};
  if (const auto* indexes = object.if_contains("indexes"); indexes && indexes->is_object()) {
    for (const auto& [id, size] : indexes->as_object()) out.indexes[std::stoull(std::string(id))] = to_size(size);
  }
  return out;
}

void Sizes::load(store::Reader& reader) {
  for (const auto& row : reader.scan(store::prefix_range(store::Key("dynamodb/size").str()), 100'000)) {
    store::KeyReader key(std::string_view(row.key).substr(row.key.size() - 8));
    std::uint64_t table = 0;
    if (key.number(table)) set(table, decode_sizes(row.value));
  }
}

Growth Sizes::of(std::uint64_t table) {
  const std::lock_guard lock(mutex_);
  const auto it = tables_.find(table);
  return it == tables_.end() ? Growth{} : it->second.total;
}

void Sizes::set(std::uint64_t table, Growth total) {
  const std::lock_guard lock(mutex_);
  tables_[table] = {std::move(total), false};
}

void Sizes::grow(std::uint64_t table, const Growth& by) {
  const auto none = [](const Size& size) { return size.items == 0 && size.bytes == 0; };
  bool any = !none(by.table);
  for (const auto& [id, size] : by.indexes) any = any || !none(size);
  if (!any) return;
  const std::lock_guard lock(mutex_);
  auto& entry = tables_[table];
  entry.total.table.add(by.table);
  for (const auto& [id, size] : by.indexes) entry.total.indexes[id].add(size);
  entry.changed = true;
}

void Sizes::forget(std::uint64_t table) {
  const std::lock_guard lock(mutex_);
  tables_.erase(table);
}

void Sizes::forget_index(std::uint64_t table, std::uint64_t index) {
  const std::lock_guard lock(mutex_);
  const auto it = tables_.find(table);
  if (it != tables_.end() && it->second.total.indexes.erase(index) > 0) it->second.changed = true;
}

std::unordered_map<std::uint64_t, Growth> Sizes::take_changed() {
  const std::lock_guard lock(mutex_);
  std::unordered_map<std::uint64_t, Growth> out;
  for (auto& [table, entry] : tables_) {
    if (!entry.changed) continue;
    out.emplace(table, entry.total);
    entry.changed = false;
  }
  return out;
}

async::Task<> write_sizes(Shared state) {
  const auto changed = state->sizes.take_changed();
  if (changed.empty()) co_return;
  co_await state->store.commit([&](store::Transaction& t) {
    for (const auto& [table, total] : changed) t.put(keys::size(table), encode(total));
  });
}

}  // namespace lambari::dynamodb
