// The seam through which a test takes the disk away: files as RocksDB sees them, which fail when told and remember what was
// synced. For tests; nothing of the program uses it.
#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace lambari::store {

enum class DiskFault {
  none,
  no_room,     // appending fails with "no space left"
  sync_fails,  // bytes are written, but syncing them fails
  dead,        // every change fails: the power is off, or the process was killed at this point
};

// Thread-safe. Keep it longer than the stores that use files().
class DiskFaults {
 public:
  DiskFaults();
  ~DiskFaults();
  std::shared_ptr<rocksdb::FileSystem> files() const;

  void set(DiskFault fault);
  // After the store was closed: leaves on disk what a power loss would. Bytes after the last sync of their file are gone; so are
  // files and renames whose directory was not synced. (Deletions always last: the harsher choice is to keep less.)
  void lose_power();

 private:
  class Files;
  std::shared_ptr<Files> files_;
};

}  // namespace lambari::store
