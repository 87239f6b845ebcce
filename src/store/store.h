// An ordered map of bytes with serializable optimistic transactions.
//
// transact() runs a body, commits, and runs it again when another commit touched what it read; the body must have no other
// effect, and must not block. It runs on the caller's executor or, after conflicts, on the store's own thread while the caller
// waits: besides the transaction it may use only what is the caller's own. transact() returns once the commit is durable: an
// acknowledged write survives kill -9 and power loss. It cannot be cancelled. Keys sort as unsigned bytes.
//
// Destroying a store commits what is pending. Its waiters are then posted to their loops: stop the loops before, destroy them
// after. Several stores never share a directory.
//
// Limits: key <= 16 KiB, value <= 1 MiB (larger bodies go to blobs), 16 MiB and 100,000 writes per transaction;
// beyond them the body's call throws std::length_error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "async/task.h"

namespace lambari::store {

struct KeyValue {
  std::string key;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

// Half open: begin <= key < end. An empty end means "to the last key".
struct Range {
  std::string begin;
  std::string end;
  bool operator==(const Range&) const = default;
};

// Every key that starts with `prefix`.
Range prefix_range(std::string_view prefix);

enum class Order { ascending, descending };

// A consistent view of one moment. Not thread-safe; keep it for one request, not longer.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::optional<std::string> get(std::string_view key) = 0;
  // At most `limit` pairs of `range`, in `order`.
  virtual std::vector<KeyValue> scan(const Range& range, std::size_t limit, Order order = Order::ascending) = 0;
  // The keys of what scan() would give. For counting and for walking past large values: an engine need not copy those.
  virtual std::vector<std::string> keys(const Range& range, std::size_t limit);
};

// Reads see the transaction's own writes. What is read through get() and scan() is checked at commit.
class Transaction : public Reader {
 public:
  virtual void put(std::string_view key, std::string_view value) = 0;
  virtual void erase(std::string_view key) = 0;
  virtual void erase(const Range& range) = 0;
};

// The medium refused a write (disk full, I/O error). Nothing of the transaction is acknowledged. The store stays readable;
// later writes are refused too until the medium takes them again.
struct StorageFull : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct StorageFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct StoreCounters {
  std::uint64_t commits = 0, conflicts = 0, syncs = 0, bytes = 0;
};

// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  virtual std::unique_ptr<Reader> read() = 0;

  // `body` may run several times; an exception that leaves it aborts the transaction and comes out of the await.
  // The coroutine resumes on its own executor.
  virtual async::Task<> commit(std::function<void(Transaction&)> body) = 0;

  virtual StoreCounters counters() const = 0;

  // The same with a result: `auto row = co_await store.transact([&](Transaction& t) { ...; return value; });`
  template <class Body>
  auto transact(Body body) -> async::Task<std::invoke_result_t<Body&, Transaction&>> {
    using Result = std::invoke_result_t<Body&, Transaction&>;
    if constexpr (std::is_void_v<Result>) {
      co_await commit([&body](Transaction& t) { body(t); });
    } else {
      std::optional<Result> result;
      co_await commit([&body, &result](Transaction& t) { result.emplace(body(t)); });
      co_return std::move(*result);
    }
  }
};

}  // namespace lambari::store
