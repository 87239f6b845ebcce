// BatchGetItem and BatchWriteItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
#include <algorithm>
#include <set>

#include "lang/dynamodb_projection.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/items.h"
#include "services/dynamodb/plan.h"
#include "services/dynamodb/schema.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxGets = 100, kMaxWrites = 25;
constexpr std::size_t kMaxAnswer = 16 * 1024 * 1024;   // bytes of items
constexpr std::size_t kMaxRequest = 16 * 1024 * 1024;  // bytes of items

// What is asked of one table.
struct TableGets {
  std::string asked;  // the name, or ARN, by which the client asked
  TableKey name;
  std::vector<Item> keys;
  std::optional<std::vector<Path>> paths;
  bool consistent = false;
};

TableGets read_gets(const wire::Call& call, const std::string& asked, const api::KeysAndAttributes& given) {
  check_not_mixed({{"AttributesToGet", given.AttributesToGet.has_value()}},
                  {{"ProjectionExpression", given.ProjectionExpression.has_value()}});
  TableGets out{asked, table_key(call, asked), {}, {}, given.ConsistentRead.value_or(false)};
  for (const auto& key : given.Keys) {
    auto item = from_wire(key);
    if (std::find(out.keys.begin(), out.keys.end(), item) != out.keys.end()) {
      invalid("Provided list of item keys contains duplicates");
    }
    out.keys.push_back(std::move(item));
  }
  auto used = placeholders(given.ExpressionAttributeNames, std::nullopt, given.ProjectionExpression.has_value(), "");
  in_words_of_aws([&] {
    if (given.ProjectionExpression) out.paths = lang::dynamodb::parse_projection(*given.ProjectionExpression, used);
  });
  check_used(used);
  if (given.AttributesToGet) out.paths = from_attributes_to_get(*given.AttributesToGet);
  return out;
}

Plan plan_of(const wire::Call& call, const std::string& table, const api::WriteRequest& request) {
  if (request.PutRequest.has_value() == request.DeleteRequest.has_value()) {
    invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
  }
  Plan plan;
  plan.table = table_key(call, table);
  plan.kind = request.PutRequest ? Plan::Kind::put : Plan::Kind::erase;
  plan.item = from_wire(request.PutRequest ? request.PutRequest->Item : request.DeleteRequest->Key);
  return plan;
}

}  // namespace

async::Task<api::BatchGetItemOutput> batch_get(Shared state, wire::Call call, api::BatchGetItemInput request) {
  if (request.RequestItems.empty()) invalid("The requestItems parameter is required for BatchGetItem");
  std::size_t total = 0;
  for (const auto& [table, gets] : request.RequestItems) {
    if (gets.Keys.size() > kMaxGets) {
      invalid("1 validation error detected: Value at 'RequestItems." + table +
              ".member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100");
    }
    total += gets.Keys.size();
  }
  if (total > kMaxGets) invalid("Too many items requested for the BatchGetItem call");
  std::vector<TableGets> all;
  for (const auto& [table, gets] : request.RequestItems) all.push_back(read_gets(call, table, gets));

  const auto reader = state->store.read();
  api::BatchGetItemOutput out;
  auto& responses = out.Responses.emplace();
  auto& unprocessed = out.UnprocessedKeys.emplace();
  std::vector<api::ConsumedCapacity> capacities;
  // Every key of every table is checked before the first item is read.
  std::vector<std::pair<SharedTable, std::vector<std::string>>> rows;
  for (const auto& gets : all) {
    auto table = state->tables.need(*reader, gets.name);
    std::vector<std::string> keys;
    for (const auto& key : gets.keys) keys.push_back(key_of_request(*table, key));
    rows.emplace_back(std::move(table), std::move(keys));
  }
  std::size_t bytes = 0, processed = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [table, keys] = rows[i];
    Consumed consumed;
    auto& items = responses[all[i].asked];
    for (std::size_t k = 0; k < keys.size(); ++k) {
      if (bytes >= kMaxAnswer || !state->buckets.has_room(*table, Direction::read, nullptr, consumed.table)) {
        auto& left = unprocessed[all[i].asked];
        const auto& given = request.RequestItems.at(all[i].asked);
        if (left.Keys.empty()) {
          left = given;
          left.Keys.clear();
        }
        left.Keys.push_back(given.Keys[k]);
        continue;
      }
      ++processed;
      const auto row = reader->get(keys[k]);
      std::size_t size = 0;
      if (row) {
        auto item = decode_item(*row);
        size = size_of(item);
        bytes += size;
        items.push_back(to_wire(all[i].paths ? project(item, *all[i].paths) : item));
      }
      consumed.table += read_units(size, all[i].consistent);
    }
    state->committed(*table, consumed, Direction::read);
    if (auto capacity = report(request.ReturnConsumedCapacity, *table, consumed)) capacities.push_back(std::move(*capacity));
  }
  if (processed == 0) state->buckets.admit(*rows[0].first, Direction::read);
  if (!capacities.empty()) out.ConsumedCapacity = std::move(capacities);
  co_return out;
}

async::Task<api::BatchWriteItemOutput> batch_write(Shared state, wire::Call call, api::BatchWriteItemInput request) {
  if (request.RequestItems.empty()) invalid("The requestItems parameter is required for BatchWriteItem");
  std::size_t total = 0;
  for (const auto& [table, writes] : request.RequestItems) {
    if (writes.empty() || writes.size() > kMaxWrites) {
      violated(
          "'{" + table + "=[" + std::to_string(writes.size()) + " write requests]}'", "requestItems",
          "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater "
          "than or equal to 1]");
    }
    total += writes.size();
  }
  if (total > kMaxWrites) invalid("Too many items requested for the BatchWriteItem call");
  std::vector<std::pair<std::string, Plan>> plans;  // with the name by which the client asked
  std::size_t bytes = 0;
  for (const auto& [table, writes] : request.RequestItems) {
    for (const auto& write : writes) {
      plans.emplace_back(table, plan_of(call, table, write));
      bytes += size_of(plans.back().second.item);
    }
  }
  if (bytes > kMaxRequest) invalid("Item size has exceeded the maximum allowed size");

  struct Done {
    SharedTable table;
    Consumed consumed;
    Growth growth;
    Item item;
    bool written = false;
  };
  Sequence::Ticket ticket(state->sequence);
  const auto done = co_await state->store.transact([&](store::Transaction& t) {
    ticket.restart();
    std::vector<Done> out(plans.size());
    std::set<std::string> seen;
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      out[i].table = state->tables.need(t, plans[i].second.table);
      keys.push_back(key_of(plans[i].second, *out[i].table));
      if (!seen.insert(keys.back()).second) invalid("Provided list of item keys contains duplicates");
    }
    std::map<std::uint64_t, double> planned;  // units, by table
    for (std::size_t i = 0; i < plans.size(); ++i) {
      auto& taken = planned[out[i].table->id];
      if (!state->buckets.has_room(*out[i].table, Direction::write, nullptr, taken)) continue;
      auto change = load_item(t, keys[i]);
      decide(plans[i].second, *out[i].table, change);
      out[i].consumed = write_item(t, *out[i].table, change, ticket, state->now());
      taken += out[i].consumed.table;
      out[i].growth = std::move(change.growth);
      out[i].item = change.after ? *change.after : change.before.value_or(Item{});
      out[i].written = true;
    }
    return out;
  });

  api::BatchWriteItemOutput out;
  auto& unprocessed = out.UnprocessedItems.emplace();
  std::map<std::string, std::pair<SharedTable, Consumed>> by_table;
  std::map<std::string, std::vector<api::ItemCollectionMetrics>> metrics;
  std::map<std::string, std::size_t> position;
  bool any = false;
  for (std::size_t i = 0; i < done.size(); ++i) {
    const auto& asked = plans[i].first;
    const auto& write = request.RequestItems.at(asked)[position[asked]++];
    if (!done[i].written) {
      unprocessed[asked].push_back(write);
      continue;
    }
    any = true;
    state->sizes.grow(done[i].table->id, done[i].growth);
    auto& [table, consumed] = by_table[asked];
    table = done[i].table;
    consumed.add(done[i].consumed);
    if (request.ReturnItemCollectionMetrics == "SIZE") {
      if (auto metric = collection_metrics(*table, done[i].item)) metrics[asked].push_back(std::move(*metric));
    }
  }
  if (!any) state->buckets.admit(*done[0].table, Direction::write);
  std::vector<api::ConsumedCapacity> capacities;
  for (const auto& [asked, taken] : by_table) {
    state->committed(*taken.first, taken.second, Direction::write);
    if (auto capacity = report(request.ReturnConsumedCapacity, *taken.first, taken.second))
      capacities.push_back(std::move(*capacity));
  }
  if (!capacities.empty()) out.ConsumedCapacity = std::move(capacities);
  if (!metrics.empty()) out.ItemCollectionMetrics = std::move(metrics);
  co_return out;
}

}  // namespace lambari::dynamodb
