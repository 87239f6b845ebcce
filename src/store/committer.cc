#include "store/committer.h"

#include <pthread.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/visit.h"
#include "store/work.h"

namespace lambari::store {
namespace {

namespace asio = boost::asio;

constexpr unsigned kOptimisticRuns = 2;       // more lose time where a row is hot, and gain little where none is
constexpr std::size_t kGroupBytes = 4 << 20;  // bounds how long the first of a group waits for the last

}  // namespace

// The coroutine that waits for a request. resume() is called once, from any thread; without it the coroutine is destroyed with
// it.
class Committer::Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void resume(std::exception_ptr error, bool committed) = 0;
};

template <class Handler>
class Committer::WaiterOf final : public Waiter {
 public:
  explicit WaiterOf(Handler handler)
      : handler_(std::move(handler)),
        work_(asio::make_work_guard(handler_)),
        visit_(asio::query(work_.get_executor(), asio::execution::context)) {}

  void resume(std::exception_ptr error, bool committed) override {
    auto executor = work_.get_executor();
    asio::post(executor, [handler = std::move(handler_), work = std::move(work_), error = std::move(error), committed]() mutable {
      std::move(handler)(std::move(error), committed);
    });
  }

 private:
  Handler handler_;
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work_;  // keeps the loop running meanwhile
  async::Visit visit_;
};

struct Committer::Request {
  ReadSet reads;
  std::unique_ptr<Pin> pin;  // none when nothing was read
  WriteSet writes;
  const std::function<void(Transaction&)>* body = nullptr;  // to be run by the committing thread
  std::exception_ptr error;                                 // what the body threw there
  std::unique_ptr<Waiter> waiter;
};

Committer::Committer(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "store-commit");
    run();
  });
}

Committer::~Committer() { close(); }

void Committer::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_all();
  std::lock_guard lock(joining_);
  if (thread_.joinable()) thread_.join();
}

StoreCounters Committer::counters() const { return {commits_.load(), conflicts_.load(), syncs_.load(), bytes_.load()}; }

async::Task<> Committer::commit(std::function<void(Transaction&)> body) {
  auto self = shared_from_this();
  for (unsigned run = 0; run < kOptimisticRuns; ++run) {
    auto request = std::make_unique<Request>();
    {
      std::unique_ptr<Reader> snapshot;
      auto open = [&]() -> Reader& {
        request->pin = std::make_unique<Pin>(pins_);
        snapshot = engine_->snapshot();
        return *snapshot;
      };
      Work work(open, &request->reads);
      body(work);
      request->writes = work.take_writes();
    }
    if (request->writes.empty()) co_return;
    if (co_await submit(std::move(request))) co_return;
  }
  auto request = std::make_unique<Request>();
  request->body = &body;
  co_await submit(std::move(request));
}

async::Task<bool> Committer::submit(std::unique_ptr<Request> request) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, bool)>(
      [this](auto handler, std::unique_ptr<Request> request) {
        request->waiter = std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler));
        enqueue(std::move(request));
      },
      asio::use_awaitable, std::move(request));
}

void Committer::enqueue(std::unique_ptr<Request> request) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    request->waiter->resume(std::make_exception_ptr(StorageFailed("the store is closed")), false);
    return;
  }
  pending_.push_back(std::move(request));
  lock.unlock();
  wake_.notify_one();
}

void Committer::run() {
  for (;;) {
    Requests pending;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return closed_ || !pending_.empty(); });
      if (pending_.empty()) return;
      pending.swap(pending_);
    }
    while (!pending.empty()) commit_group(pending);
  }
}

void Committer::commit_group(Requests& pending) {
  WriteSet group;
  Requests admitted;
  std::unique_ptr<Reader> snapshot;  // for bodies that run here; nothing is applied meanwhile
  Version version = pins_->latest();

  while (!pending.empty() && group.bytes() < kGroupBytes) {
    auto request = std::move(pending.front());
    pending.pop_front();
    if (request->body) {
      // An exception may tell of writes of this group, so it waits until they are durable, as a result would.
      try {
        if (!snapshot) snapshot = engine_->snapshot();
        Overlay base(*snapshot, group);
        Work work([&]() -> Reader& { return base; }, nullptr);
        (*request->body)(work);
        request->writes = work.take_writes();
      } catch (...) {
        request->error = std::current_exception();
      }
    } else if (request->pin && recent_.touched(request->reads, request->pin->version())) {
      conflicts_.fetch_add(1, std::memory_order_relaxed);
      request->pin.reset();
      request->waiter->resume(nullptr, false);
      continue;
    }
    if (!request->writes.empty()) {
      recent_.record(++version, request->writes);
      group.absorb(std::move(request->writes));
    }
    admitted.push_back(std::move(request));
  }
  snapshot.reset();

  std::function<std::exception_ptr()> failure;  // makes one for each waiter: an exception object is not shared between threads
  if (!group.empty()) {
    try {
      engine_->apply(group);
      commits_.fetch_add(version - pins_->latest(), std::memory_order_relaxed);
      syncs_.fetch_add(1, std::memory_order_relaxed);
      bytes_.fetch_add(group.bytes(), std::memory_order_relaxed);
    } catch (const StorageFull& e) {
      failure = [what = std::string(e.what())] { return std::make_exception_ptr(StorageFull(what)); };
    } catch (const std::exception& e) {
      failure = [what = std::string(e.what())] { return std::make_exception_ptr(StorageFailed(what)); };
    }
    // Of a failed group, too: its versions stay used up, and whoever read its keys meanwhile conflicts needlessly.
    pins_->publish(version);
  }
  for (auto& request : admitted) {
    request->pin.reset();
    request->waiter->resume(failure ? failure() : std::move(request->error), true);
  }
  recent_.forget(pins_->oldest());
}

namespace {

class CommittedStore final : public Store {
 public:
  explicit CommittedStore(std::unique_ptr<Engine> engine) : committer_(std::make_shared<Committer>(std::move(engine))) {}
  ~CommittedStore() override { committer_->close(); }
  std::unique_ptr<Reader> read() override { return committer_->read(); }
  async::Task<> commit(std::function<void(Transaction&)> body) override { return committer_->commit(std::move(body)); }
  StoreCounters counters() const override { return committer_->counters(); }

 private:
  std::shared_ptr<Committer> committer_;
};

}  // namespace

std::unique_ptr<Store> open_store(std::unique_ptr<Engine> engine) { return std::make_unique<CommittedStore>(std::move(engine)); }

}  // namespace lambari::store
