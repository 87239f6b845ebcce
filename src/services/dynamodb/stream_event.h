// A stream record as Lambda gives it to a function.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
#pragma once

#include <cstdint>
#include <string>

#include "services/dynamodb/stream_record.h"

namespace lambari::dynamodb {

// An element of the event's "Records".
std::string event_record(const Table& table, const Stream& stream, std::uint64_t sequence, const StreamRecord& record);

}  // namespace lambari::dynamodb
