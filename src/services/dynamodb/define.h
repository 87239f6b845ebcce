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

aws::dynamodb::TableDescription describe(const Table& table, Growth size);

}  // namespace lambari::dynamodb
