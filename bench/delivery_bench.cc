// What the outbox costs with few and with a million items pending. Prints rows of bench/run.py's table:
//   | work | measured | floor, same run | ratio | hold |
//
//   delivery_bench [PENDING [DIRECTORY]]     pending items (default: 1000000); a directory of the disk to be measured
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "async/loops.h"
#include "delivery/outbox.h"
#include "store/engines.h"

namespace {

using namespace lambari;
using Steady = std::chrono::steady_clock;

constexpr int kLanes = 100;
constexpr int kBatch = 1'000;
constexpr int kFew = 50'000;

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double whole = 0, resident = 0;
  in >> whole >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Bench {
  explicit Bench(const std::filesystem::path& directory) : store(store::open_rocks(directory)) { make(); }
  ~Bench() { loops.stop(); }

  void make() {
    outbox.reset();
    outbox =
        std::make_unique<delivery::Outbox>(loops, clock, *store, delivery::Outbox::Options{.name = "bench"},
                                           [this](delivery::Work) -> async::Task<delivery::Verdict> { return deliver(*this); });
    loops.run(outbox->start());
  }
  static async::Task<delivery::Verdict> deliver(Bench& bench) {
    ++bench.delivered;
    co_return delivery::Verdict::done();
  }
  static async::Task<> add(Bench& bench, int count, base::Timestamp due) {
    for (int done = 0; done < count; done += kBatch) {
      std::vector<delivery::Outbox::Added> added;
      co_await bench.store->commit([&](store::Transaction& t) {
        added.clear();
        for (int i = 0; i < kBatch; ++i)
          added.push_back(bench.outbox->add(t, {"lane" + std::to_string(i % kLanes), due, std::string(200, 'x')}));
      });
      bench.outbox->wake(added);
    }
  }
  // Items a second, from their adding to the commit of their end.
  double run(int count) {
    const auto begin = Steady::now();
    const auto before = outbox->counters().done;
    loops.run(add(*this, count, clock.now()));
    while (outbox->counters().done - before < static_cast<std::uint64_t>(count)) usleep(1'000);
    return count / std::chrono::duration<double>(Steady::now() - begin).count();
  }

  base::Clock clock;
  std::unique_ptr<store::Store> store;
  std::atomic<std::uint64_t> delivered{0};
  std::unique_ptr<delivery::Outbox> outbox;
  async::Loops loops{2, 1};
};

void row(const char* work, const char* format, double value) {
  std::printf("| %s | ", work);
  std::printf(format, value);
  std::printf(" | | | |\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int pending = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  const std::filesystem::path base = argc > 2 ? argv[2] : ".";
  const auto directory = base / ("delivery-bench-" + std::to_string(getpid()));
  {
    Bench bench(directory);
    row("outbox: added, delivered and erased, 100 lanes, nothing else pending", "%.0f/s", bench.run(kFew));
    const auto memory = resident_mib();
    bench.loops.run(Bench::add(bench, pending, {bench.clock.now().ms + 3'600'000}));
    row("outbox: the same while a million wait for later", "%.0f/s", bench.run(kFew));
    row("outbox: memory that a million pending items take (RSS, caches of the store included)", "%.0f MiB",
        resident_mib() - memory);
    bench.loops.run(bench.outbox->stop());
    auto begin = Steady::now();
    bench.make();
    row("outbox: start with a million pending", "%.1f ms",
        std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
    begin = Steady::now();
    bench.clock.advance(std::chrono::hours(1));
    while (bench.outbox->counters().done < static_cast<std::uint64_t>(pending)) usleep(10'000);
    row("outbox: a million that are due at once", "%.0f/s",
        pending / std::chrono::duration<double>(Steady::now() - begin).count());
  }
  std::filesystem::remove_all(directory);
}
