// What a commit is checked against: the writes that are newer than the oldest snapshot some transaction still works on.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/write_set.h"

namespace lambari::store {

// Counts commits; 0 is the store as it was opened.
using Version = std::uint64_t;

// The snapshots in use. Thread-safe.
class Pins {
 public:
  Version latest() const;
  Version oldest() const;  // latest() when nobody holds one
  void publish(Version version);

 private:
  friend class Pin;
  mutable std::mutex mutex_;
  Version latest_ = 0;                     // guarded by mutex_
  std::map<Version, std::size_t> counts_;  // guarded by mutex_
};

// Keeps what is newer than its version from being forgotten. Taken before the engine's snapshot, so that the snapshot holds at
// least this version; when it holds more, that is a needless conflict at worst.
class Pin {
 public:
  explicit Pin(std::shared_ptr<Pins> pins);
  ~Pin();
  Pin(const Pin&) = delete;
  Version version() const { return version_; }

 private:
  std::shared_ptr<Pins> pins_;
  Version version_;
};

struct ReadSet {
  std::vector<std::string> keys;
  std::vector<Range> ranges;
  bool empty() const { return keys.empty() && ranges.empty(); }
};

// Not thread-safe.
class RecentWrites {
 public:
  // Beyond this many the oldest are forgotten, and transactions older than those conflict unseen.
  explicit RecentWrites(std::size_t limit = 200'000) : limit_(limit) {}

  void record(Version version, const WriteSet& writes);  // versions ascend
  bool touched(const ReadSet& reads, Version since) const;
  void forget(Version upto);
  std::size_t size() const { return size_; }

 private:
  using Latest = std::map<std::string, Version, std::less<>>;
  struct Commit {
    Version version;
    std::vector<Latest::iterator> points;
    std::vector<Range> ranges;
    std::size_t size() const { return points.size() + ranges.size(); }
  };
  void drop_front();

  const std::size_t limit_;
  Latest latest_;  // of each key, who wrote it last
  std::deque<Commit> commits_;
  std::size_t ranges_ = 0;
  std::size_t size_ = 0;
  Version floor_ = 0;  // all newer ones are known
};

}  // namespace lambari::store
