// The transaction a body is given: own writes over a base, and a record of what was read.
#pragma once

#include <functional>
#include <memory>

#include "store/recent.h"
#include "store/write_set.h"

namespace lambari::store {

// Not thread-safe. Lives for one run of a body.
class Work final : public Transaction {
 public:
  // `base` is called once, at the first read that needs it. `reads` may be null: then nothing is recorded.
  Work(std::function<Reader&()> base, ReadSet* reads) : open_base_(std::move(base)), reads_(reads) {}

  std::optional<std::string> get(std::string_view key) override;
  std::vector<KeyValue> scan(const Range& range, std::size_t limit, Order order = Order::ascending) override;
  void put(std::string_view key, std::string_view value) override;
  void erase(std::string_view key) override;
  void erase(const Range& range) override;

  WriteSet take_writes() { return std::move(writes_); }

 private:
  Reader& base();
  void admit(std::size_t key, std::size_t value) const;  // throws std::length_error

  std::function<Reader&()> open_base_;
  Reader* base_ = nullptr;
  ReadSet* reads_;
  WriteSet writes_;
};

}  // namespace lambari::store
