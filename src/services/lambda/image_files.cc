// The layers of an image on disk: each is a tar of what it adds, and of marks for what it takes away.
// https://github.com/opencontainers/image-spec/blob/main/layer.md
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <system_error>

#include "base/text.h"
#include "services/lambda/archives.h"
#include "services/lambda/image.h"

namespace lambari::lambda {
namespace {

namespace fs = std::filesystem;
using Kind = ImageFault::Kind;
using Parts = std::vector<std::string>;

constexpr std::string_view kGone = ".wh.", kEmptied = ".wh..wh..opq", kOther = ".wh..wh.";
constexpr std::size_t kMaxName = 255;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

class Descriptor {
 public:
  Descriptor() = default;
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
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

std::string joined(const Parts& parts, std::size_t count) {
  std::string path;
  for (std::size_t i = 0; i < count; ++i) path.append(i ? "/" : "").append(parts[i]);
  return path;
}

// The tree that the layers make. Links on the way to an entry are followed as if the tree were the whole file system: an upper
// layer may say lib/x where a lower one has made lib a link to usr/lib.
class Tree {
 public:
  explicit Tree(const fs::path& root) : root_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) {
    if (!root_) fail("open image directory");
  }

  void begin_layer() { made_.clear(); }

  void directory(const Parts& parts, mode_t mode) {
    const int parent = parent_of(parts);
    const auto& name = parts.back();
    struct stat about;
    if (::fstatat(parent, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(about.st_mode)) remove(parent, name);
    if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) fail("make directory of image");
    // Ours to go into and to remove, whatever it says.
    if (::fchmodat(parent, name.c_str(), (mode & 0777) | 0700, 0) != 0) fail("chmod directory of image");
    note(parts);
  }

  Descriptor file(const Parts& parts, mode_t mode) {
    const int parent = parent_of(parts);
    remove(parent, parts.back());
    Descriptor made(::openat(parent, parts.back().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made) fail("create file of image");
    if (::fchmod(made.get(), (mode & 0777) | 0400) != 0) fail("chmod file of image");
    note(parts);
    return made;
  }

  void link(const Parts& parts, const std::string& to) {
    const int parent = parent_of(parts);
    remove(parent, parts.back());
    if (::symlinkat(to.c_str(), parent, parts.back().c_str()) != 0) fail("symlink in image");
    forget();
    note(parts);
  }

  // A second name of a file that is there.
  void same(const Parts& parts, const Parts& as) {
    const auto from = open_in(joined(as, as.size() - 1), O_PATH | O_DIRECTORY);
    struct stat about;
    if (!from || ::fstatat(from.get(), as.back().c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(about.st_mode))
      throw ImageFault(Kind::invalid, "a hard link to nothing");
    const int parent = parent_of(parts);
    struct stat there;
    if (::fstatat(parent, parts.back().c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_dev == about.st_dev &&
        there.st_ino == about.st_ino)
      return;
    remove(parent, parts.back());
    if (::linkat(from.get(), as.back().c_str(), parent, parts.back().c_str(), 0) != 0) fail("link in image");
    note(parts);
  }

  // What lower layers have there goes; what this one has made stays.
  void take_away(const Parts& parts) {
    const auto parent = open_in(joined(parts, parts.size() - 1), O_PATH | O_DIRECTORY);
    if (parent) prune(parent.get(), parts.back(), joined(parts, parts.size()));
  }
  void empty(const Parts& parts) {
    const auto at = joined(parts, parts.size());
    const auto folder = open_in(at, O_RDONLY | O_DIRECTORY);
    if (folder) prune_inside(folder.get(), at);
  }

  // An empty folder or file that something can be mounted on; whatever else is there goes.
  void place(const char* path, bool folder) {
    Parts parts;
    for (const auto part : base::split(path, '/')) parts.emplace_back(part);
    Descriptor here(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool directory = folder || i + 1 < parts.size();
      const auto& name = parts[i];
      struct stat about;
      const bool there = ::fstatat(here.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
      if (there && (directory ? !S_ISDIR(about.st_mode) : !S_ISREG(about.st_mode))) remove(here.get(), name);
      if (!directory) {
        const Descriptor file(::openat(here.get(), name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) fail("create file of image");
        return;
      }
      if (::mkdirat(here.get(), name.c_str(), 0755) != 0 && errno != EEXIST) fail("make directory of image");
      here = Descriptor(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!here) fail("open directory of image");
    }
  }

 private:
  Descriptor open_in(const std::string& path, std::uint64_t flags) const {
    open_how how{flags | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return Descriptor(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.empty() ? "." : path.c_str(), &how, sizeof how)));
  }

  // Made where it is missing. Entries come in the order of their folders, so the last one is often the next.
  int parent_of(const Parts& parts) {
    const auto path = joined(parts, parts.size() - 1);
    if (parent_ && path == parent_path_) return parent_.get();
    parent_ = open_in(path, O_PATH | O_DIRECTORY);
    for (std::size_t i = 1; !parent_ && i < parts.size(); ++i) {
      if (open_in(joined(parts, i), O_PATH | O_DIRECTORY)) continue;
      const auto above = open_in(joined(parts, i - 1), O_PATH | O_DIRECTORY);
      if (!above) fail("open directory of image");
      remove(above.get(), parts[i - 1]);
      if (::mkdirat(above.get(), parts[i - 1].c_str(), 0755) != 0) fail("make directory of image");
      if (i + 1 == parts.size()) parent_ = open_in(path, O_PATH | O_DIRECTORY);
    }
    if (!parent_) fail("open directory of image");
    parent_path_ = path;
    return parent_.get();
  }
  void forget() { parent_path_.assign(1, '\0'); }

  void remove(int parent, const std::string& name) {
    if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) fail("remove file of image");
    fs::remove_all("/proc/self/fd/" + std::to_string(parent) + "/" + name);
    forget();
  }

  void note(const Parts& parts) {
    for (std::size_t i = 1; i <= parts.size(); ++i) made_.insert(joined(parts, i));
  }

  void prune(int parent, const std::string& name, const std::string& path) {
    if (!made_.contains(path)) return remove(parent, name);
    const Descriptor folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (folder) prune_inside(folder.get(), path);
  }
  void prune_inside(int folder, const std::string& path) {
    Parts names;
    {
      const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);
      const std::unique_ptr<DIR, int (*)(DIR*)> list(copy < 0 ? nullptr : ::fdopendir(copy), ::closedir);
      if (!list) fail("list directory of image");
      for (const dirent* entry; (entry = ::readdir(list.get()));)
        if (const std::string name = entry->d_name; name != "." && name != "..") names.push_back(name);
    }
    for (const auto& name : names) prune(folder, name, path.empty() ? name : path + "/" + name);
  }

  Descriptor root_, parent_;
  std::string parent_path_{'\0'};
  std::set<std::string> made_;  // by this layer
};

// Without "." and empty parts, and without the "/" that some begin with. Empty: the root itself.
Parts take_apart(std::string_view path, const ImageLimits& limits) {
  Parts parts;
  if (path.size() > limits.path) throw ImageFault(Kind::invalid, "a path that is too long");
  for (const auto part : base::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." || part.size() > kMaxName) throw ImageFault(Kind::invalid, "a path that leads out of the image");
    parts.emplace_back(part);
  }
  if (parts.size() > limits.parts) throw ImageFault(Kind::invalid, "a path that is too deep");
  return parts;
}

struct Count {
  std::uint64_t bytes = 0, entries = 0;
};

void count_bytes(std::uint64_t bytes, Count& count, const ImageLimits& limits) {
  count.bytes = std::max(count.bytes, bytes);
  if (count.bytes > limits.unpacked)
    throw ImageFault(Kind::invalid, "more than " + std::to_string(limits.unpacked) + " bytes when unpacked");
}

void write_data(archive* in, int file, std::uint64_t whole, Count& count, const ImageLimits& limits) {
  const auto before = count.bytes;
  count_bytes(before + whole, count, limits);  // a hole counts as what it stands for
  if (::ftruncate(file, static_cast<off_t>(whole)) != 0) fail("write file of image");
  for (;;) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(in, &block, &size, &offset);
    if (status == ARCHIVE_EOF) return;
    if (status != ARCHIVE_OK || offset < 0) throw ImageFault(Kind::invalid, "a damaged layer");
    count_bytes(before + static_cast<std::uint64_t>(offset) + size, count, limits);
    const auto* at = static_cast<const char*>(block);
    while (size > 0) {
      const auto written = ::pwrite(file, at, size, offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("write file of image");
      at += written;
      offset += written;
      size -= static_cast<std::size_t>(written);
    }
  }
}

void apply(const fs::path& layer, Tree& tree, Count& count, const ImageLimits& limits) {
  const Archive in(archive_read_new());
  if (!in || archive_read_support_format_tar(in.get()) != ARCHIVE_OK ||
      archive_read_support_format_empty(in.get()) != ARCHIVE_OK || archive_read_support_filter_gzip(in.get()) != ARCHIVE_OK ||
      archive_read_support_filter_zstd(in.get()) != ARCHIVE_OK ||
      archive_read_open_filename(in.get(), layer.c_str(), 1 << 18) != ARCHIVE_OK)
    throw ImageFault(Kind::invalid, "a layer that is no tar");
  tree.begin_layer();
  for (archive_entry* entry = nullptr;;) {
    const int status = archive_read_next_header(in.get(), &entry);
    if (status == ARCHIVE_EOF) return;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) throw ImageFault(Kind::invalid, "a damaged layer");
    if (++count.entries > limits.entries) throw ImageFault(Kind::invalid, "too many files");
    const char* path = archive_entry_pathname(entry);
    if (!path) throw ImageFault(Kind::invalid, "a name that is not UTF-8");
    auto parts = take_apart(path, limits);
    if (parts.empty()) continue;
    if (const auto name = parts.back(); name.starts_with(kGone)) {
      parts.pop_back();
      if (name == kEmptied) {
        tree.empty(parts);
      } else if (!name.starts_with(kOther) && name.size() > kGone.size()) {
        parts.push_back(name.substr(kGone.size()));
        if (parts.back() == "." || parts.back() == "..") throw ImageFault(Kind::invalid, "a path that leads out of the image");
        tree.take_away(parts);
      }
      continue;
    }
    const auto mode = archive_entry_perm(entry);
    const auto type = archive_entry_filetype(entry);
    if (const char* other = archive_entry_hardlink(entry)) {
      const auto as = take_apart(other, limits);
      if (as.empty()) throw ImageFault(Kind::invalid, "a hard link to nothing");
      tree.same(parts, as);
    } else if (type == AE_IFDIR) {
      tree.directory(parts, mode);
    } else if (type == AE_IFLNK) {
      const std::string to = archive_entry_symlink(entry) ? archive_entry_symlink(entry) : "";
      if (to.empty() || to.size() > limits.path) throw ImageFault(Kind::invalid, "a link to nothing");
      tree.link(parts, to);
    } else if (type == AE_IFREG) {
      const auto file = tree.file(parts, mode);
      write_data(in.get(), file.get(), static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0)), count,
                 limits);
    }  // devices, pipes and sockets are not for functions
  }
}

}  // namespace

void unpack_image(const Image& image, const blobs::Blobs& blobs, const fs::path& directory, const ImageLimits& limits) {
  const Utf8Locale locale;
  Tree tree(directory);
  Count count;
  for (std::size_t i = 1; i < image.parts.size(); ++i) apply(blobs.path(image.parts[i]), tree, count, limits);
  // See sandbox/jail/root.h: become_root().
  for (const char* folder : {"proc", "dev", "tmp", "etc/ssl/certs"}) tree.place(folder, true);
  for (const char* file : {"etc/resolv.conf", "etc/hosts"}) tree.place(file, false);
}

}  // namespace lambari::lambda
