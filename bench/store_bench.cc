// CMake: add_executable(store_bench store_bench.cc)
//        target_link_libraries(store_bench PRIVATE lambari_store)      (RocksDB comes with it)
//
// Durable puts per second through the store, beside what RocksDB does on the same disk in the same run. Prints rows of
// bench/run.py's table:  | work | measured | floor, same run | ratio | hold |
//
//   store_bench [SECONDS [DIRECTORY]]     3 s a measure; a directory of the disk to be measured (default: here)
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "async/loops.h"
#include "store/engines.h"
#include "store/key.h"

namespace {

using namespace lambari;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr int kWriters = 64;
const std::string kValue(256, 'v');

std::string key(std::uint64_t writer, std::uint64_t number) { return store::Key("bench").number(writer).number(number).str(); }

struct Measure {
  double per_second = 0;
  double p50 = 0, p99 = 0;  // ms
};

class Meter {
 public:
  void add(Clock::duration took) {
    if (!counting_) return;
    std::lock_guard lock(mutex_);
    times_.push_back(took);
  }
  void count(bool on) { counting_ = on; }
  Measure result(double seconds) {
    std::lock_guard lock(mutex_);
    std::ranges::sort(times_);
    auto at = [&](double part) {
      return times_.empty()
                 ? 0.0
                 : std::chrono::duration<double, std::milli>(times_[static_cast<std::size_t>(part * (times_.size() - 1))])
                       .count();
    };
    return {times_.size() / seconds, at(0.5), at(0.99)};
  }

 private:
  std::atomic<bool> counting_{false};
  std::mutex mutex_;
  std::vector<Clock::duration> times_;
};

Measure measure(Meter& meter, std::atomic<bool>& stop, double seconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  meter.count(true);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  meter.count(false);
  stop = true;
  return meter.result(seconds);
}

// The floor: as many threads hand their puts to one, which writes them as one synced batch. Nothing is checked.
Measure batched_rocksdb(const fs::path& directory, double seconds) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  rocksdb::DB* raw = nullptr;
  if (auto status = rocksdb::DB::Open(options, directory.string(), &raw); !status.ok()) {
    std::fprintf(stderr, "store_bench: %s\n", status.ToString().c_str());
    std::exit(1);
  }
  std::unique_ptr<rocksdb::DB> db(raw);

  struct Put {
    std::string key;
    bool done = false;
    std::condition_variable wake;
  };
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<Put*> pending;
  std::atomic<bool> stop{false};
  Meter meter;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (std::uint64_t i = 0; !stop; ++i) {
        Put put{key(writer, i)};
        auto begin = Clock::now();
        {
          std::unique_lock lock(mutex);
          pending.push_back(&put);
          wake.notify_one();
          put.wake.wait(lock, [&] { return put.done; });
        }
        meter.add(Clock::now() - begin);
      }
    });
  }
  std::thread committer([&] {
    rocksdb::WriteOptions sync;
    sync.sync = true;
    for (;;) {
      std::vector<Put*> group;
      {
        std::unique_lock lock(mutex);
        if (!wake.wait_for(lock, std::chrono::milliseconds(200), [&] { return !pending.empty(); })) {
          if (stop) return;
          continue;
        }
        group.swap(pending);
      }
      rocksdb::WriteBatch batch;
      for (auto* put : group) batch.Put(put->key, kValue);
      if (!db->Write(sync, &batch).ok()) std::abort();
      std::lock_guard lock(mutex);
      for (auto* put : group) {
        put->done = true;
        put->wake.notify_one();
      }
    }
  });
  auto result = measure(meter, stop, seconds);
  for (auto& thread : threads) thread.join();
  committer.join();
  return result;
}

async::Task<> put_on(store::Store* store, std::uint64_t writer, bool reads, Meter* meter, std::atomic<bool>* stop,
                     std::atomic<int>* left) {
  for (std::uint64_t i = 0; !*stop; ++i) {
    auto begin = Clock::now();
    co_await store->commit([&](store::Transaction& t) {
      // As rooms do: look at the row before it is written.
      if (reads && t.get(key(writer, i))) return;
      t.put(key(writer, i), kValue);
    });
    meter->add(Clock::now() - begin);
  }
  --*left;
}

async::Task<> count_up(store::Store* store, Meter* meter, std::atomic<bool>* stop, std::atomic<int>* left) {
  while (!*stop) {
    auto begin = Clock::now();
    co_await store->commit(
        [](store::Transaction& t) { t.put("hot", std::to_string(std::stoull(t.get("hot").value_or("0")) + 1)); });
    meter->add(Clock::now() - begin);
  }
  --*left;
}

template <class Start>
Measure through_store(const fs::path& directory, double seconds, Start start) {
  async::Loops loops(2);
  auto store = store::open_rocks(directory);
  Meter meter;
  std::atomic<bool> stop{false};
  std::atomic<int> left{kWriters};
  for (int writer = 0; writer < kWriters; ++writer) loops.spawn("writer", start(store.get(), writer, &meter, &stop, &left));
  auto result = measure(meter, stop, seconds);
  while (left > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return result;
}

void row(const char* work, const Measure& ours, const Measure* floor, const char* hold) {
  std::printf("| %s | %.0f/s, p50 %.1f ms, p99 %.1f ms |", work, ours.per_second, ours.p50, ours.p99);
  if (floor) {
    std::printf(" batched RocksDB %.0f/s, p99 %.1f ms | %.2f |", floor->per_second, floor->p99,
                ours.per_second / floor->per_second);
  } else {
    std::printf(" | |");
  }
  std::printf(" %s |\n", hold);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  const fs::path root = fs::path(argc > 2 ? argv[2] : ".") / ("store_bench." + std::to_string(::getpid()));
  fs::create_directories(root);
  {
    auto floor = batched_rocksdb(root / "floor", seconds);
    auto blind = through_store(root / "blind", seconds, [](auto* s, int w, auto* m, auto* stop, auto* left) {
      return put_on(s, w, false, m, stop, left);
    });
    row("durable puts, 64 coroutines", blind, &floor, ">= 0.5");
    auto read = through_store(root / "read", seconds,
                              [](auto* s, int w, auto* m, auto* stop, auto* left) { return put_on(s, w, true, m, stop, left); });
    row("durable read-then-put transactions, 64 coroutines", read, &floor, "");
    auto hot = through_store(root / "hot", seconds,
                             [](auto* s, int, auto* m, auto* stop, auto* left) { return count_up(s, m, stop, left); });
    row("durable increments of one counter, 64 coroutines", hot, nullptr, "");
  }
  fs::remove_all(root);
}
