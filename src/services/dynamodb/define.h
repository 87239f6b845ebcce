// Tables as they are asked for: CreateTable and UpdateTable turned into rows, and rows into descriptions. Pure.
#pragma once

#include "aws/dynamodb/types.h"
#include "base/clock.h"
#include "services/dynamodb/model.h"
#include "services/dynamodb/writes.h"

namespace lambari::dynamodb {

// Throws ValidationException, or a fault that names a setting that is not offered.
Table define(const TableKey& name, const aws::dynamodb::CreateTableInput& request, base::Timestamp now);
// The table after an update. Throws in the same way, ResourceInUseException while the table is not ACTIVE, and
// LimitExceededException.
Table redefine(Table table, const aws::dynamodb::UpdateTableInput& request, base::Timestamp now);

// What a restore may change.
struct Overrides {
  std::optional<std::string> billing;
  std::optional<aws::dynamodb::ProvisionedThroughput> throughput;
  std::optional<std::vector<aws::dynamodb::GlobalSecondaryIndex>> global;  // those that are kept
  std::optional<std::vector<aws::dynamodb::LocalSecondaryIndex>> local;
};
// The table that a restore makes; its rows and those of its indexes are to come. Throws in the same way.
Table define_restored(const Table& source, const TableKey& name, const Overrides& overrides, Origin origin, base::Timestamp now);
// Throws for the parts of a restore's request that are not offered.
template <class Request>
Overrides overrides_of(const Request& request);

aws::dynamodb::TableDescription describe(const Table& table, const Growth& size);

}  // namespace lambari::dynamodb
