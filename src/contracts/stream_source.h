// A stream of shards from which an event source mapping reads: DynamoDB's, and whatever else keeps records in order for a while.
// Implemented by the room that owns the streams, used by services/lambda.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "contracts/identity.h"

namespace lambari::contracts {

struct SourceStream {
  struct Shard {
    std::string id;
    std::vector<std::string> parents;  // read to their ends before this one; one that is no longer listed has been trimmed
  };
  std::vector<Shard> shards;  // with those that are closed and still readable
  std::chrono::milliseconds retention{0};
};

struct StreamStart {
  enum class Kind { trim_horizon, latest, at_timestamp, after_sequence };
  Kind kind = Kind::trim_horizon;
  base::Timestamp time;  // at_timestamp
  std::string sequence;  // after_sequence
};

// A part of a shard by partition key: records of one key are all in the same slice.
struct StreamSlice {
  unsigned index = 0, of = 1;
};

struct StreamRecord {
  std::string sequence;  // as batchItemFailures name it
  std::string cursor;    // the place behind this record
  base::Timestamp arrived;
  std::string record;  // the JSON object that becomes an element of the event's "Records"
};

struct StreamRead {
  std::string stream, shard, cursor;
  StreamSlice slice;
  std::size_t count = 100;            // records, at most
  std::size_t bytes = 1024 * 1024;    // of `record`s, at most; but always one record
  std::chrono::milliseconds wait{0};  // for the first record
};

struct StreamPage {
  std::vector<StreamRecord> records;
  std::string next;    // the place behind all that was looked at, other slices' records included
  bool ended = false;  // the shard is closed, and nothing comes after `next`
};

// A cursor is a place in a shard. It is text that may be stored, does not expire, and sorts as the places do; a place that has
// been trimmed reads as the oldest record there is.
//
// Thread-safe. Every call made as `caller` (the execution role) is authorized like the API calls that it stands for: a refusal,
// and a stream or shard that is gone, throws the wire::Fault that the API would answer.
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  // Nothing when there is no such stream.
  virtual async::Task<std::optional<SourceStream>> describe(std::string stream_arn) = 0;
  // May the caller do all that reading the stream takes?
  virtual async::Task<bool> may_read(Principal caller, std::string stream_arn) = 0;
  virtual async::Task<std::string> locate(Principal caller, std::string stream_arn, std::string shard, StreamStart start) = 0;
  // At least one record as soon as there is one, or none after `wait`. Never looks again without news.
  virtual async::Task<StreamPage> read(Principal caller, StreamRead read) = 0;
};

}  // namespace lambari::contracts
