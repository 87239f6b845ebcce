// What a function is fed from: a queue, later a shard of a stream or a partition of a topic. A poller (poller.h) asks a source
// for records, calls the function with them, and tells the source what became of them; what "again" means is the source's affair.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/json.h"

namespace lambari::sources {

// One record on its way to a function.
struct Record {
  std::string id;      // as batchItemFailures name it
  std::string handle;  // the source's own
  std::string group;   // records of one group reach the function in order; "" where order does not matter
  std::string json;    // an element of the event
  std::string trace_header;
};

// Thread-safe. Any call may throw; the poller then backs off.
class Source {
 public:
  virtual ~Source() = default;
  // At least one record as soon as there is one, at most `count`, or none after `wait`.
  virtual async::Task<std::vector<Record>> receive(std::size_t count, std::chrono::milliseconds wait) = 0;
  // They are done with: processed, or filtered out.
  virtual async::Task<> settle(std::vector<Record> done) = 0;
  // They were not processed and are to come again.
  virtual async::Task<> give_back(std::vector<Record> failed) = 0;
  // How long the records of a receive may wait for their invocation to begin.
  virtual std::chrono::milliseconds patience() const = 0;
  // A record as filter patterns see it.
  virtual base::json::value for_filter(const Record& record) const = 0;
  // The document that the function gets.
  virtual std::string event(const std::vector<Record>& records) const = 0;
};

}  // namespace lambari::sources
