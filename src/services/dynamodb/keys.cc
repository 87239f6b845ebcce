#include "services/dynamodb/keys.h"

#include "base/bytes.h"

namespace lambari::dynamodb::keys {
namespace {

store::Key start(std::uint64_t table, std::uint64_t index) {
  if (index == 0) return store::Key("dynamodb/item").number(table);
  return store::Key("dynamodb/index").number(table).number(index);
}

store::Key placed(std::uint64_t table, std::uint64_t index, const Value& hash) {
  const auto bytes = sortable(hash);
  auto key = start(table, index);
  key.number(spread(bytes));
  key.text(bytes);
  return key;
}

}  // namespace

std::string sortable(const Value& value) {
  if (const auto* number = value.number()) return number->sortable();
  if (const auto* binary = value.binary()) return binary->bytes;
  return *value.string();
}

std::uint64_t spread(std::string_view sortable_hash) {
  const auto digest = base::md5(sortable_hash);
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | static_cast<unsigned char>(digest[i]);
  return out;
}

std::string rows(std::uint64_t table, std::uint64_t index) { return start(table, index).str(); }

std::string rows_from(std::uint64_t table, std::uint64_t index, std::uint64_t from) {
  auto key = start(table, index);
  key.number(from);
  return key.str();
}

std::string partition(std::uint64_t table, std::uint64_t index, const Value& hash) { return placed(table, index, hash).str(); }

std::string item(std::uint64_t table, const Value& hash, const Value* range) {
  auto key = placed(table, 0, hash);
  if (range != nullptr) key.text(sortable(*range));
  return key.str();
}

std::string index_row(std::uint64_t table, std::uint64_t index, const Value& index_hash, const Value* index_range,
                      std::string_view item_key) {
  auto key = placed(table, index, index_hash);
  key.text(index_range != nullptr ? sortable(*index_range) : "");
  return key.str() + std::string(tail(item_key));
}

std::string change(std::uint64_t table, std::int64_t ms, std::uint64_t sequence, std::string_view item_key) {
  return store::Key("dynamodb/change").number(table).signed_number(ms).number(sequence).str() + std::string(tail(item_key));
}

std::string item_of_change(std::uint64_t rows, std::string_view change_key) {
  return keys::rows(rows, 0) + std::string(change_key.substr(change(0, 0, 0, keys::rows(0, 0)).size()));
}

std::string_view tail(std::string_view item_key) { return item_key.substr(rows(0, 0).size()); }

}  // namespace lambari::dynamodb::keys
