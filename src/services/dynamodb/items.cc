// PutItem, GetItem, UpdateItem, DeleteItem.
#include "services/dynamodb/items.h"

#include <algorithm>
#include <set>

#include "lang/dynamodb_projection.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/plan.h"
#include "services/dynamodb/schema.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

void check_return_values(const std::optional<std::string>& given, const std::set<std::string>& allowed) {
  if (given && !allowed.contains(*given)) invalid("Return values set to invalid value");
}

template <class Request>
Plan plan_of(Plan::Kind kind, const wire::Call& call, const Request& request) {
  Plan plan;
  plan.kind = kind;
  plan.table = table_key(call, request.TableName);
  plan.old_item_on_failure = request.ReturnValuesOnConditionCheckFailure == "ALL_OLD";
  return plan;
}

template <class Request>
void read_expected(Plan& plan, const Request& request) {
  if (request.Expected) {
    plan.condition = from_expected(*request.Expected, request.ConditionalOperator);
  } else if (request.ConditionalOperator) {
    invalid("ConditionalOperator cannot be used without Filter or Expected");
  }
}

template <class Output, class Request>
Output answer(const Request& request, const Written& written) {
  Output out;
  out.ConsumedCapacity = report(request.ReturnConsumedCapacity, *written.table, written.consumed);
  if (request.ReturnItemCollectionMetrics == "SIZE") {
    out.ItemCollectionMetrics = collection_metrics(*written.table, written.change.after    ? *written.change.after
                                                                   : written.change.before ? *written.change.before
                                                                                           : Item{});
  }
  return out;
}

}  // namespace

std::optional<api::ItemCollectionMetrics> collection_metrics(const Table& table, const Item& item) {
  const auto has_local = std::any_of(table.indexes.begin(), table.indexes.end(), [](const auto& index) { return !index.global; });
  const auto hash = item.find(table.key.hash);
  if (!has_local || hash == item.end()) return std::nullopt;
  api::ItemCollectionMetrics out;
  out.ItemCollectionKey = WireItem{{table.key.hash, to_wire(hash->second)}};
  out.SizeEstimateRangeGB = std::vector<double>{0.0, 1.0};
  return out;
}

void State::committed(const Table& table, const Consumed& consumed, Direction direction) {
  buckets.charge(table, direction, consumed);
  // Halves of units, so that eventually consistent reads count whole.
  meter.count("dynamodb", direction == Direction::read ? "ReadRequestHalfUnits" : "WriteRequestHalfUnits", table.arn(),
              static_cast<std::uint64_t>(consumed.total() * 2));
  if (direction == Direction::write && table.stream() != nullptr) news.tell(table.id);
}

std::optional<WireItem> returned(const std::string& mode, const ItemChange& change, const lang::dynamodb::Update& update) {
  const auto& item = mode.ends_with("_OLD") ? change.before : change.after;
  if (!item || mode == "NONE") return std::nullopt;
  if (mode.starts_with("ALL_")) return to_wire(*item);
  auto part = project(*item, update.paths());
  if (part.empty()) return std::nullopt;
  return to_wire(part);
}

async::Task<Written> write(Shared state, Plan plan) {
  Sequence::Ticket ticket(state->sequence);
  auto written = co_await [&]() -> async::Task<Written> {
    try {
      co_return co_await state->store.transact([&](store::Transaction& t) {
        ticket.restart();
        Written out;
        out.table = state->tables.need(t, plan.table);
        out.change = load_item(t, key_of(plan, *out.table));
        state->buckets.admit(*out.table, Direction::write);
        decide(plan, *out.table, out.change);
        out.consumed = write_item(t, *out.table, out.change, ticket, state->now());
        return out;
      });
    } catch (const ConditionFailed& failed) {
      if (plan.insert) throw api::DuplicateItemException("Duplicate primary key exists in table");
      api::ConditionalCheckFailedException fault("The conditional request failed");
      if (failed.item) fault.fields.Item = to_wire(*failed.item);
      throw fault;
    }
  }();
  state->committed(*written.table, written.consumed, Direction::write);
  state->sizes.grow(written.table->id, written.change.growth);
  co_return written;
}

async::Task<api::PutItemOutput> put_item(Shared state, wire::Call call, api::PutItemInput request) {
  auto plan = plan_of(Plan::Kind::put, call, request);
  check_not_mixed({{"Expected", request.Expected.has_value()}, {"ConditionalOperator", request.ConditionalOperator.has_value()}},
                  {{"ConditionExpression", request.ConditionExpression.has_value()}});
  check_return_values(request.ReturnValues, {"NONE", "ALL_OLD"});
  plan.item = from_wire(request.Item);
  read_expressions(plan, {{}, request.ConditionExpression, request.ExpressionAttributeNames, request.ExpressionAttributeValues},
                   false);
  read_expected(plan, request);
  const auto written = co_await write(state, std::move(plan));
  auto out = answer<api::PutItemOutput>(request, written);
  out.Attributes = returned(request.ReturnValues.value_or("NONE"), written.change, {});
  co_return out;
}

async::Task<api::DeleteItemOutput> delete_item(Shared state, wire::Call call, api::DeleteItemInput request) {
  auto plan = plan_of(Plan::Kind::erase, call, request);
  check_not_mixed({{"Expected", request.Expected.has_value()}, {"ConditionalOperator", request.ConditionalOperator.has_value()}},
                  {{"ConditionExpression", request.ConditionExpression.has_value()}});
  check_return_values(request.ReturnValues, {"NONE", "ALL_OLD"});
  plan.item = from_wire(request.Key);
  read_expressions(plan, {{}, request.ConditionExpression, request.ExpressionAttributeNames, request.ExpressionAttributeValues},
                   false);
  read_expected(plan, request);
  const auto written = co_await write(state, std::move(plan));
  auto out = answer<api::DeleteItemOutput>(request, written);
  out.Attributes = returned(request.ReturnValues.value_or("NONE"), written.change, {});
  co_return out;
}

async::Task<api::UpdateItemOutput> update_item(Shared state, wire::Call call, api::UpdateItemInput request) {
  auto plan = plan_of(Plan::Kind::update, call, request);
  check_not_mixed({{"AttributeUpdates", request.AttributeUpdates.has_value()},
                   {"Expected", request.Expected.has_value()},
                   {"ConditionalOperator", request.ConditionalOperator.has_value()}},
                  {{"UpdateExpression", request.UpdateExpression.has_value()},
                   {"ConditionExpression", request.ConditionExpression.has_value()}});
  check_return_values(request.ReturnValues, {"NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"});
  plan.item = from_wire(request.Key);
  read_expressions(plan,
                   {request.UpdateExpression, request.ConditionExpression, request.ExpressionAttributeNames,
                    request.ExpressionAttributeValues},
                   true);
  read_expected(plan, request);
  if (request.AttributeUpdates) plan.update = from_attribute_updates(*request.AttributeUpdates);
  const auto update = plan.update;
  const auto written = co_await write(state, std::move(plan));
  auto out = answer<api::UpdateItemOutput>(request, written);
  out.Attributes = returned(request.ReturnValues.value_or("NONE"), written.change, update);
  co_return out;
}

async::Task<api::GetItemOutput> get_item(Shared state, wire::Call call, api::GetItemInput request) {
  check_not_mixed({{"AttributesToGet", request.AttributesToGet.has_value()}},
                  {{"ProjectionExpression", request.ProjectionExpression.has_value()}});
  const auto key = from_wire(request.Key);
  auto used = placeholders(request.ExpressionAttributeNames, std::nullopt, request.ProjectionExpression.has_value(), "");
  std::optional<std::vector<Path>> paths;
  in_words_of_aws([&] {
    if (request.ProjectionExpression) paths = lang::dynamodb::parse_projection(*request.ProjectionExpression, used);
  });
  check_used(used);
  if (request.AttributesToGet) paths = from_attributes_to_get(*request.AttributesToGet);

  const auto reader = state->store.read();
  const auto table = state->tables.need(*reader, table_key(call, request.TableName));
  const auto row_key = key_of_request(*table, key);
  state->buckets.admit(*table, Direction::read);
  const auto row = reader->get(row_key);
  api::GetItemOutput out;
  Consumed consumed;
  std::size_t size = 0;
  if (row) {
    auto item = decode_item(*row);
    size = size_of(item);
    out.Item = to_wire(paths ? project(item, *paths) : item);
  }
  consumed.table = read_units(size, request.ConsistentRead.value_or(false));
  state->committed(*table, consumed, Direction::read);
  out.ConsumedCapacity = report(request.ReturnConsumedCapacity, *table, consumed);
  co_return out;
}

}  // namespace lambari::dynamodb
