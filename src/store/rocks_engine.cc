#include "store/rocks_engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "store/committer.h"
#include "store/directory.h"
#include "store/engines.h"
#include "store/fence.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// Debian's RocksDB is not instrumented: the sanitizer does not see the atomics by which its memory is handed from writer to
// reader.
extern "C" const char* __tsan_default_suppressions() { return "race:rocksdb::"; }
#endif
#endif

namespace lambari::store {
namespace {

// An erased range of up to so many keys becomes that many point deletes: every range tombstone slows every later read of its
// file, and the usual erase (an API with its routes) is small. A larger one becomes one range tombstone, so its cost does not
// grow.
constexpr std::size_t kPointDeletes = 256;

// While the medium refuses, a write tries it again no sooner than this after the last try.
constexpr std::chrono::milliseconds kRetryAfter{200};

// How long a write waits for background jobs before it is refused.
constexpr std::chrono::seconds kStall{20};

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string text(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

[[noreturn]] void fail(const rocksdb::Status& status) {
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) throw StorageFull(status.ToString());
  throw StorageFailed(status.ToString());
}

// RocksDB's own log file would be one more to bound; only what it calls an error is passed on.
class ErrorLog final : public rocksdb::Logger {
 public:
  ErrorLog() : Logger(rocksdb::ERROR_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char text[512];
    std::vsnprintf(text, sizeof text, format, arguments);
    base::log_warn("rocksdb", {{"message", std::string(base::trim(base::cut(text, '\n').first))}});
  }
};

// What RocksDB does by itself about errors is switched off where it can wait for ever; RocksEngine replaces the instance instead.
class ErrorPolicy final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    // A compaction that finds no room is tried again later and hinders nobody.
    if (reason == rocksdb::BackgroundErrorReason::kCompaction && status->IsNoSpace()) *status = rocksdb::Status::OK();
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override { *automatic = false; }
};

rocksdb::Options options_for(const RocksSettings& settings, rocksdb::Env* env, bool create) {
  rocksdb::Options options;
  options.create_if_missing = create;
  options.env = env;
  options.info_log = std::make_shared<ErrorLog>();
  options.listeners.push_back(std::make_shared<ErrorPolicy>());
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;
  options.bytes_per_sync = 1 << 20;
  // One thread writes.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  // What is read from the log at open is written out as a table, synced. The log may end with records that were not synced when
  // the process was killed; kept there, a later power loss would take them after others had built on them.
  options.avoid_flush_during_recovery = false;
  // Up to the first record that is not whole. An acknowledged record is synced, and so are all before it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_total_wal_size = 4 * settings.memtable_bytes;
  options.write_buffer_size = settings.memtable_bytes;
  options.max_write_buffer_number = 3;
  options.arena_block_size = 256 << 10;
  // Full speed until the stop: a write waits in RocksEngine, where the wait is bounded.
  options.level0_slowdown_writes_trigger = options.level0_stop_writes_trigger;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kNoCompression;
  options.target_file_size_base = 16 << 20;
  options.max_bytes_for_level_base = 64 << 20;
  options.level_compaction_dynamic_level_bytes = true;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(settings.cache_bytes, 2);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // In pieces of a few KiB: the indexes of a store of 10^6 rows are larger than the cache, and a read would bring in a whole one.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// One RocksDB; its readers keep it. Members are destroyed in reverse order.
struct Instance {
  std::shared_ptr<Directory> directory;
  Fence fence;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;

  Instance(std::shared_ptr<Directory> in, const RocksSettings& settings)
      : directory(std::move(in)), fence(settings.files), env(rocksdb::NewCompositeEnv(fence.files())) {
    const auto path = directory->path() / "rocks";
    std::error_code ignored;  // of a directory that cannot be made RocksDB tells
    if (!directory->made()) std::filesystem::create_directory(path, ignored);
    rocksdb::DB* opened = nullptr;
    auto status = rocksdb::DB::Open(options_for(settings, env.get(), !directory->made()), path.string(), &opened);
    if (!status.ok()) fail(status);
    db.reset(opened);
  }
};

class RocksReader final : public Reader {
 public:
  explicit RocksReader(std::shared_ptr<Instance> instance)
      : instance_(std::move(instance)), snapshot_(instance_->db->GetSnapshot()) {}
  ~RocksReader() override { instance_->db->ReleaseSnapshot(snapshot_); }

  std::optional<std::string> get(std::string_view key) override {
    std::string value;
    auto status = instance_->db->Get(options(), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) fail(status);
    return value;
  }

  std::vector<KeyValue> scan(const Range& range, std::size_t limit, Order order) override {
    std::vector<KeyValue> out;
    if (limit == 0 || is_empty(range)) return out;
    auto options = this->options();
    const rocksdb::Slice low = slice(range.begin), high = slice(range.end);
    options.iterate_lower_bound = &low;
    if (!range.end.empty()) options.iterate_upper_bound = &high;
    std::unique_ptr<rocksdb::Iterator> it(instance_->db->NewIterator(options));
    const bool up = order == Order::ascending;
    for (up ? it->SeekToFirst() : it->SeekToLast(); it->Valid() && out.size() < limit; up ? it->Next() : it->Prev())
      out.push_back({text(it->key()), text(it->value())});
    if (!it->status().ok()) fail(it->status());
    return out;
  }

  std::vector<std::string> keys(const Range& range, std::size_t limit) override {
    std::vector<std::string> out;
    if (limit == 0 || is_empty(range)) return out;
    auto options = this->options();
    const rocksdb::Slice high = slice(range.end);
    if (!range.end.empty()) options.iterate_upper_bound = &high;
    std::unique_ptr<rocksdb::Iterator> it(instance_->db->NewIterator(options));
    for (it->Seek(slice(range.begin)); it->Valid() && out.size() < limit; it->Next()) out.push_back(text(it->key()));
    if (!it->status().ok()) fail(it->status());
    return out;
  }

 private:
  rocksdb::ReadOptions options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

  std::shared_ptr<Instance> instance_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksEngine final : public Engine {
 public:
  RocksEngine(const std::filesystem::path& path, const RocksSettings& settings)
      : settings_(settings),
        directory_(std::make_shared<Directory>(path)),
        instance_(std::make_shared<Instance>(directory_, settings_)) {
    if (!directory_->made()) directory_->mark_made();
    write_options_.sync = true;
    write_options_.no_slowdown = true;
  }

  // A clean end leaves no log to read at the next start.
  ~RocksEngine() override {
    if (refused_.ok()) instance_->db->Flush({}).PermitUncheckedError();
  }

  std::unique_ptr<Reader> snapshot() override {
    std::lock_guard lock(mutex_);
    return std::make_unique<RocksReader>(instance_);
  }

  void apply(const WriteSet& writes) override {
    if (!refused_.ok()) {
      if (std::chrono::steady_clock::now() - tried_ < kRetryAfter) fail(refused_);
      replace();
    }
    expect_room(writes.bytes());
    rocksdb::WriteBatch batch;
    for (const auto& [begin, end] : writes.ranges()) erase(batch, {begin, end});
    for (const auto& [key, value] : writes.points()) {
      check(value ? batch.Put(slice(key), slice(*value)) : batch.Delete(slice(key)));
    }
    if (write(batch)) return;
    // It may be what a background job met long ago, so the medium is asked once more at once.
    replace();
    if (!write(batch)) fail(refused_);
  }

 private:
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) fail(status);
  }

  // RocksDB is not let run into the end of the disk: what it holds in memory must still find a place.
  void expect_room(std::size_t bytes) {
    struct statvfs at;
    if (::statvfs(directory_->path().c_str(), &at) != 0) return;
    const auto blocks = ::geteuid() == 0 ? at.f_bfree : at.f_bavail;
    if (blocks * at.f_frsize < 4 * settings_.memtable_bytes + 2 * bytes) throw StorageFull("little room is left on the disk");
  }

  bool write(rocksdb::WriteBatch& batch) {
    const auto deadline = std::chrono::steady_clock::now() + kStall;
    rocksdb::Status status;
    // Incomplete: memory or the first level is full until a background job is done.
    while ((status = instance_->db->Write(write_options_, &batch)).IsIncomplete()) {
      if (std::chrono::steady_clock::now() > deadline) throw StorageFailed("the store is stalled");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (status.ok()) return true;
    base::log_error("store refuses writes", {{"status", status.ToString()}});
    refused_ = status;
    return false;
  }

  // After a failed write RocksDB takes none. Its way to resume may wait for ever and stumbles over a log that failed while its
  // memory was empty, so another instance is opened instead: it reads from the logs what was acknowledged, and begins a new one.
  // The old one can change nothing any more, and serves its readers until the last is gone.
  void replace() {
    tried_ = std::chrono::steady_clock::now();
    instance_->fence.close();
    std::shared_ptr<Instance> next;
    try {
      expect_room(0);
      next = std::make_shared<Instance>(directory_, settings_);
    } catch (const std::exception& e) {
      base::log_warn("store still refuses writes", {{"status", e.what()}});
      throw;
    }
    refused_ = rocksdb::Status::OK();
    {
      std::lock_guard lock(mutex_);
      instance_.swap(next);
    }
    base::log_info("store takes writes again");
  }

  void erase(rocksdb::WriteBatch& batch, const Range& range) {
    rocksdb::ReadOptions options;
    const rocksdb::Slice low = slice(range.begin), high = slice(range.end);
    options.iterate_lower_bound = &low;
    if (!range.end.empty()) options.iterate_upper_bound = &high;
    std::unique_ptr<rocksdb::Iterator> it(instance_->db->NewIterator(options));
    std::vector<std::string> keys;
    for (it->SeekToFirst(); it->Valid() && keys.size() <= kPointDeletes; it->Next()) keys.push_back(text(it->key()));
    check(it->status());
    if (keys.size() <= kPointDeletes) {
      for (const auto& key : keys) check(batch.Delete(slice(key)));
      return;
    }
    auto end = range.end;
    if (end.empty()) {
      it->SeekToLast();
      check(it->status());
      end = successor(text(it->key()));
    }
    check(batch.DeleteRange(slice(range.begin), slice(end)));
  }

  const RocksSettings settings_;
  const std::shared_ptr<Directory> directory_;
  std::mutex mutex_;
  std::shared_ptr<Instance> instance_;  // guarded by mutex_; the committing thread alone changes it, and reads it without
  rocksdb::WriteOptions write_options_;
  // Of the committing thread.
  rocksdb::Status refused_;  // why writes are refused; ok: they are not
  std::chrono::steady_clock::time_point tried_;
};

}  // namespace

std::unique_ptr<Engine> rocks_engine(const std::filesystem::path& directory, const RocksSettings& settings) {
  return std::make_unique<RocksEngine>(directory, settings);
}

std::unique_ptr<Store> open_rocks(const std::filesystem::path& directory) { return open_store(rocks_engine(directory)); }

}  // namespace lambari::store
