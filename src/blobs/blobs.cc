// directory/ab/cd/<hash>   a body; ab and cd are the first bytes of its hash
// directory/tmp/           bodies being written; emptied at open
#include "blobs/blobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/bytes.h"
#include "base/ids.h"

namespace lambari::blobs {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0) : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      auto count = ::write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("writing a blob");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  std::string read() {
    struct stat about;
    if (::fstat(fd_, &about) != 0) fail("reading a blob");
    std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
    std::size_t got = 0;
    while (got < bytes.size()) {
      auto count = ::read(fd_, bytes.data() + got, bytes.size() - got);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("reading a blob");
      if (count == 0) break;
      got += static_cast<std::size_t>(count);
    }
    bytes.resize(got);
    return bytes;
  }

  void sync() {
    if (::fsync(fd_) != 0) fail("syncing a blob");
  }

 private:
  int fd_;
};

void sync_directory(const fs::path& path) {
  File directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory) fail("opening a directory of blobs");
  directory.sync();
}

void make_directory(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("creating a directory of blobs");
}

// What comes from outside is never made a path unless it looks like a hash.
bool is_hash(const Hash& hash) { return hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == Hash::npos; }

// Removes the file on the way out, unless it was renamed.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  const fs::path& path() const { return path_; }
  void rename(const fs::path& to) {
    if (::rename(path_.c_str(), to.c_str()) != 0) fail("naming a blob");
    path_.clear();
  }

 private:
  fs::path path_;
};

}  // namespace

struct Blobs::State {
  async::Loops& loops;
  fs::path root;

  fs::path folder(const Hash& hash) const { return root / hash.substr(0, 2) / hash.substr(2, 2); }
  fs::path place(const Hash& hash) const { return folder(hash) / hash; }

  // The names on the way to a body are synced, whoever made them: a body that is there may be another's, not yet synced, or have
  // been found after a crash.
  void sync_names(const Hash& hash) const {
    sync_directory(folder(hash));
    sync_directory(folder(hash).parent_path());
    sync_directory(root);
  }

  void write(const Hash& hash, std::string_view bytes) const {
    const auto to = place(hash);
    struct stat about;
    if (::stat(to.c_str(), &about) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) fail("looking for a blob");
      Temporary body(temporary());
      {
        File file(body.path(), O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (!file) fail("creating a blob");
        file.write(bytes);
        file.sync();
      }
      return name(body, hash);
    }
    sync_names(hash);
  }

  fs::path temporary() const { return root / "tmp" / base::random_text(24, base::kLowerAlphanumeric); }

  // A synced body gets its place; one that is there already is the same.
  void name(Temporary& body, const Hash& hash) const {
    make_directory(folder(hash).parent_path());
    make_directory(folder(hash));
    body.rename(place(hash));
    sync_names(hash);
  }
};

Blobs::Blobs(async::Loops& loops, fs::path directory) : state_(std::make_unique<State>(State{loops, fs::absolute(directory)})) {
  const auto temporary = state_->root / "tmp";
  fs::create_directories(temporary);
  sync_directory(state_->root);
  sync_directory(state_->root.parent_path());
  for (const auto& leftover : fs::directory_iterator(temporary)) fs::remove_all(leftover.path());
}

Blobs::~Blobs() = default;

async::Task<Hash> Blobs::put(std::string_view bytes) {
  Hash hash;
  auto work = [&] {
    hash = base::hex(base::sha256(bytes));
    state_->write(hash, bytes);
  };
  co_await state_->loops.block(work);
  co_return hash;
}

namespace {

// SHA-256 of bytes that come in pieces.
class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  Hash finish() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), out, &size);
    return base::hex({reinterpret_cast<const char*>(out), size});
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

struct Blobs::Writing::Body {
  explicit Body(const State& blobs)
      : state(blobs), temporary(blobs.temporary()), file(temporary.path(), O_WRONLY | O_CREAT | O_EXCL, 0600) {
    if (!file) fail("creating a blob");
  }
  const State& state;
  Temporary temporary;
  File file;
  Digest digest;
};

Blobs::Writing::Writing(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Blobs::Writing::~Writing() = default;

void Blobs::Writing::add(std::string_view bytes) {
  body_->file.write(bytes);
  body_->digest.add(bytes);
}

bool Blobs::Writing::finish(const Hash& expected) {
  if (body_->digest.finish() != expected) return false;
  body_->file.sync();
  body_->state.name(body_->temporary, expected);
  return true;
}

bool Blobs::keep(const Hash& hash) {
  if (!has(hash)) return false;
  state_->sync_names(hash);
  return true;
}

std::unique_ptr<Blobs::Writing> Blobs::begin() {
  return std::unique_ptr<Writing>(new Writing(std::make_unique<Writing::Body>(*state_)));
}

async::Task<std::optional<std::string>> Blobs::get(const Hash& hash) {
  std::optional<std::string> bytes;
  if (!is_hash(hash)) co_return bytes;
  auto work = [&] {
    File file(state_->place(hash), O_RDONLY);
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return;
    if (!file) fail("opening a blob");
    bytes = file.read();
    if (base::hex(base::sha256(*bytes)) != hash)
      throw std::system_error(std::make_error_code(std::errc::io_error), "a blob is not what was written");
  };
  co_await state_->loops.block(work);
  co_return bytes;
}

fs::path Blobs::path(const Hash& hash) const {
  if (!is_hash(hash)) throw std::system_error(std::make_error_code(std::errc::invalid_argument), "not the hash of a blob");
  return state_->place(hash);
}

bool Blobs::has(const Hash& hash) const {
  struct stat about;
  return is_hash(hash) && ::stat(state_->place(hash).c_str(), &about) == 0;
}

std::uint64_t Blobs::size(const Hash& hash) const {
  struct stat about;
  return is_hash(hash) && ::stat(state_->place(hash).c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

async::Task<> Blobs::erase(const Hash& hash) {
  if (!is_hash(hash)) co_return;
  auto work = [&] {
    if (::unlink(state_->place(hash).c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) fail("erasing a blob");
  };
  co_await state_->loops.block(work);
}

}  // namespace lambari::blobs
