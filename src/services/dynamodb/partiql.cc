// ExecuteStatement, BatchExecuteStatement, ExecuteTransaction.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
#include <algorithm>

#include "base/bytes.h"
#include "lang/dynamodb_partiql.h"
#include "services/dynamodb/item_codec.h"
#include "services/dynamodb/items.h"
#include "services/dynamodb/keys.h"
#include "services/dynamodb/plan.h"
#include "services/dynamodb/read.h"
#include "services/dynamodb/schema.h"

namespace lambari::dynamodb {
namespace {

namespace api = aws::dynamodb;
using lang::dynamodb::Statement;
using ConditionKind = Condition::Kind;

constexpr std::size_t kMaxBatch = 25, kMaxTransaction = 100;

Statement parse(const std::string& text, const std::optional<std::vector<WireValue>>& parameters) {
  std::vector<Value> values;
  if (parameters) {
    for (const auto& parameter : *parameters) values.push_back(from_wire(parameter));
  }
  return in_words_of_aws([&] { return lang::dynamodb::parse_statement(text, values); });
}

std::string_view action_of(const Statement& statement) {
  switch (statement.kind) {
    case Statement::Kind::select: return "PartiQLSelect";
    case Statement::Kind::insert: return "PartiQLInsert";
    case Statement::Kind::update: return "PartiQLUpdate";
    default: return "PartiQLDelete";
  }
}

async::Task<> check_access(Shared state, wire::Call call, const std::vector<Statement>& statements) {
  std::vector<std::pair<std::string, std::string>> actions;
  for (const auto& statement : statements) actions.emplace_back(action_of(statement), statement.table);
  co_await dynamodb::check_access(state, call, std::move(actions));
}

// The conditions that must all hold.
std::vector<Condition> parts_of(const std::optional<Condition>& where) {
  if (!where) return {};
  if (where->kind != ConditionKind::all) return {*where};
  std::vector<Condition> out;
  for (const auto& child : where->children) {
    auto below = parts_of(child);
    out.insert(out.end(), std::make_move_iterator(below.begin()), std::make_move_iterator(below.end()));
  }
  return out;
}

std::optional<Condition> together(std::vector<Condition> parts) {
  if (parts.empty()) return std::nullopt;
  return Condition::of(ConditionKind::all, std::move(parts));
}

// A comparison of the attribute `name` with values only.
bool is_about(const Condition& part, const std::string& name) {
  const auto& children = part.children;
  return children.size() >= 2 && children[0].kind == ConditionKind::path && children[0].path == Path{name} &&
         std::all_of(children.begin() + 1, children.end(), [](const auto& child) { return child.kind == ConditionKind::value; });
}

// Takes `name = value` out of the parts.
std::optional<Value> take_equality(std::vector<Condition>& parts, const std::string& name) {
  const auto it = std::find_if(parts.begin(), parts.end(),
                               [&](const auto& part) { return part.kind == ConditionKind::equal && is_about(part, name); });
  if (it == parts.end()) return std::nullopt;
  auto value = it->children[1].value;
  parts.erase(it);
  return value;
}

bool may_bound(ConditionKind kind) {
  return kind == ConditionKind::equal || kind == ConditionKind::less || kind == ConditionKind::less_equal ||
         kind == ConditionKind::greater || kind == ConditionKind::greater_equal || kind == ConditionKind::between ||
         kind == ConditionKind::begins_with;
}

// An INSERT, UPDATE or DELETE as a plan; what UPDATE and DELETE say of the key becomes the key, the rest the condition.
Plan plan_of(const wire::Call& call, const Table& table, const Statement& statement, bool old_item_on_failure) {
  Plan plan;
  plan.table = table_key(call, statement.table);
  plan.old_item_on_failure = old_item_on_failure;
  const auto exists = [&](ConditionKind kind) {
    std::vector<Condition> child;
    child.push_back(Condition::of_path({table.key.hash}));
    return Condition::of(kind, std::move(child));
  };
  if (statement.kind == Statement::Kind::insert) {
    plan.kind = Plan::Kind::put;
    plan.item = statement.item;
    plan.insert = true;
    plan.condition = exists(ConditionKind::attribute_not_exists);
    return plan;
  }
  auto parts = parts_of(statement.where);
  const auto take = [&](const std::string& name) {
    auto value = take_equality(parts, name);
    if (!value) invalid("Where clause does not contain a mandatory equality on all key attributes");
    plan.item.emplace(name, std::move(*value));
  };
  take(table.key.hash);
  if (!table.key.range.empty()) take(table.key.range);
  if (statement.kind == Statement::Kind::update) {
    plan.kind = Plan::Kind::update;
    plan.update = statement.update;
    parts.push_back(exists(ConditionKind::attribute_exists));
  } else {
    plan.kind = Plan::Kind::erase;
  }
  plan.condition = together(std::move(parts));
  return plan;
}

// What a SELECT gives of an item: each path under its last name.
Item selected(const Item& item, const std::optional<std::vector<Path>>& paths) {
  if (!paths) return item;
  Item out;
  for (const auto& path : *paths) {
    const auto* value = find(item, path);
    if (value == nullptr) continue;
    const auto* name = std::get_if<std::string>(&path.back());
    out.insert_or_assign(name != nullptr ? *name : "_" + std::to_string(out.size() + 1), *value);
  }
  return out;
}

struct Selected {
  SharedTable table;
  Page page;
};

Selected select(State& state, const wire::Call& call, const Statement& statement, bool consistent, std::size_t limit,
                const std::optional<Item>& start) {
  const auto reader = state.store.read();
  Selected out;
  out.table = state.tables.need(*reader, table_key(call, statement.table));
  const auto& table = *out.table;
  const Index* index = nullptr;
  if (!statement.index.empty()) {
    index = table.index(statement.index);
    if (index == nullptr) invalid("The table does not have the specified index: " + statement.index);
    if (index->global && consistent) invalid("Consistent reads are not supported on global secondary indexes");
  }
  const auto& schema = index != nullptr ? index->key : table.key;
  auto parts = parts_of(statement.where);
  PageRequest request;
  request.consistent = consistent;
  request.limit = limit;
  if (auto hash = take_equality(parts, schema.hash); hash && name_of(hash->type()) == table.attributes.at(schema.hash)) {
    KeyCondition condition{std::move(*hash), {}, {}};
    const auto bound = std::find_if(parts.begin(), parts.end(), [&](const Condition& part) {
      return !schema.range.empty() && may_bound(part.kind) && is_about(part, schema.range) &&
             name_of(part.children[1].value.type()) == table.attributes.at(schema.range);
    });
    if (bound != parts.end()) {
      condition.kind = bound->kind;
      for (std::size_t i = 1; i < bound->children.size(); ++i) condition.values.push_back(bound->children[i].value);
      parts.erase(bound);
    }
    request.range = range_of(table, index, condition);
    request.row = row_of(table, index, condition);
  } else {
    if (!statement.order_by.empty()) {
      invalid("Must have WHERE clause in the statement when using ORDER BY clause.");
    }
    parts = parts_of(statement.where);
    request.range = segment_of(table, index, 0, 1);
  }
  if (statement.descending && statement.order_by == schema.range) request.order = store::Order::descending;
  if (start) request.range = after(table, index, request.range, request.order, *start);
  request.wanted.filter = together(std::move(parts));
  state.buckets.admit(table, Direction::read, index);
  out.page = read_page(*reader, table, index, request);
  state.committed(table, out.page.consumed, Direction::read);
  for (auto& item : out.page.items) item = selected(item, statement.paths);
  return out;
}

std::optional<Item> start_of(const std::optional<std::string>& token) {
  if (!token) return std::nullopt;
  const auto bytes = base::unbase64(*token);
  try {
    if (bytes) return decode_item(*bytes);
  } catch (const std::exception&) {  // not of our making
  }
  invalid("Given NextToken is not valid");
}

struct Ran {
  std::string table;
  std::vector<Item> items;  // selected, or returned by a write
  std::optional<Item> last_key;
  SharedTable described;
  Consumed consumed;
};

async::Task<Ran> run(Shared state, wire::Call call, Statement statement, bool consistent, std::size_t limit,
                     std::optional<Item> start, bool old_item_on_failure) {
  Ran out;
  out.table = statement.table;
  if (statement.kind == Statement::Kind::select) {
    auto found = select(*state, call, statement, consistent, limit, start);
    out.items = std::move(found.page.items);
    out.last_key = std::move(found.page.last_key);
    out.consumed = found.page.consumed;
    out.described = found.table;
    co_return out;
  }
  const auto table = state->tables.need(*state->store.read(), table_key(call, statement.table));
  auto plan = plan_of(call, *table, statement, old_item_on_failure);
  try {
    const auto written = co_await write(state, std::move(plan));
    out.consumed = written.consumed;
    out.described = written.table;
    const auto& item = statement.returning.ends_with("_OLD") ? written.change.before : written.change.after;
    if (!statement.returning.empty() && item) {
      out.items.push_back(statement.returning.starts_with("ALL_") ? *item : project(*item, statement.update.paths()));
    }
  } catch (const api::DuplicateItemException&) {
    if (!statement.or_nothing) throw;
    out.described = table;
  }
  co_return out;
}

// How a batch names what went wrong with one statement.
std::string code_of(const wire::Fault& fault) {
  if (fault.code() == "ValidationException") return "ValidationError";
  if (fault.code() == "ConditionalCheckFailedException") return "ConditionalCheckFailed";
  if (fault.code() == "DuplicateItemException") return "DuplicateItem";
  if (fault.code() == "ResourceNotFoundException") return "ResourceNotFound";
  if (fault.code() == "AccessDeniedException") return "AccessDenied";
  if (fault.code() == "ProvisionedThroughputExceededException") return "ProvisionedThroughputExceeded";
  return "InternalServerError";
}

}  // namespace

async::Task<api::ExecuteStatementOutput> execute_statement(Shared state, wire::Call call, api::ExecuteStatementInput request) {
  if (request.Limit && *request.Limit < 1) {
    violated("'" + std::to_string(*request.Limit) + "'", "limit", "Member must have value greater than or equal to 1");
  }
  std::vector<Statement> one{parse(request.Statement, request.Parameters)};
  co_await check_access(state, call, one);
  auto ran = co_await run(state, call, std::move(one[0]), request.ConsistentRead.value_or(false),
                          static_cast<std::size_t>(request.Limit.value_or(0)), start_of(request.NextToken),
                          request.ReturnValuesOnConditionCheckFailure == "ALL_OLD");
  api::ExecuteStatementOutput out;
  auto& items = out.Items.emplace();
  for (const auto& item : ran.items) items.push_back(to_wire(item));
  if (ran.last_key) {
    out.NextToken = base::base64(encode(*ran.last_key));
    out.LastEvaluatedKey = to_wire(*ran.last_key);
  }
  out.ConsumedCapacity = report(request.ReturnConsumedCapacity, *ran.described, ran.consumed);
  co_return out;
}

async::Task<api::BatchExecuteStatementOutput> execute_batch(Shared state, wire::Call call,
                                                            api::BatchExecuteStatementInput request) {
  if (request.Statements.empty() || request.Statements.size() > kMaxBatch) {
    violated("'[" + std::to_string(request.Statements.size()) + " statements]'", "statements",
             request.Statements.empty() ? "Member must have length greater than or equal to 1"
                                        : "Member must have length less than or equal to 25");
  }
  std::vector<std::optional<Statement>> statements;
  std::vector<std::optional<wire::Fault>> faults;
  std::size_t selects = 0, good = 0;
  for (const auto& given : request.Statements) {
    statements.emplace_back();
    faults.emplace_back();
    try {
      statements.back() = parse(given.Statement, given.Parameters);
      ++good;
      selects += statements.back()->kind == Statement::Kind::select;
    } catch (const wire::Fault& fault) {
      faults.back() = fault;
    }
  }
  if (selects != 0 && selects != good) invalid("Batch statements must be either all reads or all writes.");
  api::BatchExecuteStatementOutput out;
  auto& responses = out.Responses.emplace();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    auto& response = responses.emplace_back();
    const auto& given = request.Statements[i];
    if (statements[i]) {
      response.TableName = statements[i]->table;
      try {
        const std::vector<Statement> alone{*statements[i]};
        co_await check_access(state, call, alone);
        auto ran = co_await run(state, call, std::move(*statements[i]), given.ConsistentRead.value_or(false), 0, std::nullopt,
                                given.ReturnValuesOnConditionCheckFailure == "ALL_OLD");
        if (!ran.items.empty()) response.Item = to_wire(ran.items[0]);
        if (auto capacity = report(request.ReturnConsumedCapacity, *ran.described, ran.consumed)) {
          if (!out.ConsumedCapacity) out.ConsumedCapacity.emplace();
          out.ConsumedCapacity->push_back(std::move(*capacity));
        }
      } catch (const wire::Fault& fault) {
        faults[i] = fault;
      }
    }
    if (!faults[i]) continue;
    auto& error = response.Error.emplace();
    error.Code = code_of(*faults[i]);
    error.Message = faults[i]->message();
  }
  co_return out;
}

async::Task<api::ExecuteTransactionOutput> execute_transaction(Shared state, wire::Call call,
                                                               api::ExecuteTransactionInput request) {
  if (request.TransactStatements.size() > kMaxTransaction) invalid("Member must have length less than or equal to 100");
  std::vector<Statement> statements;
  std::size_t selects = 0;
  for (const auto& given : request.TransactStatements) {
    statements.push_back(parse(given.Statement, given.Parameters));
    selects += statements.back().kind == Statement::Kind::select;
  }
  if (selects != 0 && selects != statements.size()) {
    invalid("Transaction statements must be either all reads or all writes.");
  }
  co_await check_access(state, call, statements);
  api::ExecuteTransactionOutput out;
  auto& responses = out.Responses.emplace();
  std::vector<api::ConsumedCapacity> capacities;
  if (selects != 0) {
    for (const auto& statement : statements) {
      auto found = select(*state, call, statement, true, 0, std::nullopt);
      auto& response = responses.emplace_back();
      if (!found.page.items.empty()) response.Item = to_wire(found.page.items[0]);
      if (auto capacity = report(request.ReturnConsumedCapacity, *found.table, found.page.consumed, Direction::read)) {
        capacities.push_back(std::move(*capacity));
      }
    }
  } else {
    std::vector<Plan> plans;
    std::string all;
    {
      const auto reader = state->store.read();
      for (std::size_t i = 0; i < statements.size(); ++i) {
        const auto& given = request.TransactStatements[i];
        const auto table = state->tables.need(*reader, table_key(call, statements[i].table));
        plans.push_back(plan_of(call, *table, statements[i], given.ReturnValuesOnConditionCheckFailure == "ALL_OLD"));
        all += given.Statement + '\0' + encode(plans.back().item) + '\0';
      }
    }
    Token token;
    if (request.ClientRequestToken) {
      token = {keys::token(call.account, call.region, *request.ClientRequestToken), base::hex(base::sha256(all))};
    }
    responses.resize(plans.size());
    capacities = co_await write_all(state, std::move(plans), std::move(token), request.ReturnConsumedCapacity);
  }
  if (!capacities.empty()) out.ConsumedCapacity = std::move(capacities);
  co_return out;
}

}  // namespace lambari::dynamodb
