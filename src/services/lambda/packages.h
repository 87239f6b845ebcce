// Zips and images that rows name: kept as blobs, unpacked on disk when a function first needs them, both gone when nothing needs
// them.
//
//   blob      written and synced before the row; erased when no row names it (keys: lambda/use)
//   directory <directory>/<hash>/, made in a temporary one and renamed; derived, so never synced: what a reboot may have
//             left half written is thrown away at start
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "async/gate.h"
#include "async/loops.h"
#include "blobs/blobs.h"
#include "services/lambda/image.h"
#include "services/lambda/model.h"
#include "services/lambda/package.h"
#include "store/store.h"

namespace lambari::lambda {

// Thread-safe.
class Packages {
 public:
  // `images` is where images are looked for.
  Packages(async::Loops& loops, store::Store& store, blobs::Blobs& blobs, std::filesystem::path directory,
           std::filesystem::path images);

  // Keeps a zip from being erased while the row that names it is on its way into the store.
  class Pin {
   public:
    Pin() = default;
    Pin(Packages& packages, std::string zip) : packages_(&packages), zip_(std::move(zip)) {}
    Pin(Pin&& other) noexcept : packages_(std::exchange(other.packages_, nullptr)), zip_(std::move(other.zip_)) {}
    Pin& operator=(Pin&& other) noexcept {
      std::swap(packages_, other.packages_);
      std::swap(zip_, other.zip_);
      return *this;
    }
    ~Pin() {
      if (packages_) packages_->unpin(zip_);
    }

   private:
    Packages* packages_ = nullptr;
    std::string zip_;
  };
  async::Task<Pin> pin(std::string zip);

  // Checks a zip from a request and makes it durable. Throws AWS's faults for a bad one.
  struct Kept {
    Code code;
    std::vector<Pin> pins;
  };
  async::Task<Kept> keep(std::string zip);
  // The same for the image that a URI means now.
  async::Task<Kept> keep_image(std::string uri);
  // The checks alone, for a dry run.
  async::Task<Code> check(const std::string& zip);
  async::Task<Code> check_image(const std::string& uri);

  // An unpacked package; it stays on disk while one of these is held.
  struct Directory {
    std::filesystem::path path;
  };
  using DirectoryRef = std::shared_ptr<const Directory>;
  // Unpacks when needed, once for all who ask. Throws std::runtime_error when the blob is gone, ImageFault, std::system_error.
  async::Task<DirectoryRef> unpacked(Code code);

  async::Task<std::optional<std::string>> bytes(std::string zip);

  // Rows that named these are gone. A sweep() erases what was suspected `age` ago, no row names and nobody holds. The age
  // leaves time to a call that resolved its function just before the change and has still to start an environment.
  void suspect(const std::vector<std::string>& zips);
  async::Task<> sweep(std::chrono::milliseconds age = std::chrono::seconds(15));

  // Removes what an earlier run left: directories and blobs that no row names, and directories older than a reboot.
  async::Task<> start();
  // Removes everything given, blobs and directories.
  async::Task<> erase_all(std::vector<std::string> zips);

 private:
  void unpin(const std::string& zip);
  async::Task<> discard(std::string zip);
  async::Task<FoundImage> find(const std::string& uri);

  async::Loops& loops_;
  store::Store& store_;
  blobs::Blobs& blobs_;
  const std::filesystem::path directory_, images_;

  std::mutex mutex_;
  async::Event changed_;
  std::map<std::string, int> pins_;
  std::set<std::string> erasing_, unpacking_;
  std::map<std::string, std::chrono::steady_clock::time_point> suspects_;  // since when
  std::map<std::string, std::weak_ptr<const Directory>> directories_;
};

}  // namespace lambari::lambda
