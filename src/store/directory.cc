#include "store/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.h"
#include "store/engines.h"

namespace lambari::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormatPrefix = "lambari store ";

[[noreturn]] void fail(std::string_view what, const fs::path& path) {
  const int error = errno;
  auto text = fmt::format("{} {}: {}", what, path.string(), std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) throw StorageFull(text);
  throw StorageFailed(text);
}

class File {
 public:
  File(const fs::path& path, int flags) : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

  void sync() {
    if (::fsync(fd_) != 0) fail("cannot sync", path_);
  }
  void rewrite(std::string_view text) {
    if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      fail("cannot write", path_);
  }
  std::string head() {
    char buffer[128];
    auto count = ::pread(fd_, buffer, sizeof buffer, 0);
    if (count < 0) fail("cannot read", path_);
    return std::string(buffer, static_cast<std::size_t>(count));
  }

 private:
  fs::path path_;
  int fd_;
};

void sync_directory(const fs::path& path) {
  File directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory) fail("cannot open", path);
  directory.sync();
}

// Each new directory's name is synced into its parent.
void make_directories(const fs::path& path) {
  std::vector<fs::path> missing;
  for (fs::path at = path; !at.empty() && !fs::exists(at); at = at.parent_path()) missing.push_back(at);
  for (; !missing.empty(); missing.pop_back()) {
    if (::mkdir(missing.back().c_str(), 0700) != 0 && errno != EEXIST) fail("cannot create", missing.back());
    sync_directory(missing.back().parent_path());
  }
}

std::string_view line(std::string_view text) { return base::trim(base::cut(text, '\n').first); }

}  // namespace

Directory::Directory(fs::path path) : path_(fs::absolute(std::move(path)).lexically_normal()) {
  if (path_.filename().empty()) path_ = path_.parent_path();
  make_directories(path_);

  File lock(path_ / "lock", O_RDWR | O_CREAT);
  if (!lock) fail("cannot open", path_ / "lock");
  if (::flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) fail("cannot lock", path_ / "lock");
    const long holder = static_cast<long>(base::parse_int(line(lock.head())).value_or(0));
    throw DirectoryBusy(fmt::format("{} is in use by process {}", path_.string(), holder), holder);
  }
  // The format is read before a byte is written: a newer store stays as it was.
  File format(path_ / "FORMAT", O_RDONLY);
  if (format) {
    const auto text = format.head();
    auto first = line(text);
    if (!first.starts_with(kFormatPrefix)) throw StorageFailed(fmt::format("{} is not a store of lambari", path_.string()));
    const auto version = base::parse_int(first.substr(kFormatPrefix.size()));
    if (!version || *version < 1) throw StorageFailed(fmt::format("{} has an unreadable FORMAT", path_.string()));
    if (*version > kFormatVersion)
      throw NewerFormat(fmt::format("{} has format {}; this program knows up to {}", path_.string(), *version, kFormatVersion));
    made_ = true;
  } else if (errno != ENOENT) {
    fail("cannot open", path_ / "FORMAT");
  }
  try {
    lock.rewrite(fmt::format("{}\n", ::getpid()));
  } catch (const StorageFull&) {
    // The pid is for the reader of an error message; a full disk must not keep the store from being read.
  }
  lock_ = lock.release();
}

Directory::~Directory() { ::close(lock_); }

void Directory::mark_made() {
  const auto temporary = path_ / "FORMAT.new";
  {
    File file(temporary, O_RDWR | O_CREAT | O_TRUNC);
    if (!file) fail("cannot create", temporary);
    file.rewrite(fmt::format("{}{}\n", kFormatPrefix, kFormatVersion));
    file.sync();
  }
  if (::rename(temporary.c_str(), (path_ / "FORMAT").c_str()) != 0) fail("cannot rename", temporary);
  sync_directory(path_);
  made_ = true;
}

}  // namespace lambari::store
