// What is left after kill -9, after a power loss, and on a full disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/this_coro.hpp>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "store/committer.h"
#include "store/disk_faults.h"
#include "store/engine_suite.h"
#include "store/engines.h"
#include "store/key.h"
#include "store/rocks_engine.h"

namespace lambari::store {
namespace {

using async::Task;
namespace fs = std::filesystem;

std::string row(std::uint64_t writer, std::uint64_t number) { return Key("row").number(writer).number(number).str(); }
std::string twin(std::uint64_t writer, std::uint64_t number) { return Key("twin").number(writer).number(number).str(); }

struct Acknowledged {
  std::uint64_t writer, number;
  auto operator<=>(const Acknowledged&) const = default;
};

// Every acknowledged row is there, and every row has the twin that was written with it.
void expect_all(Store& store, const std::set<Acknowledged>& acknowledged) {
  auto reader = store.read();
  std::size_t missing = 0;
  for (auto& a : acknowledged) missing += !reader->get(row(a.writer, a.number)) || !reader->get(twin(a.writer, a.number));
  EXPECT_EQ(missing, 0u) << "of " << acknowledged.size();
  EXPECT_EQ(reader->scan(prefix_range(Key("row").str()), 10'000'000).size(),
            reader->scan(prefix_range(Key("twin").str()), 10'000'000).size());
}

Task<> write_rows(Store* store, std::uint64_t writer, std::uint64_t first, std::uint64_t last, std::size_t size,
                  std::function<bool(Acknowledged)> acknowledge) {
  for (auto number = first; number < last; ++number) {
    co_await store->commit([&](Transaction& t) {
      t.put(row(writer, number), std::string(size, 'v'));
      t.put(twin(writer, number), "");
    });
    if (!acknowledge({writer, number})) co_return;
  }
}

// --- kill -9 ---

// Not a test: what the killed process does. It is another run of this program, as a fork of one with threads cannot go on.
TEST(KillNine, DISABLED_Victim) {
  const char* directory = std::getenv("LAMBARI_VICTIM_DIRECTORY");
  const char* first = std::getenv("LAMBARI_VICTIM_FIRST");
  ASSERT_TRUE(directory && first);
  auto store = open_store(rocks_engine(directory, {.memtable_bytes = 256 << 10}));
  async::Loops loops(2);
  std::vector<Task<>> tasks;
  for (std::uint64_t writer = 0; writer < 16; ++writer) {
    tasks.push_back(write_rows(store.get(), writer, std::stoull(first), ~std::uint64_t{0}, 200, [](Acknowledged a) {
      // Less than PIPE_BUF: written whole or not at all.
      return ::write(STDOUT_FILENO, &a, sizeof a) == static_cast<ssize_t>(sizeof a);
    }));
  }
  run_all(loops, std::move(tasks));
}

class Victim {
 public:
  Victim(const fs::path& directory, std::uint64_t first) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = fs::read_symlink("/proc/self/exe").string();
    std::vector<std::string> arguments{program, "--gtest_filter=KillNine.DISABLED_Victim", "--gtest_also_run_disabled_tests"};
    std::vector<std::string> environment{"LAMBARI_VICTIM_DIRECTORY=" + directory.string(),
                                         "LAMBARI_VICTIM_FIRST=" + std::to_string(first)};
    for (char** e = environ; *e; ++e) environment.push_back(*e);
    auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> out;
      for (auto& text : texts) out.push_back(text.data());
      out.push_back(nullptr);
      return out;
    };
    const int error =
        ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(arguments).data(), pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ends[0];
    if (error) throw std::runtime_error("spawn");
    skip_banner();
  }

  ~Victim() {
    kill();
    ::close(out_);
  }

  bool next(Acknowledged& a) { return read_whole(&a, sizeof a); }

  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  bool read_whole(void* to, std::size_t size) {
    std::size_t got = 0;
    while (got < size) {
      auto n = ::read(out_, static_cast<char*>(to) + got, size - got);
      if (n <= 0) return false;
      got += static_cast<std::size_t>(n);
    }
    return true;
  }

  // What the test framework prints ends with the line that says the test runs.
  void skip_banner() {
    std::string seen;
    char c;
    while (read_whole(&c, 1)) {
      seen.push_back(c);
      if (c == '\n' && seen.find("[ RUN ") != std::string::npos) return;
    }
  }

  pid_t pid_ = 0;
  int out_ = -1;
};

TEST(KillNine, LosesNothingAcknowledged) {
  ScratchDirectory directory;
  std::set<Acknowledged> acknowledged;
  for (int round = 0; round < 3; ++round) {
    {
      Victim victim(directory.path(), 1'000'000 * round);
      Acknowledged a;
      for (std::size_t wanted = acknowledged.size() + 1500; acknowledged.size() < wanted && victim.next(a);)
        acknowledged.insert(a);
      victim.kill();
      while (victim.next(a)) acknowledged.insert(a);
    }
    ASSERT_GE(acknowledged.size(), 1500u * (round + 1));
    auto store = open_rocks(directory.path());
    expect_all(*store, acknowledged);
  }
}

// --- power ---

TEST(PowerLoss, TheSeamForgetsWhatWasNotSynced) {
  // RocksDB without sync, as the counterproof: if this kept its rows, the tests below would prove nothing.
  for (bool sync : {false, true}) {
    ScratchDirectory directory;
    auto path = (directory.path() / "db").string();
    DiskFaults disk;
    auto env = rocksdb::NewCompositeEnv(disk.files());
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = env.get();
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, path, &db).ok());
    rocksdb::WriteOptions write;
    write.sync = sync;
    ASSERT_TRUE(db->Put(write, "key", "value").ok());
    disk.set(DiskFault::dead);
    delete db;
    disk.lose_power();
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), path, &db).ok());
    std::string value;
    EXPECT_EQ(db->Get({}, "key", &value).ok(), sync);
    delete db;
  }
}

// Writers that go on until they are refused, and what was acknowledged to them.
class Writers {
 public:
  std::set<Acknowledged> acknowledged;
  std::size_t full = 0, failed = 0;  // writers that ended so

  // Runs 16 of them until each is refused; `at` is called once, after so many acknowledgements.
  void run(Store& store, std::size_t size, std::size_t count, std::function<void()> at) {
    at_ = acknowledged.size() + count;
    call_ = std::move(at);
    full = failed = 0;
    std::vector<Task<>> tasks;
    for (std::uint64_t writer = 0; writer < 16; ++writer) tasks.push_back(write(&store, writer, size));
    run_all(loops_, std::move(tasks));
    first_ += 1'000'000;
  }

  // True when `store` takes a row.
  bool one(Store& store) {
    first_ += 1'000'000;
    try {
      loops_.run(write_rows(&store, 99, first_, first_ + 1, 100, [this](Acknowledged a) { return acknowledge(a); }));
      return true;
    } catch (const StorageFull&) {
    } catch (const StorageFailed&) {
    }
    return false;
  }

  bool takes_again(Store& store) {
    for (int i = 0; i < 40; ++i) {
      if (one(store)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

 private:
  bool acknowledge(Acknowledged a) {
    std::lock_guard lock(mutex_);
    acknowledged.insert(a);
    if (acknowledged.size() == at_) call_();
    return true;
  }

  Task<> write(Store* store, std::uint64_t writer, std::size_t size) {
    try {
      co_await write_rows(store, writer, first_, ~std::uint64_t{0}, size, [this](Acknowledged a) { return acknowledge(a); });
    } catch (const StorageFull&) {
      std::lock_guard lock(mutex_);
      ++full;
    } catch (const StorageFailed&) {
      std::lock_guard lock(mutex_);
      ++failed;
    }
  }

  std::mutex mutex_;
  std::uint64_t first_ = 0;
  std::size_t at_ = 0;
  std::function<void()> call_;
  async::Loops loops_{2};
};

TEST(PowerLoss, LosesNothingAcknowledged) {
  ScratchDirectory directory;
  Writers writers;
  for (int round = 0; round < 6; ++round) {
    DiskFaults disk;
    {
      // A small memtable: tables, manifests and deleted logs take part.
      auto store = open_store(rocks_engine(directory.path(), {.memtable_bytes = 128 << 10, .files = disk.files()}));
      expect_all(*store, writers.acknowledged);
      writers.run(*store, 300, 1000 + 137 * round, [&] { disk.set(DiskFault::dead); });
      EXPECT_EQ(writers.failed, 16u);
      expect_all(*store, writers.acknowledged);  // reading goes on
    }
    disk.lose_power();
  }
  EXPECT_GT(writers.acknowledged.size(), 6000u);
  expect_all(*open_rocks(directory.path()), writers.acknowledged);
}

// A process is killed between writing and syncing a record, and its successor reads that record; then the power goes. What the
// successor acknowledged may build on the record, so it must stay.
TEST(PowerLoss, AfterAKilledProcessKeepsWhatItsSuccessorSaw) {
  ScratchDirectory directory;
  Writers writers;
  DiskFaults disk;
  auto open = [&] { return open_store(rocks_engine(directory.path(), {.files = disk.files()})); };
  {
    auto store = open();
    ASSERT_TRUE(writers.one(*store));
    disk.set(DiskFault::sync_fails);
    EXPECT_FALSE(writers.one(*store));
    disk.set(DiskFault::dead);
  }
  disk.set(DiskFault::none);
  {
    auto store = open();
    EXPECT_EQ(store->read()->scan(prefix_range(Key("row").str()), 10).size(), 2u) << "the record is there, though not synced";
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(writers.one(*store));
    disk.set(DiskFault::dead);
  }
  disk.lose_power();
  disk.set(DiskFault::none);
  auto store = open();
  expect_all(*store, writers.acknowledged);
  EXPECT_EQ(store->read()->scan(prefix_range(Key("row").str()), 100).size(), 12u);
}

// --- a disk that refuses for a while ---

class Refusal : public testing::TestWithParam<DiskFault> {};

TEST_P(Refusal, IsToldAndEndsWithItsCause) {
  ScratchDirectory directory;
  Writers writers;
  DiskFaults disk;
  auto store = open_store(rocks_engine(directory.path(), {.memtable_bytes = 128 << 10, .files = disk.files()}));
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    auto old = store->read();
    const auto seen = old->scan({}, 1'000'000).size();
    writers.run(*store, 300, round % 2 ? 1 : 700, [&] { disk.set(GetParam()); });
    EXPECT_EQ(GetParam() == DiskFault::no_room ? writers.full : writers.failed, 16u);
    expect_all(*store, writers.acknowledged);
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(writers.one(*store));
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    expect_all(*store, writers.acknowledged);
    disk.set(DiskFault::none);
    EXPECT_TRUE(writers.takes_again(*store));
    expect_all(*store, writers.acknowledged);
    EXPECT_EQ(old->scan({}, 1'000'000).size(), seen) << "a reader from before sees what it saw";
  }
  store.reset();
  expect_all(*open_rocks(directory.path()), writers.acknowledged);
}

std::string fault_name(const testing::TestParamInfo<DiskFault>& info) {
  return info.param == DiskFault::no_room ? "Full" : info.param == DiskFault::sync_fails ? "SyncFails" : "Gone";
}
INSTANTIATE_TEST_SUITE_P(Disk, Refusal, testing::Values(DiskFault::no_room, DiskFault::sync_fails, DiskFault::dead), fault_name);

// --- full disk ---

class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& path, const char* size) : path_(path) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  fs::path path_;
  bool mounted_;
};

TEST(FullDisk, RefusesKeepsReadingAndRecovers) {
  ScratchDirectory directory;
  const auto path = directory.path() / "disk";
  SmallDisk disk(path, "size=48m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  const auto ballast = path / "ballast";
  std::ofstream(ballast) << std::string(16 << 20, 'b');

  Writers writers;
  {
    auto store = open_store(rocks_engine(path / "store", {.memtable_bytes = 1 << 20}));
    writers.run(*store, 20'000, 0, [] {});
    EXPECT_EQ(writers.full, 16u);
    EXPECT_GT(writers.acknowledged.size(), 100u);
    expect_all(*store, writers.acknowledged);
    const auto rows = store->read()->scan(prefix_range(Key("row").str()), 1'000'000).size();
    EXPECT_EQ(rows, writers.acknowledged.size()) << "what was refused is not visible";

    // A neighbour takes the rest: still refused, still readable.
    std::ofstream(path / "neighbour") << std::string(48 << 20, 'n');
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_FALSE(writers.one(*store));
    expect_all(*store, writers.acknowledged);

    fs::remove(ballast);
    fs::remove(path / "neighbour");
    EXPECT_TRUE(writers.takes_again(*store)) << "writes are taken again when there is room";
    expect_all(*store, writers.acknowledged);
  }
  expect_all(*open_rocks(path / "store"), writers.acknowledged);
}

}  // namespace
}  // namespace lambari::store
