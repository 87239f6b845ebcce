// The committer above an engine that fails when told, and waits when told.
#include "store/committer.h"

#include <gtest/gtest.h>

#include <future>

#include "store/engine_suite.h"
#include "store/engines.h"
#include "store/memory_engine.h"

namespace lambari::store {
namespace {

using async::Task;

struct Switches {
  std::atomic<bool> full{false}, broken{false};
  std::atomic<int> batches{0};
  std::promise<void> entered, go;
  std::atomic<bool> hold{false};
};

class SwitchedEngine final : public Engine {
 public:
  explicit SwitchedEngine(Switches& switches) : switches_(switches) {}
  std::unique_ptr<Reader> snapshot() override { return memory_->snapshot(); }
  void apply(const WriteSet& writes) override {
    if (switches_.hold.exchange(false)) {
      switches_.entered.set_value();
      switches_.go.get_future().wait();
    }
    ++switches_.batches;
    if (switches_.full) throw StorageFull("full");
    if (switches_.broken) throw std::runtime_error("of a kind nobody expected");
    memory_->apply(writes);
  }

 private:
  Switches& switches_;
  std::unique_ptr<Engine> memory_ = memory_engine();
};

Task<> increment(Store* store, std::string key) {
  co_await store->commit([&](Transaction& t) { t.put(key, std::to_string(std::stoi(t.get(key).value_or("0")) + 1)); });
}

template <class Error>
Task<> expect_error(Task<> task, std::atomic<int>* count) {
  try {
    co_await std::move(task);
  } catch (const Error&) {
    ++*count;
  }
}

TEST(Committer, AFailedGroupIsAcknowledgedToNobody) {
  Switches switches;
  async::Loops loops(2);
  auto store = open_store(std::make_unique<SwitchedEngine>(switches));
  loops.run(increment(store.get(), "a"));
  switches.full = true;
  std::atomic<int> refused{0};
  std::vector<Task<>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(expect_error<StorageFull>(increment(store.get(), "a"), &refused));
  run_all(loops, std::move(tasks));
  EXPECT_EQ(refused, 20);
  EXPECT_EQ(store->read()->get("a"), "1");
  switches.full = false;
  switches.broken = true;
  EXPECT_THROW(loops.run(increment(store.get(), "a")), StorageFailed);
  switches.broken = false;
  loops.run(increment(store.get(), "a"));
  EXPECT_EQ(store->read()->get("a"), "2");
  EXPECT_EQ(store->counters().commits, 2u);
}

TEST(Committer, WhatArrivesDuringASyncSharesTheNext) {
  Switches switches;
  async::Loops loops(2);
  auto store = open_store(std::make_unique<SwitchedEngine>(switches));
  switches.hold = true;
  auto first = std::async(std::launch::async, [&] { loops.run(increment(store.get(), "first")); });
  switches.entered.get_future().wait();
  std::vector<Task<>> tasks;
  std::atomic<int> started{0};
  auto counted = [&](std::string key) -> Task<> {
    ++started;
    co_await increment(store.get(), key);
  };
  for (int i = 0; i < 30; ++i) tasks.push_back(counted("k" + std::to_string(i)));
  auto rest = std::async(std::launch::async, [&] { run_all(loops, std::move(tasks)); });
  while (started < 30) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  switches.go.set_value();
  first.get();
  rest.get();
  EXPECT_EQ(switches.batches, 2);
  EXPECT_EQ(store->counters().commits, 31u);
  EXPECT_EQ(store->counters().syncs, 2u);
}

TEST(Committer, CommitsWhatIsPendingBeforeItCloses) {
  Switches switches;
  async::Loops loops(1);
  auto committer = std::make_shared<Committer>(std::make_unique<SwitchedEngine>(switches));
  auto write = [](std::shared_ptr<Committer> committer) -> Task<> {
    co_await committer->commit([](Transaction& t) { t.put("a", "1"); });
  };
  loops.run(write(committer));
  committer->close();
  committer->close();
  EXPECT_THROW(loops.run(write(committer)), StorageFailed);
  EXPECT_EQ(committer->read()->get("a"), "1");
}

}  // namespace
}  // namespace lambari::store
