#include "services/dynamodb/read.h"

#include <algorithm>

#include "services/dynamodb/convert.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/schema.h"
#include "store/key.h"

namespace lambari::dynamodb {
namespace {

constexpr std::size_t kChunk = 64;  // rows of one look into the store

std::uint64_t id_of(const Index* index) { return index != nullptr ? index->id : 0; }

// A range key's bytes as a key spells them, without what ends them: what all longer ones begin with.
std::string open_text(const Value& value) {
  auto spelled = store::Key("").text(keys::sortable(value)).str();
  const auto empty = store::Key("").text("").str();
  const auto table = store::Key("").str().size();
  spelled.resize(spelled.size() - (empty.size() - table));
  return spelled.substr(table);
}
std::string closed_text(const Value& value) {
  return store::Key("").text(keys::sortable(value)).str().substr(store::Key("").str().size());
}

std::string end_of(const std::string& prefix) { return store::prefix_range(prefix).end; }

std::string successor(std::string key) {
  key.push_back('\0');
  return key;
}

std::vector<store::KeyValue> rows_of(store::Reader& reader, const PageRequest& request, const store::Range& range,
                                     std::size_t limit) {
  if (!request.row) return reader.scan(range, limit, request.order);
  const auto& key = *request.row;
  if (key < range.begin || (!range.end.empty() && key >= range.end)) return {};  // a page after it
  auto value = reader.get(key);
  if (!value) return {};
  return {{key, std::move(*value)}};
}

void charge(Page& page, const Table& table, const Index* index, std::size_t bytes, std::size_t fetched_units, bool consistent) {
  const auto units = read_units(bytes, consistent);
  if (index == nullptr) {
    page.consumed.table = units;
  } else {
    (index->global ? page.consumed.global : page.consumed.local)[index->name] = units;
    page.consumed.table = consistent ? static_cast<double>(fetched_units) : static_cast<double>(fetched_units) / 2;
  }
}

}  // namespace

store::Range range_of(const Table& table, const Index* index, const KeyCondition& condition) {
  using Kind = Condition::Kind;
  const auto partition = keys::partition(table.id, id_of(index), condition.hash);
  auto whole = store::prefix_range(partition);
  if (!condition.kind) return whole;
  const auto at = [&](std::size_t i) { return partition + closed_text(condition.values[i]); };
  switch (*condition.kind) {
    case Kind::equal: return store::prefix_range(at(0));
    case Kind::less: return {whole.begin, at(0)};
    case Kind::less_equal: return {whole.begin, end_of(at(0))};
    case Kind::greater: return {end_of(at(0)), whole.end};
    case Kind::greater_equal: return {at(0), whole.end};
    case Kind::between: return {at(0), end_of(at(1))};
    default: return store::prefix_range(partition + open_text(condition.values[0]));
  }
}

std::optional<std::string> row_of(const Table& table, const Index* index, const KeyCondition& condition) {
  if (index != nullptr) return std::nullopt;
  if (table.key.range.empty()) return keys::item(table.id, condition.hash, nullptr);
  if (condition.kind != Condition::Kind::equal) return std::nullopt;
  return keys::item(table.id, condition.hash, &condition.values[0]);
}

store::Range segment_of(const Table& table, const Index* index, std::uint64_t segment, std::uint64_t total) {
  auto whole = store::prefix_range(keys::rows(table.id, id_of(index)));
  if (total <= 1) return whole;
  const auto bound = [&](std::uint64_t i) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(i) << 64) / total);
  };
  return {segment == 0 ? whole.begin : keys::rows_from(table.id, id_of(index), bound(segment)),
          segment + 1 == total ? whole.end : keys::rows_from(table.id, id_of(index), bound(segment + 1))};
}

store::Range after(const Table& table, const Index* index, store::Range range, store::Order order, const Item& start) {
  constexpr const char* kInvalid = "The provided starting key is invalid";
  auto expected = key_attributes(table, index, start);
  const auto count = [](const KeySchema& key) { return key.range.empty() ? 1U : 2U; };
  std::size_t names = count(table.key);
  if (index != nullptr) {
    names += !table.key.has(index->key.hash);
    names += !index->key.range.empty() && !table.key.has(index->key.range);
  }
  if (expected.size() != names || start.size() != names) invalid(kInvalid);
  for (const auto& [name, value] : start) {
    if (name_of(value.type()) != table.attributes.at(name)) invalid(kInvalid);
  }
  Item own = key_attributes(table, nullptr, start);
  auto row = key_of_request(table, own);
  if (index != nullptr) {
    const auto* index_range = index->key.range.empty() ? nullptr : &start.at(index->key.range);
    row = keys::index_row(table.id, index->id, start.at(index->key.hash), index_range, row);
  }
  if (row < range.begin || (!range.end.empty() && row >= range.end)) {
    invalid("The provided starting key is outside query boundaries based on provided conditions");
  }
  if (order == store::Order::ascending) return {successor(std::move(row)), range.end};
  return {range.begin, std::move(row)};
}

Page read_page(store::Reader& reader, const Table& table, const Index* index, const PageRequest& request) {
  Page page;
  auto range = request.range;
  std::size_t bytes = 0, fetched_units = 0;
  const bool fetch = request.wanted.whole && index != nullptr && index->projection != "ALL";
  for (bool more = true; more;) {
    const auto left = request.limit == 0 ? kChunk : std::min(kChunk, request.limit - page.scanned);
    const auto rows = rows_of(reader, request, range, left);
    more = !request.row && rows.size() == left;
    for (const auto& row : rows) {
      auto item = decode_item(row.value);
      bytes += size_of(item);
      ++page.scanned;
      const bool full = (request.limit != 0 && page.scanned == request.limit) || bytes >= kMaxPage;
      if (full) page.last_key = key_attributes(table, index, item);
      if (fetch) {
        const auto own = key_attributes(table, nullptr, item);
        const auto* own_range = table.key.range.empty() ? nullptr : &own.at(table.key.range);
        if (const auto whole = reader.get(keys::item(table.id, own.at(table.key.hash), own_range))) {
          item = decode_item(*whole);
          fetched_units += static_cast<std::size_t>(read_units(size_of(item), true));
        }
      }
      if (!request.wanted.filter || holds(*request.wanted.filter, item)) {
        ++page.count;
        if (request.wanted.items) {
          page.items.push_back(request.wanted.paths ? project(item, *request.wanted.paths) : std::move(item));
        }
      }
      if (full) {
        charge(page, table, index, bytes, fetched_units, request.consistent);
        return page;
      }
    }
    if (!more || rows.empty()) break;
    if (request.order == store::Order::ascending) {
      range.begin = successor(rows.back().key);
    } else {
      range.end = rows.back().key;
    }
  }
  charge(page, table, index, bytes, fetched_units, request.consistent);
  return page;
}

}  // namespace lambari::dynamodb
