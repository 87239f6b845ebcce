// What every engine must pass. A new engine's *_test.cc says:
//   INSTANTIATE_TEST_SUITE_P(Postgres, EngineSuite, testing::Values(Candidate{...}));
// and the same for DurableEngineSuite when it keeps bytes beyond its process.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loops.h"
#include "store/store.h"

namespace lambari::store {

// A directory of its own, gone at the end.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs the tasks on the loops, in turn, and waits for all. The first exception comes out.
void run_all(async::Loops& loops, std::vector<async::Task<>> tasks);

struct Candidate {
  std::string name;
  std::function<std::unique_ptr<Store>(const std::filesystem::path&)> open;
};

inline void PrintTo(const Candidate& candidate, std::ostream* out) { *out << candidate.name; }

class EngineSuite : public testing::TestWithParam<Candidate> {
 protected:
  EngineSuite();

  void commit(std::function<void(Transaction&)> body);
  void put(const std::string& key, const std::string& value);
  std::optional<std::string> get(const std::string& key);
  std::vector<std::string> keys(const Range& range = {}, std::size_t limit = 1'000'000, Order order = Order::ascending);

  // Runs `body` in a transaction; in the midst of each of its first `times` runs, after the body, `other` commits.
  // Returns how often the body ran.
  int interleaved(std::function<void(Transaction&)> body, std::function<void(Transaction&)> other, int times = 1);

  ScratchDirectory directory_;
  async::Loops loops_{2}, others_{1};
  std::unique_ptr<Store> store_;
};

class DurableEngineSuite : public EngineSuite {};

}  // namespace lambari::store
