// The seam through which a test takes the power away: files as RocksDB sees them, which remember what was synced.
// For tests; nothing of the program uses it.
#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace lambari::store {

// Thread-safe. Keep it longer than the store that uses files().
class PowerLoss {
 public:
  PowerLoss();
  ~PowerLoss();
  std::shared_ptr<rocksdb::FileSystem> files() const;

  // From now on every change of a file fails, as the last thing a process sees.
  void cut();
  // After the store was closed: leaves on disk what a power loss would. Bytes after the last sync of their file are gone; so are
  // files and renames whose directory was not synced. (Deletions always last: the harsher choice is to keep less.)
  void drop_unsynced();

 private:
  class Files;
  std::shared_ptr<Files> files_;
};

}  // namespace lambari::store
