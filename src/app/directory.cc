#include "app/directory.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <system_error>

#include "app/house.h"

namespace lambari::app {

Directory::Directory(const std::filesystem::path& path) {
  std::error_code error;
  path_ = std::filesystem::absolute(path, error).lexically_normal();
  std::filesystem::create_directories(path_, error);
  if (error) throw StartError(fmt::format("cannot make the data directory {}: {}", path_.string(), error.message()));
  chmod(path_.c_str(), 0700);
}

Directory::Directory(const char* purpose) : stays_(false) {
  std::error_code error;
  std::string pattern = std::filesystem::temp_directory_path(error) / fmt::format("lambari-{}-XXXXXX", purpose);
  if (mkdtemp(pattern.data()) == nullptr) throw StartError(fmt::format("cannot make a directory like {}", pattern));
  path_ = pattern;
}

Directory Directory::temporary(const char* purpose) { return Directory(purpose); }

Directory::~Directory() {
  if (stays_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace lambari::app
