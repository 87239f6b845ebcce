// Tables as requests need them: read inside the request's own view of the store, parsed once for each version of the row.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "services/dynamodb/model.h"
#include "store/store.h"

namespace lambari::dynamodb {

using SharedTable = std::shared_ptr<const Table>;

// Thread-safe.
class Tables {
 public:
  // nullptr when there is none. Read through a transaction, a change of the table conflicts with it.
  SharedTable find(store::Reader& reader, const TableKey& name);
  // For items: throws ResourceNotFoundException unless the table is there and usable.
  SharedTable need(store::Reader& reader, const TableKey& name);
  // For operations on the table itself: throws ResourceNotFoundException that names it.
  SharedTable describe(store::Reader& reader, const TableKey& name);

 private:
  struct Entry {
    std::string row;
    SharedTable table;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_; by the store's key
};

}  // namespace lambari::dynamodb
