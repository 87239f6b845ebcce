#include "store/engine_suite.h"

#include <boost/asio/this_coro.hpp>
#include <future>
#include <random>
#include <thread>

#include "base/ids.h"
#include "store/limits.h"

namespace lambari::store {

using async::Task;

ScratchDirectory::ScratchDirectory()
    : path_(std::filesystem::temp_directory_path() / ("lambari-test-" + base::random_text(12, base::kLowerAlphanumeric))) {
  std::filesystem::create_directories(path_);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

namespace {

Task<> counted(Task<> task, std::atomic<std::size_t>* left, std::promise<void>* done, std::atomic<bool>* failed) {
  std::exception_ptr error;
  try {
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  const bool first = error && !failed->exchange(true);
  if (first) {
    // The promise is set by whoever is last, or by the first that fails: then nobody else sets it.
    done->set_exception(error);
  }
  if (left->fetch_sub(1) == 1 && !failed->load()) done->set_value();
}

}  // namespace

void run_all(async::Loops& loops, std::vector<Task<>> tasks) {
  if (tasks.empty()) return;
  struct Shared {
    std::atomic<std::size_t> left;
    std::promise<void> done;
    std::atomic<bool> failed{false};
  };
  auto shared = std::make_shared<Shared>();
  shared->left = tasks.size();
  for (auto& task : tasks) loops.spawn("test", counted(std::move(task), &shared->left, &shared->done, &shared->failed));
  auto future = shared->done.get_future();
  if (future.wait_for(std::chrono::seconds(120)) != std::future_status::ready) throw std::runtime_error("the tasks hang");
  future.get();
  while (shared->left != 0) std::this_thread::yield();
}

EngineSuite::EngineSuite() : store_(GetParam().open(directory_.path() / "store")) {}

void EngineSuite::commit(std::function<void(Transaction&)> body) { loops_.run(store_->commit(std::move(body))); }

void EngineSuite::put(const std::string& key, const std::string& value) {
  commit([&](Transaction& t) { t.put(key, value); });
}

std::optional<std::string> EngineSuite::get(const std::string& key) { return store_->read()->get(key); }

std::vector<std::string> EngineSuite::keys(const Range& range, std::size_t limit, Order order) {
  std::vector<std::string> out;
  for (auto& pair : store_->read()->scan(range, limit, order)) out.push_back(pair.key);
  return out;
}

int EngineSuite::interleaved(std::function<void(Transaction&)> body, std::function<void(Transaction&)> other, int times) {
  int runs = 0;
  commit([&](Transaction& t) {
    ++runs;
    body(t);
    if (runs <= times) others_.run(store_->commit(other));
  });
  return runs;
}

namespace {

using Keys = std::vector<std::string>;

TEST_P(EngineSuite, KeepsWhatIsPut) {
  EXPECT_EQ(get("a"), std::nullopt);
  put("a", "1");
  put("", "the empty key is a key");
  put(std::string("z\0\xff", 3), std::string("\0\1", 2));
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get(""), "the empty key is a key");
  EXPECT_EQ(get(std::string("z\0\xff", 3)), std::string("\0\1", 2));
  put("a", "2");
  EXPECT_EQ(get("a"), "2");
  commit([](Transaction& t) { t.erase("a"); });
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_P(EngineSuite, ScansInByteOrderBothWays) {
  for (auto key : {"b", "a", "c", "\xff", "ab"}) put(key, key);
  EXPECT_EQ(keys(), (Keys{"a", "ab", "b", "c", "\xff"}));
  EXPECT_EQ(keys({}, 10, Order::descending), (Keys{"\xff", "c", "b", "ab", "a"}));
  EXPECT_EQ(keys({"ab", "c"}), (Keys{"ab", "b"}));
  EXPECT_EQ(keys({"ab", "c"}, 1), (Keys{"ab"}));
  EXPECT_EQ(keys({"ab", "c"}, 1, Order::descending), (Keys{"b"}));
  EXPECT_EQ(keys({"c", ""}), (Keys{"c", "\xff"}));
  EXPECT_EQ(keys(prefix_range("a")), (Keys{"a", "ab"}));
  EXPECT_EQ(keys(prefix_range("\xff")), (Keys{"\xff"}));
  EXPECT_EQ(keys({"c", "a"}), Keys{});
  EXPECT_EQ(keys({"a", "a"}), Keys{});
  EXPECT_EQ(keys({}, 0), Keys{});
  EXPECT_EQ(store_->read()->keys({}, 10), (Keys{"a", "ab", "b", "c", "\xff"}));
  EXPECT_EQ(store_->read()->keys({"ab", "c"}, 10), (Keys{"ab", "b"}));
  EXPECT_EQ(store_->read()->keys({"ab", ""}, 2), (Keys{"ab", "b"}));
  EXPECT_EQ(store_->read()->keys({"c", "a"}, 10), Keys{});
}

TEST_P(EngineSuite, ReaderStaysAtItsMoment) {
  put("a", "1");
  put("b", "1");
  auto reader = store_->read();
  put("a", "2");
  put("c", "1");
  commit([](Transaction& t) { t.erase(Range{"b", "c"}); });
  EXPECT_EQ(reader->get("a"), "1");
  EXPECT_EQ(reader->scan({}, 10), (std::vector<KeyValue>{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(keys(), (Keys{"a", "c"}));
}

TEST_P(EngineSuite, TransactionSeesItsOwnWrites) {
  for (auto key : {"a", "b", "c", "d"}) put(key, "old");
  commit([](Transaction& t) {
    t.put("b", "new");
    t.erase("c");
    t.put("bb", "new");
    EXPECT_EQ(t.get("b"), "new");
    EXPECT_EQ(t.get("c"), std::nullopt);
    EXPECT_EQ(t.scan({}, 3), (std::vector<KeyValue>{{"a", "old"}, {"b", "new"}, {"bb", "new"}}));
    t.erase(Range{"a", "bb"});
    EXPECT_EQ(t.get("a"), std::nullopt);
    EXPECT_EQ(t.get("b"), std::nullopt);
    t.put("aa", "after the erase");
    EXPECT_EQ(t.scan({}, 10), (std::vector<KeyValue>{{"aa", "after the erase"}, {"bb", "new"}, {"d", "old"}}));
    EXPECT_EQ(t.scan({}, 2, Order::descending), (std::vector<KeyValue>{{"d", "old"}, {"bb", "new"}}));
  });
  EXPECT_EQ(keys(), (Keys{"aa", "bb", "d"}));
}

// A transaction's view and what it leaves are those of a plain map.
TEST_P(EngineSuite, BehavesAsAMap) {
  std::mt19937 random(20240607);
  auto some_key = [&] { return std::string(1 + random() % 2, static_cast<char>('a' + random() % 12)); };
  auto some_range = [&] { return Range{random() % 8 ? some_key() : "", random() % 4 ? some_key() : ""}; };
  std::map<std::string, std::string> model;
  for (int round = 0; round < 60; ++round) {
    auto changed = model;
    commit([&](Transaction& t) {
      for (int step = 0; step < 25; ++step) {
        switch (random() % 6) {
          case 0:
          case 1: {
            auto key = some_key(), value = std::to_string(random());
            t.put(key, value);
            changed[key] = value;
            break;
          }
          case 2: {
            auto key = some_key();
            t.erase(key);
            changed.erase(key);
            break;
          }
          case 3: {
            if (random() % 3) break;
            auto range = some_range();
            t.erase(range);
            std::erase_if(changed, [&](const auto& pair) {
              return range.begin <= pair.first && (range.end.empty() || pair.first < range.end);
            });
            break;
          }
          case 4: {
            auto key = some_key();
            auto it = changed.find(key);
            EXPECT_EQ(t.get(key), it == changed.end() ? std::nullopt : std::optional(it->second));
            break;
          }
          case 5: {
            auto range = some_range();
            std::size_t limit = 1 + random() % 30;
            auto order = random() % 2 ? Order::ascending : Order::descending;
            std::vector<KeyValue> expected;
            for (auto& [key, value] : changed) {
              if (range.begin <= key && (range.end.empty() || key < range.end)) expected.push_back({key, value});
            }
            if (order == Order::descending) std::reverse(expected.begin(), expected.end());
            if (expected.size() > limit) expected.resize(limit);
            EXPECT_EQ(t.scan(range, limit, order), expected) << range.begin << ".." << range.end << " " << limit;
            break;
          }
        }
      }
    });
    model = changed;
    std::vector<KeyValue> expected;
    for (auto& [key, value] : model) expected.push_back({key, value});
    ASSERT_EQ(store_->read()->scan({}, 1'000'000), expected) << "after round " << round;
  }
}

TEST_P(EngineSuite, ErasesLargeRanges) {
  commit([](Transaction& t) {
    for (int i = 0; i < 3000; ++i) t.put("k" + std::to_string(10000 + i), "v");
    t.put("z", "v");
  });
  commit([](Transaction& t) { t.erase(Range{"k11000", "k12999"}); });
  EXPECT_EQ(keys().size(), 1002u);
  EXPECT_EQ(get("k12999"), "v");
  commit([](Transaction& t) {
    t.erase(Range{});
    t.put("k10005", "again");
  });
  EXPECT_EQ(keys(), Keys{"k10005"});
  put("z", "v");
  EXPECT_EQ(keys(), (Keys{"k10005", "z"}));
}

TEST_P(EngineSuite, ConflictsOnAPointRead) {
  put("a", "1");
  int runs =
      interleaved([](Transaction& t) { t.put("b", t.get("a").value_or("none")); }, [](Transaction& t) { t.put("a", "2"); });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(store_->counters().conflicts, 1u);
}

TEST_P(EngineSuite, ConflictsOnAKeyReadAsMissing) {
  int runs = interleaved(
      [](Transaction& t) {
        if (!t.get("a")) t.put("a", "first");
      },
      [](Transaction& t) { t.put("a", "other"); });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(get("a"), "other");
}

TEST_P(EngineSuite, PreventsWriteSkew) {
  put("x", "1");
  put("y", "1");
  // Each may go to 0 only while the other is 1.
  auto leave = [](std::string mine, std::string other) {
    return [=](Transaction& t) {
      if (t.get(mine) == "1" && t.get(other) == "1") t.put(mine, "0");
    };
  };
  EXPECT_EQ(interleaved(leave("x", "y"), leave("y", "x")), 2);
  EXPECT_EQ(get("x"), "1");
  EXPECT_EQ(get("y"), "0");
}

TEST_P(EngineSuite, PreventsPhantoms) {
  put("row/1", "");
  auto count = [](Transaction& t) { t.put("count", std::to_string(t.scan(prefix_range("row/"), 100).size())); };
  EXPECT_EQ(interleaved(count, [](Transaction& t) { t.put("row/2", ""); }), 2);
  EXPECT_EQ(get("count"), "2");
  EXPECT_EQ(interleaved(count, [](Transaction& t) { t.erase("row/1"); }), 2);
  EXPECT_EQ(get("count"), "1");
  EXPECT_EQ(interleaved(count, [](Transaction& t) { t.put("row/2", "changed"); }), 2);
  EXPECT_EQ(interleaved(count, [](Transaction& t) { t.erase(Range{"ro", "rp"}); }), 2);
  EXPECT_EQ(get("count"), "0");
  EXPECT_EQ(interleaved(count, [](Transaction& t) { t.put("rox", ""); }), 1);
}

TEST_P(EngineSuite, RangeEraseConflictsWithAPointRead) {
  put("b", "1");
  auto copy = [](Transaction& t) { t.put("copy", t.get("b").value_or("none")); };
  EXPECT_EQ(interleaved(copy, [](Transaction& t) { t.erase(Range{"a", "c"}); }), 2);
  EXPECT_EQ(get("copy"), "none");
  EXPECT_EQ(interleaved(copy, [](Transaction& t) { t.erase(Range{"a", "b"}); }), 1);
}

TEST_P(EngineSuite, OnlyThePartOfARangeThatWasSeenConflicts) {
  for (auto key : {"k1", "k3", "k5", "k7"}) put(key, "");
  auto first_two = [](Transaction& t) { t.put("out", t.scan(prefix_range("k"), 2).back().key); };
  auto last_two = [](Transaction& t) { t.put("out", t.scan(prefix_range("k"), 2, Order::descending).back().key); };
  auto touch = [](std::string key) { return [key](Transaction& t) { t.put(key, "x"); }; };
  EXPECT_EQ(interleaved(first_two, touch("k4")), 1);
  EXPECT_EQ(interleaved(last_two, touch("k3")), 1);
  EXPECT_EQ(interleaved(first_two, touch("k3")), 2);
  EXPECT_EQ(interleaved(first_two, touch("k2")), 2);
  EXPECT_EQ(get("out"), "k2");
  EXPECT_EQ(interleaved(last_two, touch("k6")), 2);
  EXPECT_EQ(get("out"), "k6");
}

TEST_P(EngineSuite, BlindWritesDoNotConflict) {
  put("a", "1");
  EXPECT_EQ(interleaved([](Transaction& t) { t.put("a", "mine"); }, [](Transaction& t) { t.put("a", "other"); }), 1);
  EXPECT_EQ(get("a"), "mine");
  // Nor does reading what oneself has written.
  EXPECT_EQ(interleaved(
                [](Transaction& t) {
                  t.put("a", "mine");
                  t.put("b", *t.get("a"));
                },
                [](Transaction& t) { t.put("a", "other"); }),
            1);
  EXPECT_EQ(store_->counters().conflicts, 0u);
}

TEST_P(EngineSuite, ReadingAloneCommitsNothing) {
  put("a", "1");
  auto before = store_->counters();
  EXPECT_EQ(interleaved([](Transaction& t) { EXPECT_EQ(t.get("a"), "1"); }, [](Transaction& t) { t.get("b"); }), 1);
  EXPECT_EQ(store_->counters().commits, before.commits);
  EXPECT_EQ(store_->counters().syncs, before.syncs);
}

TEST_P(EngineSuite, WhoConflictsAgainAndAgainIsLetThroughAtLast) {
  put("a", "0");
  std::thread::id committing;
  int runs = 0;
  commit([&](Transaction& t) {
    ++runs;
    auto a = t.get("a").value();
    t.put("b", a);
    committing = std::this_thread::get_id();
    if (runs < 3) others_.run(store_->commit([&](Transaction& t) { t.put("a", std::to_string(runs)); }));
  });
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(store_->counters().conflicts, 2u);
  std::thread::id loop;
  loops_.run([](std::thread::id* id) -> Task<> {
    *id = std::this_thread::get_id();
    co_return;
  }(&loop));
  EXPECT_NE(committing, loop);
}

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST_P(EngineSuite, ExceptionsAbort) {
  put("a", "1");
  EXPECT_THROW(commit([](Transaction& t) {
                 t.put("a", "2");
                 t.erase(Range{});
                 throw Refused("no");
               }),
               Refused);
  EXPECT_EQ(get("a"), "1");
  // Also where the body runs in the committing thread.
  int runs = 0;
  EXPECT_THROW(commit([&](Transaction& t) {
                 ++runs;
                 t.get("a");
                 t.put("a", "mine");
                 if (runs == 3) throw Refused("no");
                 others_.run(store_->commit([&](Transaction& t) { t.put("a", "other"); }));
               }),
               Refused);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(get("a"), "other");
  put("b", "the store goes on");
  EXPECT_EQ(get("b"), "the store goes on");
}

Task<int> transact_value(Store* store) {
  co_return co_await store->transact([](Transaction& t) {
    t.put("a", "1");
    return 7;
  });
}

TEST_P(EngineSuite, TransactReturnsWhatTheBodyReturns) {
  int value = 0;
  loops_.run([](Store* store, int* value) -> Task<> { *value = co_await transact_value(store); }(store_.get(), &value));
  EXPECT_EQ(value, 7);
  EXPECT_EQ(get("a"), "1");
}

TEST_P(EngineSuite, HoldsItsLimits) {
  const std::string long_key(kMaxKey, 'k'), large(kMaxValue, 'v');
  put(long_key, large);
  EXPECT_EQ(get(long_key), large);
  EXPECT_EQ(get(long_key + "k"), std::nullopt);
  auto throws = [&](std::function<void(Transaction&)> body) { EXPECT_THROW(commit(body), std::length_error); };
  throws([&](Transaction& t) { t.put(long_key + "k", ""); });
  throws([&](Transaction& t) { t.erase(long_key + "k"); });
  throws([&](Transaction& t) { t.erase(Range{"", long_key + "k"}); });
  throws([&](Transaction& t) { t.put("a", large + "v"); });
  throws([&](Transaction& t) {
    for (int i = 0; i < 17; ++i) t.put(std::to_string(i), large);
  });
  throws([&](Transaction& t) {
    for (int i = 0; i < 100'001; ++i) t.put(std::to_string(i), "");
  });
  commit([&](Transaction& t) {
    for (int i = 0; i < 100'000; ++i) t.put(std::to_string(i), "");
  });
  commit([&](Transaction& t) {
    for (int i = 0; i < 15; ++i) t.put("large" + std::to_string(i), large);
  });
  EXPECT_EQ(keys().size(), 100'016u);
}

Task<> count_up(Store* store, int times, int which) {
  for (int i = 0; i < times; ++i) {
    auto key = "counter" + std::to_string((which + i) % 3);
    co_await store->commit([&](Transaction& t) { t.put(key, std::to_string(std::stoi(t.get(key).value_or("0")) + 1)); });
  }
}

TEST_P(EngineSuite, CountersLoseNoIncrement) {
  constexpr int kTasks = 24, kTimes = 50;
  std::vector<Task<>> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(count_up(store_.get(), kTimes, i));
  run_all(loops_, std::move(tasks));
  int sum = 0;
  for (int i = 0; i < 3; ++i) sum += std::stoi(get("counter" + std::to_string(i)).value());
  EXPECT_EQ(sum, kTasks * kTimes);
  EXPECT_EQ(store_->counters().commits, static_cast<std::uint64_t>(kTasks * kTimes));
}

constexpr int kAccounts = 12, kEach = 100;

std::string account(int i) { return "account/" + std::to_string(100 + i); }

int total(Reader& reader) {
  int sum = 0;
  auto rows = reader.scan(prefix_range("account/"), 100);
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(kAccounts));
  for (auto& row : rows) sum += std::stoi(row.value);
  return sum;
}

Task<> transfer(Store* store, int times, unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; i < times; ++i) {
    int from = random() % kAccounts, to = random() % kAccounts, amount = random() % 50;
    if (from == to) continue;
    co_await store->commit([&](Transaction& t) {
      int has = std::stoi(t.get(account(from)).value());
      if (has < amount) return;
      t.put(account(from), std::to_string(has - amount));
      t.put(account(to), std::to_string(std::stoi(t.get(account(to)).value()) + amount));
    });
  }
}

Task<> audit(Store* store, int times) {
  for (int i = 0; i < times; ++i) {
    {
      auto reader = store->read();
      EXPECT_EQ(total(*reader), kAccounts * kEach);
    }
    // And as a transaction that writes, so that what it saw is checked at commit.
    int sum = co_await store->transact([](Transaction& t) {
      int sum = total(t);
      t.put("audited", std::to_string(sum));
      return sum;
    });
    EXPECT_EQ(sum, kAccounts * kEach);
  }
}

TEST_P(EngineSuite, TransfersKeepTheSum) {
  commit([](Transaction& t) {
    for (int i = 0; i < kAccounts; ++i) t.put(account(i), std::to_string(kEach));
  });
  std::vector<Task<>> tasks;
  for (unsigned i = 0; i < 12; ++i) tasks.push_back(transfer(store_.get(), 60, i));
  for (int i = 0; i < 2; ++i) tasks.push_back(audit(store_.get(), 40));
  run_all(loops_, std::move(tasks));
  EXPECT_EQ(total(*store_->read()), kAccounts * kEach);
  for (auto& row : store_->read()->scan(prefix_range("account/"), 100)) EXPECT_GE(std::stoi(row.value), 0);
}

Task<> put_many(Store* store, int which, int times) {
  for (int i = 0; i < times; ++i) {
    auto key = "many/" + std::to_string(which) + "/" + std::to_string(i);
    co_await store->commit([&](Transaction& t) { t.put(key, std::string(100, 'v')); });
    EXPECT_TRUE(store->read()->get(key)) << "an acknowledged write is visible at once";
  }
}

TEST_P(EngineSuite, ManyCommitsShareSyncs) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 64; ++i) tasks.push_back(put_many(store_.get(), i, 40));
  run_all(loops_, std::move(tasks));
  auto counters = store_->counters();
  EXPECT_EQ(counters.commits, 64u * 40u);
  EXPECT_EQ(counters.conflicts, 0u);
  EXPECT_LT(counters.syncs, counters.commits);
  EXPECT_GE(counters.bytes, 64u * 40u * 100u);
  EXPECT_EQ(keys(prefix_range("many/")).size(), 64u * 40u);
}

Task<> stays_on_its_loop(Store* store) {
  for (int i = 0; i < 50; ++i) {
    auto before = std::this_thread::get_id();
    co_await store->commit([](Transaction& t) { t.put("a", t.get("a").value_or("") + "x"); });
    EXPECT_EQ(before, std::this_thread::get_id());
  }
}

TEST_P(EngineSuite, WaitersResumeOnTheirOwnLoop) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 8; ++i) tasks.push_back(stays_on_its_loop(store_.get()));
  run_all(loops_, std::move(tasks));
  EXPECT_EQ(get("a").value().size(), 400u);
}

TEST_P(EngineSuite, ReaderMayOutliveTheStore) {
  put("a", "1");
  auto reader = store_->read();
  store_.reset();
  EXPECT_EQ(reader->get("a"), "1");
  EXPECT_EQ(reader->scan({}, 10).size(), 1u);
}

TEST_P(DurableEngineSuite, SurvivesReopening) {
  for (int round = 0; round < 3; ++round) {
    put("round" + std::to_string(round), std::string(1000, 'v'));
    commit([&](Transaction& t) { t.erase("round" + std::to_string(round - 1)); });
    store_.reset();
    store_ = GetParam().open(directory_.path() / "store");
    EXPECT_EQ(keys(), Keys{"round" + std::to_string(round)});
  }
}

}  // namespace
}  // namespace lambari::store
