#include "store/disk_faults.h"

#include <rocksdb/file_system.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace lambari::store {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
namespace fs = std::filesystem;

class DiskFaults::Files final : public rocksdb::FileSystemWrapper {
 public:
  Files() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "DiskFaults"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) override;
  IOStatus ReopenWritableFile(const std::string&, const rocksdb::FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*,
                              IODebugContext*) override {
    return IOStatus::NotSupported("reopening");
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const rocksdb::FileOptions&,
                             std::unique_ptr<rocksdb::FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("reusing");
  }
  IOStatus LinkFile(const std::string&, const std::string&, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("linking");
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options, std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) override;
  IOStatus DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) override;

  IOStatus changing() const { return fault_ == DiskFault::dead ? IOStatus::IOError("the disk is gone") : IOStatus::OK(); }
  IOStatus appending() const { return fault_ == DiskFault::no_room ? IOStatus::NoSpace("No space left on device") : changing(); }
  IOStatus syncing() const { return fault_ == DiskFault::sync_fails ? IOStatus::IOError("Input/output error") : changing(); }
  void set(DiskFault fault) { fault_ = fault; }
  void synced(const std::string& name, std::uint64_t size);
  void directory_synced(const std::string& name);
  void lose_power();

 private:
  class File;
  class Folder;
  struct Entry {
    std::uint64_t synced = 0;           // bytes
    bool name_synced = false;           // by its directory
    std::optional<std::string> before;  // what the name stood for at the last sync of the directory
  };
  static std::optional<std::string> content(const std::string& name);

  std::atomic<DiskFault> fault_{DiskFault::none};
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

class DiskFaults::Files::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(Files& files, std::string name, std::unique_ptr<rocksdb::FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files), name_(std::move(name)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    auto status = files_.appending();
    if (status.ok()) status = target()->Append(data, options, debug);
    if (status.ok()) size_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    auto status = files_.changing();
    return status.ok() ? target()->Flush(options, debug) : status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const auto size = size_.load();
    auto status = files_.syncing();
    if (status.ok()) status = target()->Sync(options, debug);
    if (status.ok()) files_.synced(name_, size);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

 private:
  Files& files_;
  const std::string name_;
  std::atomic<std::uint64_t> size_{0};
};

class DiskFaults::Files::Folder final : public rocksdb::FSDirectoryWrapper {
 public:
  Folder(Files& files, std::string name, std::unique_ptr<rocksdb::FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), files_(files), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    auto status = files_.syncing();
    if (status.ok()) status = FSDirectoryWrapper::Fsync(options, debug);
    if (status.ok()) files_.directory_synced(name_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug, const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  Files& files_;
  const std::string name_;
};

std::optional<std::string> DiskFaults::Files::content(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

IOStatus DiskFaults::Files::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  if (auto status = changing(); !status.ok()) return status;
  auto plain = options;
  plain.use_mmap_writes = false;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto status = target()->NewWritableFile(name, plain, &file, debug);
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  entries_[name] = Entry{};
  *result = std::make_unique<File>(*this, name, std::move(file));
  return status;
}

IOStatus DiskFaults::Files::NewDirectory(const std::string& name, const IOOptions& options,
                                         std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> folder;
  auto status = target()->NewDirectory(name, options, &folder, debug);
  if (status.ok()) *result = std::make_unique<Folder>(*this, name, std::move(folder));
  return status;
}

IOStatus DiskFaults::Files::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                       IODebugContext* debug) {
  if (auto status = changing(); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  auto before = content(to);
  auto status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  Entry entry{entries_[from].synced, false, std::move(before)};
  entries_.erase(from);
  entries_[to] = std::move(entry);
  return status;
}

IOStatus DiskFaults::Files::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  if (auto status = changing(); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  entries_.erase(name);
  return target()->DeleteFile(name, options, debug);
}

void DiskFaults::Files::synced(const std::string& name, std::uint64_t size) {
  std::lock_guard lock(mutex_);
  auto it = entries_.find(name);
  if (it != entries_.end()) it->second.synced = std::max(it->second.synced, size);
}

void DiskFaults::Files::directory_synced(const std::string& name) {
  const auto folder = fs::path(name).lexically_normal();
  std::lock_guard lock(mutex_);
  for (auto& [path, entry] : entries_) {
    if (fs::path(path).lexically_normal().parent_path() != folder) continue;
    entry.name_synced = true;
    entry.before.reset();
  }
}

void DiskFaults::Files::lose_power() {
  std::lock_guard lock(mutex_);
  for (auto& [path, entry] : entries_) {
    if (!fs::exists(path)) continue;
    if (entry.name_synced) {
      if (fs::file_size(path) > entry.synced) fs::resize_file(path, entry.synced);
    } else if (entry.before) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << *entry.before;
    } else {
      fs::remove(path);
    }
  }
  entries_.clear();
}

DiskFaults::DiskFaults() : files_(std::make_shared<Files>()) {}
DiskFaults::~DiskFaults() = default;
std::shared_ptr<rocksdb::FileSystem> DiskFaults::files() const { return files_; }
void DiskFaults::set(DiskFault fault) { files_->set(fault); }
void DiskFaults::lose_power() { files_->lose_power(); }

}  // namespace lambari::store
