#include "services/dynamodb/schema.h"

#include <algorithm>

#include "services/dynamodb/convert.h"
#include "services/dynamodb/keys.h"

namespace lambari::dynamodb {
namespace {

constexpr std::int64_t kFiveYears = 5LL * 365 * 86'400;  // seconds

const Value* attribute(const Item& item, const std::string& name) {
  const auto it = item.find(name);
  return it == item.end() ? nullptr : &it->second;
}

bool is_empty(const Value& value) {
  return (value.string() != nullptr && value.string()->empty()) || (value.binary() != nullptr && value.binary()->bytes.empty());
}

std::string_view kind_of_empty(const Value& value) { return value.string() != nullptr ? "string" : "binary"; }

void check_length(const Value& value, bool range) {
  if (keys::sortable(value).size() <= (range ? kMaxRange : kMaxHash)) return;
  if (range) invalid_values("Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  invalid_values("Size of hashkey has exceeded the maximum size limit of2048 bytes");
}

void check_not_empty(const Value& value, const std::string& name) {
  if (!is_empty(value)) return;
  invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " +
          std::string(kind_of_empty(value)) + " value. Key: " + name);
}

std::string spelled_key(const Table& table, const Item& item) {
  const auto& hash = item.at(table.key.hash);
  const auto* range = table.key.range.empty() ? nullptr : &item.at(table.key.range);
  check_length(hash, false);
  if (range != nullptr) check_length(*range, true);
  return keys::item(table.id, hash, range);
}

std::vector<std::string> names_of(const KeySchema& key) {
  if (key.range.empty()) return {key.hash};
  return {key.hash, key.range};
}

}  // namespace

std::string key_of_item(const Table& table, const Item& item) {
  for (const auto& name : names_of(table.key)) {
    const auto* value = attribute(item, name);
    if (value == nullptr) invalid_values("Missing the key " + name + " in the item");
    const auto& expected = table.attributes.at(name);
    if (name_of(value->type()) != expected) {
      invalid_values("Type mismatch for key " + name + " expected: " + expected +
                     " actual: " + std::string(name_of(value->type())));
    }
    check_not_empty(*value, name);
  }
  check_index_keys(table, item);
  return spelled_key(table, item);
}

void check_index_keys(const Table& table, const Item& item) {
  for (const auto& index : table.indexes) {
    for (const auto& name : names_of(index.key)) {
      const auto* value = attribute(item, name);
      if (value == nullptr || table.key.has(name)) continue;
      const auto& expected = table.attributes.at(name);
      if (name_of(value->type()) != expected) {
        invalid_values("Type mismatch for Index Key " + name + " Expected: " + expected +
                       " Actual: " + std::string(name_of(value->type())) + " IndexName: " + index.name);
      }
      if (is_empty(*value)) {
        invalid(
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The "
            "AttributeValue for a key attribute cannot contain an empty " +
            std::string(kind_of_empty(*value)) + " value. IndexName: " + index.name + ", IndexKey: " + name);
      }
      check_length(*value, name == index.key.range);
    }
  }
}

std::string key_of_request(const Table& table, const Item& key) {
  const auto names = names_of(table.key);
  if (key.size() != names.size()) invalid("The provided key element does not match the schema");
  for (const auto& name : names) {
    const auto* value = attribute(key, name);
    if (value == nullptr || name_of(value->type()) != table.attributes.at(name)) {
      invalid("The provided key element does not match the schema");
    }
    check_not_empty(*value, name);
  }
  return spelled_key(table, key);
}

Item key_attributes(const Table& table, const Index* index, const Item& item) {
  Item out;
  const auto take = [&](const KeySchema& key) {
    for (const auto& name : names_of(key)) {
      if (const auto* value = attribute(item, name)) out.insert_or_assign(name, *value);
    }
  };
  take(table.key);
  if (index != nullptr) take(index->key);
  return out;
}

void check_size(const Item& item) {
  if (size_of(item) > kMaxItem) invalid("Item size has exceeded the maximum allowed size");
}

void check_updated_size(const Item& item) {
  if (size_of(item) > kMaxItem) invalid("Item size to update has exceeded the maximum allowed size");
}

std::optional<std::pair<std::string, Item>> index_row(const Table& table, const Index& index, std::string_view item_key,
                                                      const Item& item) {
  const auto* hash = attribute(item, index.key.hash);
  const auto* range = index.key.range.empty() ? nullptr : attribute(item, index.key.range);
  if (hash == nullptr || (!index.key.range.empty() && range == nullptr)) return std::nullopt;
  for (const auto* value : {hash, range}) {
    if (value == nullptr) continue;
    const auto& name = value == hash ? index.key.hash : index.key.range;
    // An item older than the index may have anything there; such items are not in it.
    if (name_of(value->type()) != table.attributes.at(name) || is_empty(*value)) return std::nullopt;
  }
  auto row_key = keys::index_row(table.id, index.id, *hash, range, item_key);
  if (index.projection == "ALL") return std::pair{std::move(row_key), item};
  auto projected = key_attributes(table, &index, item);
  for (const auto& name : index.include) {
    if (const auto* value = attribute(item, name)) projected.insert_or_assign(name, *value);
  }
  return std::pair{std::move(row_key), std::move(projected)};
}

std::optional<std::int64_t> expiry_of(const Table& table, const Item& item, std::int64_t now_ms) {
  if (table.ttl_attribute.empty()) return std::nullopt;
  const auto* value = attribute(item, table.ttl_attribute);
  if (value == nullptr || value->number() == nullptr || value->number()->negative()) return std::nullopt;
  const auto text = value->number()->text();
  const auto whole = text.substr(0, text.find('.'));
  if (whole.size() > 15) return std::nullopt;
  const auto second = static_cast<std::int64_t>(std::stoll(whole));
  if (second < now_ms / 1000 - kFiveYears) return std::nullopt;
  return second;
}

}  // namespace lambari::dynamodb
