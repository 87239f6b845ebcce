// The operations on single items, and on several at once.
#pragma once

#include "aws/dynamodb/types.h"
#include "services/dynamodb/plan.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {

// One write, done; for the answer.
struct Written {
  SharedTable table;
  ItemChange change;
  Consumed consumed;
};

// items.cc
// Throws ConditionalCheckFailedException, DuplicateItemException, and what a plan may throw.
async::Task<Written> write(Shared state, Plan plan);
// What ReturnValues asks for.
std::optional<WireItem> returned(const std::string& mode, const ItemChange& change, const lang::dynamodb::Update& update);
async::Task<aws::dynamodb::PutItemOutput> put_item(Shared state, wire::Call call, aws::dynamodb::PutItemInput request);
async::Task<aws::dynamodb::GetItemOutput> get_item(Shared state, wire::Call call, aws::dynamodb::GetItemInput request);
async::Task<aws::dynamodb::UpdateItemOutput> update_item(Shared state, wire::Call call, aws::dynamodb::UpdateItemInput request);
async::Task<aws::dynamodb::DeleteItemOutput> delete_item(Shared state, wire::Call call, aws::dynamodb::DeleteItemInput request);

// Of a table with local indexes, when ReturnItemCollectionMetrics is SIZE.
std::optional<aws::dynamodb::ItemCollectionMetrics> collection_metrics(const Table& table, const Item& item);

// query.cc
async::Task<aws::dynamodb::QueryOutput> query(Shared state, wire::Call call, aws::dynamodb::QueryInput request);
async::Task<aws::dynamodb::ScanOutput> scan(Shared state, wire::Call call, aws::dynamodb::ScanInput request);

// batch.cc
async::Task<aws::dynamodb::BatchGetItemOutput> batch_get(Shared state, wire::Call call, aws::dynamodb::BatchGetItemInput request);
async::Task<aws::dynamodb::BatchWriteItemOutput> batch_write(Shared state, wire::Call call,
                                                             aws::dynamodb::BatchWriteItemInput request);

// transact.cc
// A client's token: the row that remembers it, and what identifies its request. Empty: none was given.
struct Token {
  std::string key, digest;
};
// All plans or none. Throws TransactionCanceledException.
async::Task<std::vector<aws::dynamodb::ConsumedCapacity>> write_all(Shared state, std::vector<Plan> plans, Token token,
                                                                    std::optional<std::string> return_consumed);
async::Task<aws::dynamodb::TransactGetItemsOutput> transact_get(Shared state, wire::Call call,
                                                                aws::dynamodb::TransactGetItemsInput request);
async::Task<aws::dynamodb::TransactWriteItemsOutput> transact_write(Shared state, wire::Call call,
                                                                    aws::dynamodb::TransactWriteItemsInput request);

// partiql.cc
async::Task<aws::dynamodb::ExecuteStatementOutput> execute_statement(Shared state, wire::Call call,
                                                                     aws::dynamodb::ExecuteStatementInput request);
async::Task<aws::dynamodb::BatchExecuteStatementOutput> execute_batch(Shared state, wire::Call call,
                                                                      aws::dynamodb::BatchExecuteStatementInput request);
async::Task<aws::dynamodb::ExecuteTransactionOutput> execute_transaction(Shared state, wire::Call call,
                                                                         aws::dynamodb::ExecuteTransactionInput request);

}  // namespace lambari::dynamodb
