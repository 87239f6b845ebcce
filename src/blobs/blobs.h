// Bodies by content: function packages, layers, large payloads, later S3 objects. A body is written and synced before its
// hash is returned, so a row that names the hash never dangles. Bodies are immutable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/loops.h"
#include "async/task.h"

namespace lambari::blobs {

using Hash = std::string;  // sha256, lower-case hex

// Thread-safe. Throws store-independent std::system_error (ENOSPC and the like); nothing half written is ever visible.
class Blobs {
 public:
  // Creates the directory. Leftovers of writes that were cut off are removed.
  Blobs(async::Loops& loops, std::filesystem::path directory);
  ~Blobs();
  Blobs(const Blobs&) = delete;

  async::Task<Hash> put(std::string_view bytes);

  // A body of any size that comes in pieces. Blocks: used inside Loops::block. Dropped unfinished it leaves nothing.
  class Writing {
   public:
    ~Writing();
    void add(std::string_view bytes);
    bool finish(const Hash& expected);  // written, synced and named; false, and nothing is left, when it is another body. Once

   private:
    friend class Blobs;
    struct Body;
    explicit Writing(std::unique_ptr<Body> body);
    std::unique_ptr<Body> body_;
  };
  std::unique_ptr<Writing> begin();
  // As if it had been written again; false when it is not there. Blocks.
  bool keep(const Hash& hash);

  async::Task<std::optional<std::string>> get(const Hash& hash);
  std::filesystem::path path(const Hash& hash) const;  // of an existing body; never write to it
  bool has(const Hash& hash) const;
  std::uint64_t size(const Hash& hash) const;  // 0 when missing
  async::Task<> erase(const Hash& hash);       // the caller knows that no row names it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lambari::blobs
