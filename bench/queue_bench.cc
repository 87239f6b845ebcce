// The room of SQS alone, without HTTP: durable sends, receives and deletions by 64 coroutines, beside puts of the same size
// through the same store. Prints rows of bench/run.py's table:  | work | measured | floor, same run | ratio | hold |
//
//   queue_bench [SECONDS [DIRECTORY [DEPTH]]]     3 s a measure; a directory of the disk to be measured (default: here); the same
//   once
//                                                more with DEPTH messages waiting (default: not)
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "async/loops.h"
#include "services/sqs/service.h"
#include "store/engines.h"
#include "store/key.h"

namespace {

using namespace lambari;
namespace fs = std::filesystem;

constexpr int kClients = 64;
const std::string kBody(1024, 'x');

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double whole = 0, resident = 0;
  in >> whole >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct Rate {
  double per_second = 0;
  double cpu_us = 0;  // of the whole process, each
};

class Bench {
 public:
  Bench(const fs::path& directory, double seconds)
      : seconds_(seconds),
        store_(store::open_rocks(directory / "store")),
        blobs_(loops_, directory / "blobs"),
        sqs_({loops_, clock_, *store_, blobs_, authorizer_, meter_}) {
    call_.account = "000000000000";
    call_.region = "us-east-1";
    call_.principal.user_id = call_.account;
  }
  ~Bench() { loops_.stop(); }

  void run(std::uint64_t depth) {
    loops_.run(create());
    const auto puts = measure(&Bench::put);
    print("puts of 1 KiB through the store, 64 coroutines", puts, nullptr);
    const auto sends = measure(&Bench::send), receives = measure(&Bench::receive_and_delete);
    print("SQS room: SendMessage, 1 KiB", sends, &puts);
    print("SQS room: ReceiveMessage and DeleteMessage, one message each", receives, &puts);
    if (depth == 0) return;
    const auto memory = resident_mib();
    target_ = depth;
    while (batches_ * 10 < depth) measure(&Bench::send_batch);
    print("SQS room: SendMessage behind so many waiting", measure(&Bench::send), &sends);
    print("SQS room: ReceiveMessage and DeleteMessage before so many waiting", measure(&Bench::receive_and_delete), &receives);
    std::printf("| memory of the process with %lu messages waiting | %.0f MiB | before %.0f MiB | | |\n", batches_.load() * 10,
                resident_mib(), memory);
  }

 private:
  Rate measure(async::Task<> (Bench::*step)(int)) {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> done{0};
    std::atomic<int> running{kClients};
    auto client = [&](int number) -> async::Task<> {
      while (!stop) {
        co_await (this->*step)(number);
        ++done;
      }
      --running;
    };
    for (int i = 0; i < kClients; ++i) loops_.spawn("client", client(i));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const auto before = done.load();
    const auto cpu = cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds_));
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto count = static_cast<double>(done - before);
    const auto spent = cpu_seconds() - cpu;
    stop = true;
    while (running > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {count / took, spent / count * 1e6};
  }

  static void print(const char* work, const Rate& rate, const Rate* floor) {
    std::printf("| %s | %.0f/s, %.1f us of CPU each | ", work, rate.per_second, rate.cpu_us);
    if (floor) {
      std::printf("%.0f/s, %.1f us | %.2f | |\n", floor->per_second, floor->cpu_us, rate.per_second / floor->per_second);
    } else {
      std::printf("| | |\n");
    }
    std::fflush(stdout);
  }

  async::Task<> put(int client) {
    const auto key = store::Key("bench").number(static_cast<std::uint64_t>(client)).number(next_++).str();
    co_await store_->commit([&](store::Transaction& t) { t.put(key, kBody); });
  }
  wire::Call call() {
    auto out = call_;
    out.time = clock_.now();
    return out;
  }
  async::Task<> create() {
    aws::sqs::CreateQueueRequest r;
    r.QueueName = "q";
    const auto c = call();
    url_ = *(co_await sqs_.CreateQueue(c, std::move(r))).QueueUrl;
  }
  async::Task<> send(int) {
    aws::sqs::SendMessageRequest r;
    r.QueueUrl = url_;
    r.MessageBody = kBody;
    const auto c = call();
    co_await sqs_.SendMessage(c, std::move(r));
  }
  async::Task<> send_batch(int) {
    if (batches_ * 10 >= target_) co_return co_await async::sleep_for(std::chrono::milliseconds(10));
    ++batches_;
    aws::sqs::SendMessageBatchRequest r;
    r.QueueUrl = url_;
    for (int i = 0; i < 10; ++i) {
      auto& entry = r.Entries.emplace_back();
      entry.Id = std::to_string(i);
      entry.MessageBody = kBody;
    }
    const auto c = call();
    co_await sqs_.SendMessageBatch(c, std::move(r));
  }
  async::Task<> receive_and_delete(int) {
    aws::sqs::ReceiveMessageRequest r;
    r.QueueUrl = url_;
    const auto c = call();
    const auto got = co_await sqs_.ReceiveMessage(c, std::move(r));
    if (!got.Messages) {
      std::fprintf(stderr, "queue_bench: the queue ran empty\n");
      std::exit(1);
    }
    co_await sqs_.DeleteMessage(c, {url_, *got.Messages->front().ReceiptHandle});
  }

  const double seconds_;
  base::Clock clock_;
  async::Loops loops_{2, 2};
  std::unique_ptr<store::Store> store_;
  blobs::Blobs blobs_;
  contracts::OpenAuthorizer authorizer_;
  contracts::NoMeter meter_;
  sqs::Sqs sqs_;
  wire::Call call_;
  std::string url_;
  std::atomic<std::uint64_t> next_{0}, batches_{0}, target_{0};
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  const fs::path directory = fs::path(argc > 2 ? argv[2] : ".") / ("queue_bench." + std::to_string(::getpid()));
  fs::create_directories(directory);
  {
    Bench bench(directory, seconds);
    bench.run(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0);
  }
  fs::remove_all(directory);
}
