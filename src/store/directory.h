// The directory of a store on disk:
//   lock     held with flock by the process that has the store open; holds its pid
//   FORMAT   "lambari store <version>"; written last when a store is made, so that it says the rest is there
//   rocks/   the engine's own
#pragma once

#include <filesystem>

namespace lambari::store {

// Holds the directory until destroyed. The kernel lets go of it when the process dies, however it dies.
class Directory {
 public:
  // Creates the directory, durably. Throws DirectoryBusy, NewerFormat, StorageFull, StorageFailed.
  explicit Directory(std::filesystem::path path);
  ~Directory();
  Directory(const Directory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool made() const { return made_; }
  void mark_made();  // writes FORMAT, atomically and durably

 private:
  std::filesystem::path path_;
  int lock_ = -1;
  bool made_ = false;
};

}  // namespace lambari::store
