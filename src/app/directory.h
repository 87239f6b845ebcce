// Where the house keeps its files.
#pragma once

#include <filesystem>
#include <stdexcept>

namespace lambari::app {

// Only this user may read it. Throws StartError.
class Directory {
 public:
  // An existing or new directory, which stays.
  explicit Directory(const std::filesystem::path& path);
  // A new one, removed in the end.
  static Directory temporary(const char* purpose);
  ~Directory();
  Directory(const Directory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool stays() const { return stays_; }

 private:
  explicit Directory(const char* purpose);
  std::filesystem::path path_;
  bool stays_ = true;
};

}  // namespace lambari::app
