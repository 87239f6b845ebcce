// RocksDB under the committer, and the seam through which tests take its files away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "store/engine.h"

namespace rocksdb {
class FileSystem;
}

namespace lambari::store {

struct RocksSettings {
  std::size_t cache_bytes = 32 << 20;          // of blocks, their indexes and filters
  std::size_t memtable_bytes = 8 << 20;        // also about what is replayed at open
  std::shared_ptr<rocksdb::FileSystem> files;  // the operating system's when null
};

// As open_rocks() in engines.h.
std::unique_ptr<Engine> rocks_engine(const std::filesystem::path& directory, const RocksSettings& settings = {});

}  // namespace lambari::store
