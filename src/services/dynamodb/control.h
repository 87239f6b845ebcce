// The operations on tables themselves: their life, expiry, tags, backups, policies.
#pragma once

#include "aws/dynamodb/types.h"
#include "services/dynamodb/state.h"

namespace lambari::dynamodb {

// control.cc
async::Task<aws::dynamodb::CreateTableOutput> create_table(Shared state, wire::Call call,
                                                           aws::dynamodb::CreateTableInput request);
async::Task<aws::dynamodb::UpdateTableOutput> update_table(Shared state, wire::Call call,
                                                           aws::dynamodb::UpdateTableInput request);
async::Task<aws::dynamodb::DeleteTableOutput> delete_table(Shared state, wire::Call call,
                                                           aws::dynamodb::DeleteTableInput request);
async::Task<aws::dynamodb::DescribeTableOutput> describe_table(Shared state, wire::Call call,
                                                               aws::dynamodb::DescribeTableInput request);
async::Task<aws::dynamodb::ListTablesOutput> list_tables(Shared state, wire::Call call, aws::dynamodb::ListTablesInput request);

// attributes.cc
async::Task<aws::dynamodb::UpdateTimeToLiveOutput> update_time_to_live(Shared state, wire::Call call,
                                                                       aws::dynamodb::UpdateTimeToLiveInput request);
async::Task<aws::dynamodb::DescribeTimeToLiveOutput> describe_time_to_live(Shared state, wire::Call call,
                                                                           aws::dynamodb::DescribeTimeToLiveInput request);
async::Task<> tag(Shared state, wire::Call call, aws::dynamodb::TagResourceInput request);
async::Task<> untag(Shared state, wire::Call call, aws::dynamodb::UntagResourceInput request);
async::Task<aws::dynamodb::ListTagsOfResourceOutput> list_tags(Shared state, wire::Call call,
                                                               aws::dynamodb::ListTagsOfResourceInput request);

// backups.cc
async::Task<aws::dynamodb::CreateBackupOutput> create_backup(Shared state, wire::Call call,
                                                             aws::dynamodb::CreateBackupInput request);
async::Task<aws::dynamodb::DescribeBackupOutput> describe_backup(Shared state, wire::Call call,
                                                                 aws::dynamodb::DescribeBackupInput request);
async::Task<aws::dynamodb::ListBackupsOutput> list_backups(Shared state, wire::Call call,
                                                           aws::dynamodb::ListBackupsInput request);
async::Task<aws::dynamodb::DeleteBackupOutput> delete_backup(Shared state, wire::Call call,
                                                             aws::dynamodb::DeleteBackupInput request);

// recovery.cc
async::Task<aws::dynamodb::UpdateContinuousBackupsOutput> update_continuous_backups(
    Shared state, wire::Call call, aws::dynamodb::UpdateContinuousBackupsInput request);
async::Task<aws::dynamodb::DescribeContinuousBackupsOutput> describe_continuous_backups(
    Shared state, wire::Call call, aws::dynamodb::DescribeContinuousBackupsInput request);
async::Task<aws::dynamodb::RestoreTableFromBackupOutput> restore_from_backup(Shared state, wire::Call call,
                                                                             aws::dynamodb::RestoreTableFromBackupInput request);
async::Task<aws::dynamodb::RestoreTableToPointInTimeOutput> restore_to_point_in_time(
    Shared state, wire::Call call, aws::dynamodb::RestoreTableToPointInTimeInput request);

// policies.cc
async::Task<aws::dynamodb::PutResourcePolicyOutput> put_policy(Shared state, wire::Call call,
                                                               aws::dynamodb::PutResourcePolicyInput request);
async::Task<aws::dynamodb::GetResourcePolicyOutput> get_policy(Shared state, wire::Call call,
                                                               aws::dynamodb::GetResourcePolicyInput request);
async::Task<aws::dynamodb::DeleteResourcePolicyOutput> delete_policy(Shared state, wire::Call call,
                                                                     aws::dynamodb::DeleteResourcePolicyInput request);

}  // namespace lambari::dynamodb
