// TransactGetItems and TransactWriteItems.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "lang/dynamodb_projection.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/items.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/plan.h"
#include "services/dynamodb/schema.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;

constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;   // of all items of a transaction
constexpr std::int64_t kTokenLife = 10 * 60 * 1000;  // ms
constexpr double kPerItem = 2;                       // a transaction prepares and commits

template <class Part>
Plan plan_of(Plan::Kind kind, const wire::Call& call, const Part& part, const WireItem& item) {
  Plan plan;
  plan.kind = kind;
  plan.table = table_key(call, part.TableName);
  plan.item = from_wire(item);
  plan.old_item_on_failure = part.ReturnValuesOnConditionCheckFailure == "ALL_OLD";
  WriteExpressions expressions{{}, {}, part.ExpressionAttributeNames, part.ExpressionAttributeValues};
  expressions.condition = part.ConditionExpression;
  if constexpr (requires { part.UpdateExpression; }) expressions.update = part.UpdateExpression;
  read_expressions(plan, expressions, kind == Plan::Kind::update);
  return plan;
}

Plan plan_of(const wire::Call& call, const api::TransactWriteItem& item) {
  if (item.Put.has_value() + item.Update.has_value() + item.Delete.has_value() + item.ConditionCheck.has_value() != 1) {
    invalid("TransactItems can only contain one of Check, Put, Update or Delete");
  }
  if (item.Put) return plan_of(Plan::Kind::put, call, *item.Put, item.Put->Item);
  if (item.Update) return plan_of(Plan::Kind::update, call, *item.Update, item.Update->Key);
  if (item.Delete) return plan_of(Plan::Kind::erase, call, *item.Delete, item.Delete->Key);
  return plan_of(Plan::Kind::check, call, *item.ConditionCheck, item.ConditionCheck->Key);
}

// Throws when one of them has a code.
void cancel_if_any(const std::vector<api::CancellationReason>& reasons) {
  if (std::none_of(reasons.begin(), reasons.end(), [](const auto& reason) { return reason.Code.has_value(); })) return;
  std::string codes;
  auto told = reasons;
  for (auto& reason : told) {
    if (!reason.Code) reason.Code = "None";
    codes += (codes.empty() ? "" : ", ") + *reason.Code;
  }
  api::TransactionCanceledException fault("Transaction cancelled, please refer cancellation reasons for specific reasons [" +
                                          codes + "]");
  fault.fields.CancellationReasons = std::move(told);
  throw fault;
}

// What `work` gives; what is invalid about one item becomes a reason, and the answer is empty.
std::string checked(api::CancellationReason& reason, auto&& work) {
  try {
    return work();
  } catch (const wire::Fault& fault) {
    if (fault.code() != "ValidationException") throw;
    reason.Code = "ValidationError";
    reason.Message = fault.message();
    return {};
  }
}

struct Done {
  std::vector<SharedTable> tables;
  std::vector<Consumed> consumed;
  std::vector<Growth> growth;
  bool repeated = false;  // the token is known: nothing was written again
};

// What identifies a request beside its token.
std::string digest_of(const api::TransactWriteItemsInput& request, const std::vector<Plan>& plans) {
  std::string all;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto& item = request.TransactItems[i];
    all += static_cast<char>('0' + static_cast<int>(plans[i].kind));
    all += plans[i].table.name + '\0' + encode(plans[i].item) + '\0';
    const auto add = [&](const auto& part) {
      if constexpr (requires { part.UpdateExpression; }) all += part.UpdateExpression + '\0';
      if constexpr (requires { part.ConditionExpression.value_or(""); }) {
        all += part.ConditionExpression.value_or("") + '\0';
      } else {
        all += part.ConditionExpression + '\0';
      }
      if (part.ExpressionAttributeNames) {
        for (const auto& [name, attribute] : *part.ExpressionAttributeNames) all += name + '=' + attribute + '\0';
      }
      if (part.ExpressionAttributeValues) all += encode(from_wire(*part.ExpressionAttributeValues));
    };
    if (item.Put) add(*item.Put);
    if (item.Update) add(*item.Update);
    if (item.Delete) add(*item.Delete);
    if (item.ConditionCheck) add(*item.ConditionCheck);
  }
  return base::hex(base::sha256(all));
}

// True when the same request was done under this token a short while ago.
bool known_token(store::Transaction& t, const std::string& key, const std::string& digest, std::int64_t now) {
  const auto row = t.get(key);
  if (!row) return false;
  const auto value = base::parse_json(*row);
  const auto& object = value.value().as_object();
  if (object.at("time").to_number<std::int64_t>() + kTokenLife < now) return false;
  if (object.at("digest").as_string() != digest) {
    throw api::IdempotentParameterMismatchException(
        "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with "
        "different "
        "requests, unless the requests are identical");
  }
  return true;
}

}  // namespace

async::Task<std::vector<api::ConsumedCapacity>> write_all(Shared state, std::vector<Plan> plans, Token token,
                                                          std::optional<std::string> return_consumed) {
  Sequence::Ticket ticket(state->sequence);
  const auto done = co_await state->store.transact([&](store::Transaction& t) {
    ticket.restart();
    const auto now = state->now();
    Done out;
    std::vector<std::string> rows;
    std::set<std::string> seen;
    std::vector<api::CancellationReason> reasons(plans.size());
    for (std::size_t i = 0; i < plans.size(); ++i) {
      out.tables.push_back(state->tables.need(t, plans[i].table));
      rows.push_back(checked(reasons[i], [&] { return key_of(plans[i], *out.tables.back()); }));
      if (!seen.insert(rows.back()).second && !rows.back().empty()) {
        invalid("Transaction request cannot include multiple operations on one item");
      }
    }
    cancel_if_any(reasons);
    out.consumed.resize(plans.size());
    out.growth.resize(plans.size());
    if (!token.key.empty() && known_token(t, token.key, token.digest, now.ms)) {
      out.repeated = true;
      return out;
    }
    // All are decided before the first is written.
    std::vector<ItemChange> changes;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      changes.push_back(load_item(t, rows[i]));
      const auto refuse = [&](std::string code, std::string message) {
        reasons[i].Code = std::move(code);
        reasons[i].Message = std::move(message);
      };
      try {
        if (!state->buckets.has_room(*out.tables[i], Direction::write)) {
          refuse("ThrottlingError", "Throughput exceeds the current capacity of your table or index.");
          continue;
        }
        decide(plans[i], *out.tables[i], changes[i]);
        if (changes[i].after && plans[i].kind != Plan::Kind::check) bytes += size_of(*changes[i].after);
      } catch (const ConditionFailed& failed) {
        if (plans[i].insert) {
          refuse("DuplicateItem", "Duplicate primary key exists in table");
        } else {
          refuse("ConditionalCheckFailed", "The conditional request failed");
        }
        if (failed.item) reasons[i].Item = to_wire(*failed.item);
      } catch (const wire::Fault& fault) {
        refuse("ValidationError", fault.message());
      }
    }
    cancel_if_any(reasons);
    if (bytes > kMaxBytes) invalid("Collection size of all items in the transaction request cannot exceed 4MB");
    for (std::size_t i = 0; i < plans.size(); ++i) {
      if (plans[i].kind == Plan::Kind::check) {
        out.consumed[i].table = write_units(changes[i].before ? size_of(*changes[i].before) : 0);
        continue;
      }
      out.consumed[i] = write_item(t, *out.tables[i], changes[i], ticket, now);
      out.growth[i] = std::move(changes[i].growth);
    }
    if (!token.key.empty()) t.put(token.key, base::to_json(base::json::object{{"time", now.ms}, {"digest", token.digest}}));
    return out;
  });

  std::map<std::uint64_t, std::pair<SharedTable, Consumed>> by_table;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto& [table, consumed] = by_table[done.tables[i]->id];
    table = done.tables[i];
    auto twice = done.consumed[i];
    twice.table = (done.repeated ? 1 : twice.table) * kPerItem;
    for (auto* indexes : {&twice.local, &twice.global})
      for (auto& [name, units] : *indexes) units *= kPerItem;
    consumed.add(twice);
    state->sizes.grow(table->id, done.growth[i]);
  }
  std::vector<api::ConsumedCapacity> capacities;
  for (const auto& [id, taken] : by_table) {
    const auto direction = done.repeated ? Direction::read : Direction::write;
    state->committed(*taken.first, taken.second, direction);
    if (auto capacity = report(return_consumed, *taken.first, taken.second, direction))
      capacities.push_back(std::move(*capacity));
  }
  co_return capacities;
}

async::Task<api::TransactWriteItemsOutput> transact_write(Shared state, wire::Call call, api::TransactWriteItemsInput request) {
  std::vector<Plan> plans;
  for (const auto& item : request.TransactItems) plans.push_back(plan_of(call, item));
  Token token;
  if (request.ClientRequestToken) {
    token = {keys::token(call.account, call.region, *request.ClientRequestToken), digest_of(request, plans)};
  }
  auto capacities = co_await write_all(state, std::move(plans), std::move(token), request.ReturnConsumedCapacity);
  api::TransactWriteItemsOutput out;
  if (!capacities.empty()) out.ConsumedCapacity = std::move(capacities);
  co_return out;
}

async::Task<api::TransactGetItemsOutput> transact_get(Shared state, wire::Call call, api::TransactGetItemsInput request) {
  struct One {
    TableKey table;
    Item key;
    std::optional<std::vector<Path>> paths;
  };
  std::vector<One> all;
  for (const auto& item : request.TransactItems) {
    const auto& get = item.Get;
    One one{table_key(call, get.TableName), from_wire(get.Key), {}};
    auto used = placeholders(get.ExpressionAttributeNames, std::nullopt, get.ProjectionExpression.has_value(), "");
    in_words_of_aws([&] {
      if (get.ProjectionExpression) one.paths = lang::dynamodb::parse_projection(*get.ProjectionExpression, used);
    });
    check_used(used);
    all.push_back(std::move(one));
  }
  const auto reader = state->store.read();  // one moment for all of them
  std::vector<SharedTable> tables;
  std::vector<std::string> rows;
  std::set<std::string> seen;
  std::vector<api::CancellationReason> reasons(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    tables.push_back(state->tables.need(*reader, all[i].table));
    rows.push_back(checked(reasons[i], [&] { return key_of_request(*tables.back(), all[i].key); }));
    if (!seen.insert(rows.back()).second && !rows.back().empty()) {
      invalid("Transaction request cannot include multiple operations on one item");
    }
    state->buckets.admit(*tables.back(), Direction::read);
  }
  cancel_if_any(reasons);
  api::TransactGetItemsOutput out;
  auto& responses = out.Responses.emplace();
  std::map<std::uint64_t, std::pair<SharedTable, Consumed>> by_table;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& response = responses.emplace_back();
    std::size_t size = 0;
    if (const auto row = reader->get(rows[i])) {
      auto item = decode_item(*row);
      size = size_of(item);
      if (all[i].paths) item = project(item, *all[i].paths);
      response.Item = to_wire(item);
    }
    bytes += size;
    auto& [table, consumed] = by_table[tables[i]->id];
    table = tables[i];
    consumed.table += read_units(size, true) * kPerItem;
  }
  if (bytes > kMaxBytes) invalid("Collection size of all items in the transaction request cannot exceed 4MB");
  for (const auto& [id, taken] : by_table) {
    state->committed(*taken.first, taken.second, Direction::read);
    if (auto capacity = report(request.ReturnConsumedCapacity, *taken.first, taken.second, Direction::read)) {
      if (!out.ConsumedCapacity) out.ConsumedCapacity.emplace();
      out.ConsumedCapacity->push_back(std::move(*capacity));
    }
  }
  co_return out;
}

}  // namespace lambari::dynamodb
