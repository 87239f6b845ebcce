// The floor under bench/dynamodb.py: the rows that an operation on items must read and write, through the store alone, without a
// table, JSON or HTTP. Prints one line of JSON: {"put":{"1":per
// second,"64":...},"get":...,"query":...,"batch":...,"transact":...}
//
//   item_bench [SECONDS [DIRECTORY]]     2 s a measure; a directory of the disk to be measured (default: here)
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "async/loops.h"
#include "store/engines.h"
#include "store/key.h"

namespace {

using namespace lambari;
namespace fs = std::filesystem;

constexpr std::uint64_t kPartitions = 1000, kItems = 10;  // as bench/dynamodb.py lays them
constexpr int kBatch = 25;
constexpr unsigned kLoops = 2;

std::string partition(std::uint64_t number) { return store::Key("item").number(number * 0x9E3779B97F4A7C15).str(); }
std::string item(std::uint64_t number, std::uint64_t at) {
  return store::Key("item").number(number * 0x9E3779B97F4A7C15).number(at).str();
}
std::string random_item(std::mt19937_64& random) { return item(random() % kPartitions, random() % kItems); }
const std::string kTable = store::Key("table").text("bench").str();

// A value of its own for each write, as the items of clients are.
std::string value(std::mt19937_64& random) {
  std::string out(1024, '\0');
  for (std::size_t i = 0; i < out.size(); i += 8) *reinterpret_cast<std::uint64_t*>(out.data() + i) = random();
  return out;
}

void write(store::Transaction& t, const std::string& key, const std::string& value) {
  t.get(key);
  t.put(key, value);
}

struct Floor {
  async::Loops& loops;
  store::Store& store;
  double seconds;

  // Commits per second of `clients` coroutines; a commit writes `rows` items that it has read.
  double commits(int clients, int rows) {
    std::atomic<bool> stop{false};
    std::atomic<int> left{clients};
    std::atomic<std::uint64_t> done{0};
    for (int client = 0; client < clients; ++client) loops.spawn("writer", commit_on(client, rows, stop, left, done));
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
    const auto total = done.load();
    while (left > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return static_cast<double>(total) / seconds;
  }

  async::Task<> commit_on(int client, int rows, std::atomic<bool>& stop, std::atomic<int>& left,
                          std::atomic<std::uint64_t>& done) {
    std::mt19937_64 random(static_cast<unsigned>(client));
    while (!stop) {
      std::vector<std::pair<std::string, std::string>> all;
      for (int i = 0; i < rows; ++i) all.emplace_back(random_item(random), value(random));
      co_await store.commit([&](store::Transaction& t) {
        t.get(kTable);
        for (const auto& [key, bytes] : all) write(t, key, bytes);
      });
      ++done;
    }
    --left;
  }

  // Reads per second of `threads` threads.
  double reads(unsigned threads, const std::function<void(store::Reader&, std::mt19937_64&)>& one) {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> done{0};
    std::vector<std::jthread> all;
    for (unsigned thread = 0; thread < threads; ++thread) {
      all.emplace_back([&, thread] {
        std::mt19937_64 random(thread);
        std::uint64_t own = 0;
        for (; !stop; ++own) {
          const auto reader = store.read();
          reader->get(kTable);
          one(*reader, random);
        }
        done += own;
      });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
    all.clear();
    return static_cast<double>(done) / seconds;
  }
};

async::Task<> fill(store::Store* store) {
  std::mt19937_64 random(0);
  for (std::uint64_t number = 0; number < kPartitions; ++number) {
    co_await store->commit([&](store::Transaction& t) {
      t.put(kTable, std::string(300, 't'));
      for (std::uint64_t at = 0; at < kItems; ++at) t.put(item(number, at), value(random));
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const fs::path directory = fs::path(argc > 2 ? argv[2] : ".") / ("item_bench." + std::to_string(::getpid()));
  fs::create_directories(directory);
  {
    auto store = store::open_rocks(directory);
    async::Loops loops(kLoops);
    loops.run(fill(store.get()));
    Floor floor{loops, *store, seconds};
    const auto get = [](store::Reader& reader, std::mt19937_64& random) { reader.get(random_item(random)); };
    const auto query = [](store::Reader& reader, std::mt19937_64& random) {
      reader.scan(store::prefix_range(partition(random() % kPartitions)), kItems);
    };
    const auto print = [](const char* name, double one, double many, const char* end) {
      std::printf("\"%s\":{\"1\":%.0f,\"64\":%.0f}%s", name, one, many, end);
    };
    std::printf("{");
    print("get", floor.reads(1, get), floor.reads(kLoops, get), ",");
    print("query", floor.reads(1, query), floor.reads(kLoops, query), ",");
    print("put", floor.commits(1, 1), floor.commits(64, 1), ",");
    print("batch", floor.commits(1, kBatch), floor.commits(64, kBatch), ",");
    print("transact", floor.commits(1, 2), floor.commits(64, 2), "}\n");
    loops.stop();
  }
  fs::remove_all(directory);
}
