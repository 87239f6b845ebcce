// Lets one instance of RocksDB be replaced by another on the same directory while readers still use the first.
#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace lambari::store {

// Thread-safe.
class Fence {
 public:
  // Around `base`, or the operating system's files when null.
  explicit Fence(std::shared_ptr<rocksdb::FileSystem> base);
  ~Fence();

  // Without RocksDB's own lock: the store's directory is locked already.
  std::shared_ptr<rocksdb::FileSystem> files() const;

  // When it returns, no change of a file is under way, and each later one fails. Reading goes on.
  void close();

 private:
  class Files;
  std::shared_ptr<Files> files_;
};

}  // namespace lambari::store
