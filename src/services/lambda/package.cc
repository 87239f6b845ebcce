#include "services/lambda/package.h"

#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"
#include "services/lambda/archives.h"

namespace lambari::lambda {
namespace {

enum class Kind { file, directory, link };

// The parts of a relative name, without "." and empty ones. False: the name is not allowed.
bool take_apart(std::string_view name, const PackageLimits& limits, std::vector<std::string>& parts) {
  if (name.empty() || name.size() > limits.path || name.front() == '/' || name.find('\0') != name.npos) return false;
  for (const auto part : base::split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." || part.size() > 255) return false;
    parts.emplace_back(part);
  }
  return !parts.empty();
}

// A link may lead to anything in the package, seen from where it stands.
bool stays_inside(const std::vector<std::string>& at, std::string_view target, const PackageLimits& limits) {
  if (target.empty() || target.size() > limits.link || target.front() == '/' || target.find('\0') != target.npos) return false;
  auto depth = static_cast<std::ptrdiff_t>(at.size()) - 1;
  for (const auto part : base::split(target, '/')) {
    if (part.empty() || part == ".") continue;
    depth += part == ".." ? -1 : 1;
    if (depth < 0) return false;
  }
  return true;
}

// What a package looks like so far: a name is given once, and only directories hold others.
class Names {
 public:
  bool add(const std::vector<std::string>& parts, Kind kind) {
    std::string path;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      path += parts[i];
      const auto [it, fresh] = kinds_.emplace(path, Kind::directory);
      if (!fresh && it->second != Kind::directory) return false;
      path += '/';
    }
    path += parts.back();
    const auto [it, fresh] = kinds_.emplace(path, kind);
    return fresh || (it->second == Kind::directory && kind == Kind::directory);
  }
  std::size_t size() const { return kinds_.size(); }

 private:
  std::map<std::string, Kind> kinds_;
};

// What happens to the entries. Parts are safe when they get here.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void directory(const std::vector<std::string>&) {}
  virtual void link(const std::vector<std::string>&, const std::string& /*target*/) {}
  virtual void begin_file(const std::vector<std::string>&, bool /*executable*/) {}
  virtual void data(const void*, std::size_t, std::int64_t /*offset*/) {}
  virtual void end_file() {}
};

// A zip without entries is only its end record; libarchive does not take it for a zip.
bool has_no_entry(std::string_view zip) {
  constexpr std::string_view kEnd("PK\x05\x06\0\0\0\0\0\0\0\0", 12);
  return zip.size() >= 22 && zip.starts_with(kEnd);
}

PackageReport walk(std::string_view zip, const PackageLimits& limits, Sink& sink) {
  if (has_no_entry(zip)) return {PackageProblem::empty, 0, 0};
  const Utf8Locale locale;
  const PackageReport unreadable{PackageProblem::unreadable, 0, 0};
  Archive in(archive_read_new());
  // Only the reader that starts from the central directory: what is not listed there is not in the package.
  if (!in || archive_read_support_format_zip_seekable(in.get()) != ARCHIVE_OK ||
      archive_read_open_memory(in.get(), zip.data(), zip.size()) != ARCHIVE_OK) {
    return unreadable;
  }
  PackageReport report;
  Names names;
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(in.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return unreadable;
    if (++report.entries > limits.entries || archive_entry_is_encrypted(entry)) return unreadable;

    const char* name = archive_entry_pathname(entry);
    std::vector<std::string> parts;
    if (!name) return unreadable;
    const auto type = archive_entry_filetype(entry);
    if (type == AE_IFDIR && (std::string_view(name) == "./" || std::string_view(name) == ".")) continue;
    if (!take_apart(name, limits, parts)) return unreadable;
    if (type == AE_IFDIR) {
      if (!names.add(parts, Kind::directory)) return unreadable;
      sink.directory(parts);
    } else if (type == AE_IFLNK) {
      const char* target = archive_entry_symlink(entry);
      if (!target || !stays_inside(parts, target, limits) || !names.add(parts, Kind::link)) return unreadable;
      sink.link(parts, target);
    } else if (type == AE_IFREG) {
      if (archive_entry_hardlink(entry) || !names.add(parts, Kind::file)) return unreadable;
      // What the directory announces is refused before it is inflated; what is inflated is counted all the same.
      if (archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0 &&
          static_cast<std::uint64_t>(archive_entry_size(entry)) > limits.unzipped - report.unzipped) {
        report.problem = PackageProblem::too_large;
        return report;
      }
      sink.begin_file(parts, (archive_entry_perm(entry) & 0111) != 0);
      for (;;) {
        const void* block = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        const int read = archive_read_data_block(in.get(), &block, &size, &offset);
        if (read == ARCHIVE_EOF) break;
        if (read != ARCHIVE_OK || offset < 0) return unreadable;
        report.unzipped += size;
        if (report.unzipped > limits.unzipped) {
          report.problem = PackageProblem::too_large;
          return report;
        }
        if (size == 0) continue;
        sink.data(block, size, offset);
      }
      sink.end_file();
    } else {
      return unreadable;
    }
    // Names cost memory too: a thousand entries of deep paths make many more directories.
    if (names.size() > 2 * limits.entries) return unreadable;
  }
  if (report.entries == 0) report.problem = PackageProblem::empty;
  return report;
}

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Every step down is opened without following links, from the descriptor of the step above.
class Writer final : public Sink {
 public:
  explicit Writer(const std::filesystem::path& root)
      : root_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) {
    if (root_.get() < 0) fail("open package directory");
  }

  void directory(const std::vector<std::string>& parts) override { descend(parts, parts.size()); }

  void link(const std::vector<std::string>& parts, const std::string& target) override {
    const auto parent = descend(parts, parts.size() - 1);
    if (::symlinkat(target.c_str(), parent.get(), parts.back().c_str()) != 0) fail("symlink in package");
  }

  void begin_file(const std::vector<std::string>& parts, bool executable) override {
    const auto parent = descend(parts, parts.size() - 1);
    const mode_t mode = executable ? 0755 : 0644;
    file_ = Descriptor(::openat(parent.get(), parts.back().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (file_.get() < 0) fail("create file of package");
    if (::fchmod(file_.get(), mode) != 0) fail("chmod file of package");
  }

  void data(const void* bytes, std::size_t size, std::int64_t offset) override {
    const auto* at = static_cast<const char*>(bytes);
    while (size > 0) {
      const auto written = ::pwrite(file_.get(), at, size, offset);
      if (written < 0) {
        if (errno == EINTR) continue;
        fail("write file of package");
      }
      at += written;
      offset += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void end_file() override { file_ = Descriptor(-1); }

 private:
  Descriptor descend(const std::vector<std::string>& parts, std::size_t count) {
    Descriptor here(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
    for (std::size_t i = 0; i < count; ++i) {
      if (::mkdirat(here.get(), parts[i].c_str(), 0755) == 0) {
        if (::fchmodat(here.get(), parts[i].c_str(), 0755, 0) != 0) fail("chmod directory of package");
      } else if (errno != EEXIST) {
        fail("make directory of package");
      }
      here = Descriptor(::openat(here.get(), parts[i].c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (here.get() < 0) fail("open directory of package");
    }
    return here;
  }

  Descriptor root_;
  Descriptor file_{-1};
};

}  // namespace

PackageReport inspect(std::string_view zip, const PackageLimits& limits) {
  Sink nothing;
  return walk(zip, limits, nothing);
}

PackageReport unpack(std::string_view zip, const std::filesystem::path& directory, const PackageLimits& limits) {
  Writer writer(directory);
  return walk(zip, limits, writer);
}

}  // namespace lambari::lambda
