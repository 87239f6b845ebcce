#include "store/rocks_engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstdarg>
#include <cstdio>

#include "base/log.h"
#include "base/text.h"
#include "store/committer.h"
#include "store/directory.h"
#include "store/engines.h"

namespace lambari::store {
namespace {

// An erased range of up to so many keys becomes that many point deletes: every range tombstone slows every later read of its file,
// and the usual erase (an API with its routes) is small. A larger one becomes one range tombstone, so its cost does not grow.
constexpr std::size_t kPointDeletes = 256;

// While the medium refuses, a write tries it again no sooner than this after the last try.
constexpr std::chrono::milliseconds kRetryAfter{200};

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

// RocksDB by itself looks for room every 5 s, and meanwhile cannot be told to. RocksEngine::apply() asks sooner.
class NoRecoveryByItself final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override { *automatic = false; }
};

rocksdb::Options options_for(const RocksSettings& settings, rocksdb::Env* env, bool create) {
  rocksdb::Options options;
  options.create_if_missing = create;
  if (env) options.env = env;
  options.info_log = std::make_shared<ErrorLog>();
  options.listeners.push_back(std::make_shared<NoRecoveryByItself>());
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;
  options.bytes_per_sync = 1 << 20;
  // One thread writes.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  // What is in the log is read back into memory instead of being written out as a table first: the start is quicker.
  options.avoid_flush_during_recovery = true;
  // Up to the first record that is not whole. An acknowledged record is synced, and so are all before it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_total_wal_size = 4 * settings.memtable_bytes;
  options.write_buffer_size = settings.memtable_bytes;
  options.max_write_buffer_number = 3;
  options.arena_block_size = 256 << 10;
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
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// What readers keep alive: the files stay open until the last of them is gone. Members are destroyed in reverse order.
struct Files {
  explicit Files(const std::filesystem::path& path) : directory(path) {}
  Directory directory;
  std::unique_ptr<rocksdb::Env> env;  // null for the operating system's own
  std::unique_ptr<rocksdb::DB> db;
};

class RocksReader final : public Reader {
 public:
  explicit RocksReader(std::shared_ptr<Files> files) : files_(std::move(files)), snapshot_(files_->db->GetSnapshot()) {}
  ~RocksReader() override { files_->db->ReleaseSnapshot(snapshot_); }

  std::optional<std::string> get(std::string_view key) override {
    std::string value;
    auto status = files_->db->Get(options(), slice(key), &value);
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
    std::unique_ptr<rocksdb::Iterator> it(files_->db->NewIterator(options));
    const bool up = order == Order::ascending;
    for (up ? it->SeekToFirst() : it->SeekToLast(); it->Valid() && out.size() < limit; up ? it->Next() : it->Prev())
      out.push_back({text(it->key()), text(it->value())});
    if (!it->status().ok()) fail(it->status());
    return out;
  }

 private:
  rocksdb::ReadOptions options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

  std::shared_ptr<Files> files_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksEngine final : public Engine {
 public:
  RocksEngine(const std::filesystem::path& directory, const RocksSettings& settings)
      : files_(std::make_shared<Files>(directory)) {
    if (settings.files) files_->env = rocksdb::NewCompositeEnv(settings.files);
    auto options = options_for(settings, files_->env.get(), !files_->directory.made());
    const auto path = files_->directory.path() / "rocks";
    std::error_code ignored;  // of a directory that cannot be made RocksDB tells
    if (!files_->directory.made()) std::filesystem::create_directory(path, ignored);
    rocksdb::DB* db = nullptr;
    auto status = rocksdb::DB::Open(options, path.string(), &db);
    if (!status.ok()) fail(status);
    files_->db.reset(db);
    if (!files_->directory.made()) files_->directory.mark_made();
    sync_.sync = true;
  }

  std::unique_ptr<Reader> snapshot() override { return std::make_unique<RocksReader>(files_); }

  void apply(const WriteSet& writes) override {
    rocksdb::WriteBatch batch;
    for (const auto& [begin, end] : writes.ranges()) erase(batch, {begin, end});
    for (const auto& [key, value] : writes.points()) {
      check(value ? batch.Put(slice(key), slice(*value)) : batch.Delete(slice(key)));
    }
    if (refused_.ok()) {
      auto status = files_->db->Write(sync_, &batch);
      if (status.ok()) return;
      // It may be what a background job met long ago, so the medium is asked once more at once.
      base::log_error("store refuses writes", {{"status", status.ToString()}});
      refused_ = status;
    } else if (std::chrono::steady_clock::now() - tried_ < kRetryAfter) {
      fail(refused_);
    }
    tried_ = std::chrono::steady_clock::now();
    // After a failed write RocksDB takes none until told to resume: it then writes its memory out and begins a new log, so what the
    // failed write may have left in the old one is never read.
    auto status = files_->db->Resume();
    if (status.ok()) status = files_->db->Write(sync_, &batch);
    if (status.ok()) {
      refused_ = status;
      base::log_info("store takes writes again");
      return;
    }
    if (status.IsIOError()) refused_ = status;
    fail(refused_);
  }

 private:
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) fail(status);
  }

  void erase(rocksdb::WriteBatch& batch, const Range& range) {
    rocksdb::ReadOptions options;
    const rocksdb::Slice low = slice(range.begin), high = slice(range.end);
    options.iterate_lower_bound = &low;
    if (!range.end.empty()) options.iterate_upper_bound = &high;
    std::unique_ptr<rocksdb::Iterator> it(files_->db->NewIterator(options));
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

  std::shared_ptr<Files> files_;
  rocksdb::WriteOptions sync_;
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
