// The operations on tables themselves: their life, expiry, tags.
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
async::Task<aws::dynamodb::DescribeContinuousBackupsOutput> describe_continuous_backups(
    Shared state, wire::Call call, aws::dynamodb::DescribeContinuousBackupsInput request);

}  // namespace lambari::dynamodb
