// Amazon DynamoDB: tables, items, indexes and transactions; streams.h has the streams.
//   https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
#pragma once

#include <memory>

#include "async/loops.h"
#include "aws/dynamodb/api.h"
#include "base/clock.h"
#include "contracts/authorizer.h"
#include "contracts/meter.h"
#include "contracts/room.h"
#include "contracts/stream_source.h"
#include "store/store.h"

namespace lambari::dynamodb {

struct Dependencies {
  async::Loops& loops;  // the settler and the sweeper run here, from start() to stop()
  base::Clock& clock;
  store::Store& store;
  contracts::Authorizer& authorizer;  // for calls that touch several tables
  contracts::Meter& meter;
};

struct State;
class Streams;

// Thread-safe.
class DynamoDb final : public aws::dynamodb::AbstractService, public contracts::Room {
 public:
  explicit DynamoDb(Dependencies dependencies);
  ~DynamoDb() override;
  DynamoDb(const DynamoDb&) = delete;

  wire::Service& streams_api();
  contracts::StreamSource& stream_source();

  // contracts::Room
  std::string_view name() const override { return "dynamodb"; }
  async::Task<> start() override;
  async::Task<> stop() override;
  async::Task<> nuke() override;

  // wire::Service
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  // aws::dynamodb::AbstractService
  async::Task<aws::dynamodb::CreateTableOutput> CreateTable(const wire::Call& call,
                                                            aws::dynamodb::CreateTableInput request) override;
  async::Task<aws::dynamodb::DescribeTableOutput> DescribeTable(const wire::Call& call,
                                                                aws::dynamodb::DescribeTableInput request) override;
  async::Task<aws::dynamodb::UpdateTableOutput> UpdateTable(const wire::Call& call,
                                                            aws::dynamodb::UpdateTableInput request) override;
  async::Task<aws::dynamodb::DeleteTableOutput> DeleteTable(const wire::Call& call,
                                                            aws::dynamodb::DeleteTableInput request) override;
  async::Task<aws::dynamodb::ListTablesOutput> ListTables(const wire::Call& call,
                                                          aws::dynamodb::ListTablesInput request) override;
  async::Task<aws::dynamodb::PutItemOutput> PutItem(const wire::Call& call, aws::dynamodb::PutItemInput request) override;
  async::Task<aws::dynamodb::GetItemOutput> GetItem(const wire::Call& call, aws::dynamodb::GetItemInput request) override;
  async::Task<aws::dynamodb::UpdateItemOutput> UpdateItem(const wire::Call& call,
                                                          aws::dynamodb::UpdateItemInput request) override;
  async::Task<aws::dynamodb::DeleteItemOutput> DeleteItem(const wire::Call& call,
                                                          aws::dynamodb::DeleteItemInput request) override;
  async::Task<aws::dynamodb::QueryOutput> Query(const wire::Call& call, aws::dynamodb::QueryInput request) override;
  async::Task<aws::dynamodb::ScanOutput> Scan(const wire::Call& call, aws::dynamodb::ScanInput request) override;
  async::Task<aws::dynamodb::BatchGetItemOutput> BatchGetItem(const wire::Call& call,
                                                              aws::dynamodb::BatchGetItemInput request) override;
  async::Task<aws::dynamodb::BatchWriteItemOutput> BatchWriteItem(const wire::Call& call,
                                                                  aws::dynamodb::BatchWriteItemInput request) override;
  async::Task<aws::dynamodb::TransactGetItemsOutput> TransactGetItems(const wire::Call& call,
                                                                      aws::dynamodb::TransactGetItemsInput request) override;
  async::Task<aws::dynamodb::TransactWriteItemsOutput> TransactWriteItems(
      const wire::Call& call, aws::dynamodb::TransactWriteItemsInput request) override;
  async::Task<aws::dynamodb::DescribeTimeToLiveOutput> DescribeTimeToLive(
      const wire::Call& call, aws::dynamodb::DescribeTimeToLiveInput request) override;
  async::Task<aws::dynamodb::UpdateTimeToLiveOutput> UpdateTimeToLive(const wire::Call& call,
                                                                      aws::dynamodb::UpdateTimeToLiveInput request) override;
  async::Task<> TagResource(const wire::Call& call, aws::dynamodb::TagResourceInput request) override;
  async::Task<> UntagResource(const wire::Call& call, aws::dynamodb::UntagResourceInput request) override;
  async::Task<aws::dynamodb::ListTagsOfResourceOutput> ListTagsOfResource(
      const wire::Call& call, aws::dynamodb::ListTagsOfResourceInput request) override;
  async::Task<aws::dynamodb::DescribeLimitsOutput> DescribeLimits(const wire::Call& call,
                                                                  aws::dynamodb::DescribeLimitsInput request) override;
  async::Task<aws::dynamodb::DescribeEndpointsResponse> DescribeEndpoints(
      const wire::Call& call, aws::dynamodb::DescribeEndpointsRequest request) override;
  async::Task<aws::dynamodb::CreateBackupOutput> CreateBackup(const wire::Call& call,
                                                              aws::dynamodb::CreateBackupInput request) override;
  async::Task<aws::dynamodb::DescribeBackupOutput> DescribeBackup(const wire::Call& call,
                                                                  aws::dynamodb::DescribeBackupInput request) override;
  async::Task<aws::dynamodb::ListBackupsOutput> ListBackups(const wire::Call& call,
                                                            aws::dynamodb::ListBackupsInput request) override;
  async::Task<aws::dynamodb::DeleteBackupOutput> DeleteBackup(const wire::Call& call,
                                                              aws::dynamodb::DeleteBackupInput request) override;
  async::Task<aws::dynamodb::UpdateContinuousBackupsOutput> UpdateContinuousBackups(
      const wire::Call& call, aws::dynamodb::UpdateContinuousBackupsInput request) override;
  async::Task<aws::dynamodb::DescribeContinuousBackupsOutput> DescribeContinuousBackups(
      const wire::Call& call, aws::dynamodb::DescribeContinuousBackupsInput request) override;
  async::Task<aws::dynamodb::RestoreTableFromBackupOutput> RestoreTableFromBackup(
      const wire::Call& call, aws::dynamodb::RestoreTableFromBackupInput request) override;
  async::Task<aws::dynamodb::RestoreTableToPointInTimeOutput> RestoreTableToPointInTime(
      const wire::Call& call, aws::dynamodb::RestoreTableToPointInTimeInput request) override;
  async::Task<aws::dynamodb::PutResourcePolicyOutput> PutResourcePolicy(const wire::Call& call,
                                                                        aws::dynamodb::PutResourcePolicyInput request) override;
  async::Task<aws::dynamodb::GetResourcePolicyOutput> GetResourcePolicy(const wire::Call& call,
                                                                        aws::dynamodb::GetResourcePolicyInput request) override;
  async::Task<aws::dynamodb::DeleteResourcePolicyOutput> DeleteResourcePolicy(
      const wire::Call& call, aws::dynamodb::DeleteResourcePolicyInput request) override;

  async::Task<aws::dynamodb::ExecuteStatementOutput> ExecuteStatement(const wire::Call& call,
                                                                      aws::dynamodb::ExecuteStatementInput request) override;
  async::Task<aws::dynamodb::BatchExecuteStatementOutput> BatchExecuteStatement(
      const wire::Call& call, aws::dynamodb::BatchExecuteStatementInput request) override;
  async::Task<aws::dynamodb::ExecuteTransactionOutput> ExecuteTransaction(
      const wire::Call& call, aws::dynamodb::ExecuteTransactionInput request) override;

 private:
  std::shared_ptr<State> state_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<contracts::StreamSource> stream_source_;
};

}  // namespace lambari::dynamodb
