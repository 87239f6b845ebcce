#include "trust/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lambari::trust {
namespace {

constexpr std::size_t kLargest = 4 * 1024 * 1024;

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& file, int error) {
  throw FileError("cannot " + what + " " + file.string() + ": " + std::strerror(error));
}

struct Fd {
  explicit Fd(int value) : value(value) {}
  Fd(const Fd&) = delete;
  ~Fd() {
    if (value >= 0) ::close(value);
  }
  int value;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::optional<std::string> read_small_file(const std::filesystem::path& file) {
  Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.value < 0 && errno == ENOENT) return std::nullopt;
  if (fd.value < 0) fail("read", file, errno);
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    auto got = ::read(fd.value, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", file, errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kLargest) fail("read", file, EFBIG);
  }
}

void write_durably(const std::filesystem::path& file, std::string_view content, mode_t mode) {
  auto beside = file;
  beside += ".new";
  ::unlink(beside.c_str());  // of a run that was cut off
  {
    Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (fd.value < 0) fail("write", beside, errno);
    if (::fchmod(fd.value, mode) != 0 || !write_all(fd.value, content) || ::fsync(fd.value) != 0) {
      int error = errno;
      ::unlink(beside.c_str());
      fail("write", beside, error);
    }
  }
  if (::rename(beside.c_str(), file.c_str()) != 0) fail("write", file, errno);
  Fd folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.value < 0 || ::fsync(folder.value) != 0) fail("write", file, errno);
}

void make_private(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) fail("read", file, errno);
  if ((info.st_mode & 077) != 0 && ::chmod(file.c_str(), info.st_mode & 0700) != 0)
    fail("take others' rights away from", file, errno);
}

void make_private_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) fail("make", folder, error.value());
  if (::chmod(folder.c_str(), 0700) != 0) fail("take others' rights away from", folder, errno);
  if (!made) return;
  Fd parent(::open(folder.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.value < 0 || ::fsync(parent.value) != 0) fail("make", folder, errno);
}

}  // namespace lambari::trust
