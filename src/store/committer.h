// How a commit becomes durable, for every engine.
//
// A body runs against a snapshot, on the caller's executor, and leaves what it read and what it wrote. One thread takes what is
// pending, in order of arrival; turns away whoever read something that was written after his snapshot (an earlier one of the same
// group included); applies the rest as one batch with one sync; and posts every waiter to his own executor.
// Who is turned away runs again; turned away twice, his body runs in the committing thread itself, on top of what the group holds
// so far: there it cannot be overtaken, so nobody starves, nobody need back off, and a hot row goes many times into one sync.
// Bodies that read nothing never conflict; those that wrote nothing need no commit, as their snapshot is a serial order's moment.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "async/task.h"
#include "store/engine.h"
#include "store/recent.h"
#include "store/store.h"

namespace lambari::store {

// Thread-safe. Held by shared_ptr, as suspended coroutines refer to it.
class Committer : public std::enable_shared_from_this<Committer> {
 public:
  explicit Committer(std::unique_ptr<Engine> engine);
  ~Committer();
  Committer(const Committer&) = delete;

  std::unique_ptr<Reader> read() { return engine_->snapshot(); }
  async::Task<> commit(std::function<void(Transaction&)> body);
  StoreCounters counters() const;

  // Commits what is pending and joins the thread. Later commits fail with StorageFailed. Idempotent.
  void close();

 private:
  struct Request;
  class Waiter;
  template <class Handler>
  class WaiterOf;
  using Requests = std::deque<std::unique_ptr<Request>>;

  async::Task<bool> submit(std::unique_ptr<Request> request);  // false: a conflict
  void enqueue(std::unique_ptr<Request> request);
  void run();
  void commit_group(Requests& pending);

  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Pins> pins_ = std::make_shared<Pins>();
  RecentWrites recent_;  // of the committing thread
  std::mutex mutex_;
  std::condition_variable wake_;
  Requests pending_;     // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
  std::atomic<std::uint64_t> commits_{0}, conflicts_{0}, syncs_{0}, bytes_{0};
  std::mutex joining_;
  std::thread thread_;
};

// A store of any engine.
std::unique_ptr<Store> open_store(std::unique_ptr<Engine> engine);

}  // namespace lambari::store
