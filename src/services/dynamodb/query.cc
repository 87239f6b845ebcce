// Query and Scan.
#include <algorithm>

#include "lang/dynamodb_projection.h"
#include "services/dynamodb/items.h"
#include "services/dynamodb/plan.h"
#include "services/dynamodb/read.h"
#include "services/dynamodb/schema.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

const Index* index_of(const Table& table, const std::optional<std::string>& name, bool consistent) {
  if (!name) return nullptr;
  const auto* index = table.index(*name);
  if (index == nullptr) invalid("The table does not have the specified index: " + *name);
  if (index->global && consistent) invalid("Consistent reads are not supported on global secondary indexes");
  if (index->status == "CREATING") invalid("Cannot read from backfilling global secondary index: " + *name);
  if (index->status == "DELETING") invalid("The table does not have the specified index: " + *name);
  return index;
}

// Expressions and their older forms, read; what needs the table comes later.
struct Reading {
  std::optional<std::vector<Path>> paths;
  std::optional<Condition> filter, keys;
};

template <class Request>
Reading read(const Request& request, const std::optional<std::string>& key_condition) {
  Reading out;
  auto used = placeholders(request.ExpressionAttributeNames, request.ExpressionAttributeValues,
                           request.FilterExpression || request.ProjectionExpression || key_condition, "FilterExpression is null",
                           request.FilterExpression || key_condition);
  in_words_of_aws([&] {
    if (request.ProjectionExpression) out.paths = lang::dynamodb::parse_projection(*request.ProjectionExpression, used);
    if (request.FilterExpression)
      out.filter = lang::dynamodb::parse_condition("FilterExpression", *request.FilterExpression, used);
    if (key_condition) out.keys = lang::dynamodb::parse_condition("KeyConditionExpression", *key_condition, used);
  });
  check_used(used);
  if (request.AttributesToGet) out.paths = from_attributes_to_get(*request.AttributesToGet);
  return out;
}

template <class Request>
Wanted wanted_of(const Request& request, const Table& table, const Index* index, Reading& reading) {
  const auto& select = request.Select;
  Wanted out;
  const bool specific = reading.paths.has_value();
  if (select == "SPECIFIC_ATTRIBUTES" && !specific) {
    invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  }
  if (select && *select != "SPECIFIC_ATTRIBUTES" && specific) {
    const auto* parameter = request.ProjectionExpression ? "ProjectionExpression" : "AttributesToGet";
    invalid("Cannot specify the " + std::string(parameter) + " when choosing to get " +
            (*select == "COUNT"            ? "only the Count"
             : *select == "ALL_ATTRIBUTES" ? "ALL_ATTRIBUTES"
                                           : "ALL_PROJECTED_ATTRIBUTES"));
  }
  if (select == "ALL_PROJECTED_ATTRIBUTES" && index == nullptr) {
    invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  }
  if (select == "ALL_ATTRIBUTES" && index != nullptr && index->global && index->projection != "ALL") {
    invalid_values("Select type ALL_ATTRIBUTES is not supported for global secondary index " + index->name +
                   " because its projection type is not ALL");
  }
  out.items = select != "COUNT";
  out.paths = std::move(reading.paths);
  out.filter = std::move(reading.filter);
  if (index != nullptr && index->projection != "ALL") {
    const auto projected = [&](const Path& path) {
      const auto& name = std::get<std::string>(path.front());
      return table.key.has(name) || index->key.has(name) ||
             std::find(index->include.begin(), index->include.end(), name) != index->include.end();
    };
    const bool all_projected = !out.paths || std::all_of(out.paths->begin(), out.paths->end(), projected);
    if (index->global && !all_projected) {
      invalid_values("One or more attributes requested are not projected into the global secondary index " + index->name);
    }
    out.whole = !index->global && (select == "ALL_ATTRIBUTES" || !all_projected);
  }
  return out;
}

template <class Output, class Request>
Output answer(const Request& request, const Table& table, Page page) {
  Output out;
  out.Count = static_cast<std::int32_t>(page.count);
  out.ScannedCount = static_cast<std::int32_t>(page.scanned);
  if (request.Select != "COUNT") {
    auto& items = out.Items.emplace();
    items.reserve(page.items.size());
    for (const auto& item : page.items) items.push_back(to_wire(item));
  }
  if (page.last_key) out.LastEvaluatedKey = to_wire(*page.last_key);
  out.ConsumedCapacity = report(request.ReturnConsumedCapacity, table, page.consumed);
  return out;
}

// The page that a request asks for; `page` has its range, order and consistency already.
template <class Output, class Request>
Output read_and_answer(State& state, store::Reader& reader, const Request& request, const Table& table, const Index* index,
                       PageRequest page, Reading& reading, const std::optional<Item>& start) {
  if (start) page.range = after(table, index, page.range, page.order, *start);
  page.limit = static_cast<std::size_t>(request.Limit.value_or(0));
  page.wanted = wanted_of(request, table, index, reading);
  state.buckets.admit(table, Direction::read, index);
  auto result = read_page(reader, table, index, page);
  state.committed(table, result.consumed, Direction::read);
  return answer<Output>(request, table, std::move(result));
}

}  // namespace

async::Task<api::QueryOutput> query(Shared state, wire::Call call, api::QueryInput request) {
  if (request.Limit && *request.Limit < 1) {  // in words of its own
    invalid(
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or "
        "equal to 1");
  }
  check_not_mixed({{"AttributesToGet", request.AttributesToGet.has_value()},
                   {"QueryFilter", request.QueryFilter.has_value()},
                   {"ConditionalOperator", request.ConditionalOperator.has_value()},
                   {"KeyConditions", request.KeyConditions.has_value()}},
                  {{"ProjectionExpression", request.ProjectionExpression.has_value()},
                   {"FilterExpression", request.FilterExpression.has_value()},
                   {"KeyConditionExpression", request.KeyConditionExpression.has_value()}});
  if (!request.KeyConditions && !request.KeyConditionExpression) {
    invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  }
  auto reading = read(request, request.KeyConditionExpression);
  if (request.KeyConditions) reading.keys = from_conditions(*request.KeyConditions, std::nullopt);
  if (request.QueryFilter) {
    reading.filter = from_conditions(*request.QueryFilter, request.ConditionalOperator);
  }
  if (!reading.keys) invalid("Conditions can be of length 1 or 2 only");
  std::optional<Item> start;
  if (request.ExclusiveStartKey) start = from_wire(*request.ExclusiveStartKey);

  const auto reader = state->store.read();
  const auto table = state->tables.need(*reader, table_key(call, request.TableName));
  const bool consistent = request.ConsistentRead.value_or(false);
  const auto* index = index_of(*table, request.IndexName, consistent);
  const auto& schema = index != nullptr ? index->key : table->key;
  const auto condition = key_condition(*reading.keys, schema, table->attributes);
  if (reading.filter) {
    for (const auto& path : paths_of(*reading.filter)) {
      const auto& name = std::get<std::string>(path.front());
      if (!schema.has(name)) continue;
      invalid(request.FilterExpression
                  ? "Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name
                  : "QueryFilter can only contain non-primary key attributes: Primary key attribute: " + name);
    }
  }
  PageRequest page;
  page.order = request.ScanIndexForward.value_or(true) ? store::Order::ascending : store::Order::descending;
  page.consistent = consistent;
  page.range = range_of(*table, index, condition);
  page.row = row_of(*table, index, condition);
  co_return read_and_answer<api::QueryOutput>(*state, *reader, request, *table, index, std::move(page), reading, start);
}

async::Task<api::ScanOutput> scan(Shared state, wire::Call call, api::ScanInput request) {
  if (request.Limit && *request.Limit < 1) {
    violated("'" + std::to_string(*request.Limit) + "'", "limit", "Member must have value greater than or equal to 1");
  }
  check_not_mixed({{"AttributesToGet", request.AttributesToGet.has_value()},
                   {"ScanFilter", request.ScanFilter.has_value()},
                   {"ConditionalOperator", request.ConditionalOperator.has_value()}},
                  {{"ProjectionExpression", request.ProjectionExpression.has_value()},
                   {"FilterExpression", request.FilterExpression.has_value()}});
  if (request.TotalSegments && !request.Segment) {
    invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
  }
  if (request.Segment && !request.TotalSegments) {
    invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
  }
  if (request.Segment && *request.Segment >= *request.TotalSegments) {
    invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: " +
            std::to_string(*request.Segment) + " is not less than TotalSegments: " + std::to_string(*request.TotalSegments));
  }
  auto reading = read(request, std::nullopt);
  if (request.ScanFilter) reading.filter = from_conditions(*request.ScanFilter, request.ConditionalOperator);
  std::optional<Item> start;
  if (request.ExclusiveStartKey) start = from_wire(*request.ExclusiveStartKey);

  const auto reader = state->store.read();
  const auto table = state->tables.need(*reader, table_key(call, request.TableName));
  const bool consistent = request.ConsistentRead.value_or(false);
  const auto* index = index_of(*table, request.IndexName, consistent);
  PageRequest page;
  page.consistent = consistent;
  page.range = segment_of(*table, index, static_cast<std::uint64_t>(request.Segment.value_or(0)),
                          static_cast<std::uint64_t>(request.TotalSegments.value_or(1)));
  co_return read_and_answer<api::ScanOutput>(*state, *reader, request, *table, index, std::move(page), reading, start);
}

}  // namespace lambari::dynamodb
