#include "store/fence.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <shared_mutex>
#include <string>

namespace lambari::store {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class Fence::Files final : public rocksdb::FileSystemWrapper {
 public:
  explicit Files(std::shared_ptr<rocksdb::FileSystem> base) : FileSystemWrapper(std::move(base)) {}
  const char* Name() const override { return "Fence"; }

  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
  }

  template <class Change>
  IOStatus pass(Change change) {
    std::shared_lock lock(mutex_);
    return closed_ ? IOStatus::IOError("replaced by a newer instance") : change();
  }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* debug) override {
    return pass([&] { return wrapped(target()->NewWritableFile(name, options, result, debug), result); });
  }
  IOStatus ReopenWritableFile(const std::string& name, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) override {
    return pass([&] { return wrapped(target()->ReopenWritableFile(name, options, result, debug), result); });
  }
  IOStatus ReuseWritableFile(const std::string& name, const std::string& old, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) override {
    return pass([&] { return wrapped(target()->ReuseWritableFile(name, old, options, result, debug), result); });
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->DeleteFile(name, options, debug); });
  }
  IOStatus Truncate(const std::string& name, std::size_t size, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->Truncate(name, size, options, debug); });
  }
  IOStatus CreateDir(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->CreateDir(name, options, debug); });
  }
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->CreateDirIfMissing(name, options, debug); });
  }
  IOStatus DeleteDir(const std::string& name, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->DeleteDir(name, options, debug); });
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->RenameFile(from, to, options, debug); });
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) override {
    return pass([&] { return target()->LinkFile(from, to, options, debug); });
  }
  IOStatus LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock, IODebugContext*) override {
    *lock = new rocksdb::FileLock;
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }

 private:
  class File;
  IOStatus wrapped(IOStatus status, std::unique_ptr<rocksdb::FSWritableFile>* file);

  std::shared_mutex mutex_;
  bool closed_ = false;  // guarded by mutex_
};

class Fence::Files::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(Files& files, std::unique_ptr<rocksdb::FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return files_.pass([&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& check,
                  IODebugContext* debug) override {
    return files_.pass([&] { return target()->Append(data, options, check, debug); });
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return files_.pass([&] { return target()->Flush(options, debug); });
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return files_.pass([&] { return target()->Truncate(size, options, debug); });
  }

 private:
  Files& files_;  // RocksDB keeps its file system longer than its files
};

IOStatus Fence::Files::wrapped(IOStatus status, std::unique_ptr<rocksdb::FSWritableFile>* file) {
  if (status.ok()) *file = std::make_unique<File>(*this, std::move(*file));
  return status;
}

Fence::Fence(std::shared_ptr<rocksdb::FileSystem> base)
    : files_(std::make_shared<Files>(base ? std::move(base) : rocksdb::FileSystem::Default())) {}
Fence::~Fence() = default;
std::shared_ptr<rocksdb::FileSystem> Fence::files() const { return files_; }
void Fence::close() { files_->close(); }

}  // namespace lambari::store
