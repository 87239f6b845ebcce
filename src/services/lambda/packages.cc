#include "services/lambda/packages.h"

#include <fstream>
#include <stdexcept>
#include <system_error>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/log.h"
#include "services/lambda/faults.h"
#include "services/lambda/rows.h"
#include "services/lambda/rules.h"

namespace lambari::lambda {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view kTemporary = ".tmp-";

std::string boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

// `fill` writes into a folder of its own, which is seen only when it is whole.
template <class Fill>
void unpack_into(const fs::path& directory, const std::string& hash, const Fill& fill) {
  const auto temporary = directory / (std::string(kTemporary) + base::hex(base::random_bytes(8)));
  fs::create_directories(temporary);
  fs::permissions(temporary, fs::perms(0755));
  try {
    fill(temporary);
    std::error_code error;
    fs::rename(temporary, directory / hash, error);
    if (error && !fs::is_directory(directory / hash)) throw std::system_error(error, "rename of package directory");
    if (!error) return;
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  fs::remove_all(temporary);
}

// Gives back the right to unpack, whatever happens.
template <class F>
struct Finally {
  F f;
  ~Finally() { f(); }
};
template <class F>
Finally(F) -> Finally<F>;

}  // namespace

Packages::Packages(async::Loops& loops, store::Store& store, blobs::Blobs& blobs, fs::path directory, fs::path images)
    : loops_(loops), store_(store), blobs_(blobs), directory_(std::move(directory)), images_(std::move(images)) {
  fs::create_directories(directory_);
}

async::Task<Packages::Pin> Packages::pin(std::string zip) {
  for (;;) {
    const auto ticket = changed_.ticket();
    bool mine = false;
    {
      const std::lock_guard lock(mutex_);
      if (!erasing_.contains(zip)) {
        ++pins_[zip];
        mine = true;
      }
    }
    if (mine) co_return Pin(*this, std::move(zip));
    co_await changed_.wait(ticket, 1s);
  }
}

void Packages::unpin(const std::string& zip) {
  const std::lock_guard lock(mutex_);
  const auto it = pins_.find(zip);
  if (it == pins_.end() || --it->second > 0) return;
  pins_.erase(it);
  // Whoever held it may have failed before its row was there.
  suspects_[zip] = std::chrono::steady_clock::now();
}

async::Task<Code> Packages::check(const std::string& zip) {
  if (zip.size() > kMaxZipped) {
    throw wire::Fault("RequestEntityTooLargeException",
                      "Zipped size must be smaller than " + std::to_string(kMaxZipped) + " bytes", 413);
  }
  Code code;
  PackageReport report;
  code.size = zip.size();
  co_await loops_.block([&] {
    report = inspect(zip);
    if (report.problem == PackageProblem::none) code.zip = base::hex(base::sha256(zip));
  });
  switch (report.problem) {
    case PackageProblem::none: break;
    case PackageProblem::unreadable: invalid("Could not unzip uploaded file. Please check your file, then try to upload again.");
    case PackageProblem::empty: invalid("Uploaded file must be a non-empty zip");
    case PackageProblem::too_large: invalid("Unzipped size must be smaller than " + std::to_string(kMaxUnzipped) + " bytes");
  }
  code.unzipped = report.unzipped;
  co_return code;
}

async::Task<Packages::Kept> Packages::keep(std::string zip) {
  Kept kept;
  kept.code = co_await check(zip);
  kept.pins.push_back(co_await pin(kept.code.zip));
  co_await blobs_.put(zip);
  co_return kept;
}

namespace {

// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-images.html
[[noreturn]] void refuse_image(const std::string& uri, const ImageFault& fault) {
  base::log_warn("container image refused", {{"image", uri}, {"reason", fault.what()}});
  switch (fault.kind) {
    case ImageFault::Kind::missing: invalid("Source image " + uri + " does not exist. Provide a valid source image.");
    case ImageFault::Kind::unsupported:
      invalid("The image manifest, config or layer media type for the source image " + uri + " is not supported.");
    default: invalid("Source image " + uri + " is not valid. Provide a valid source image.");
  }
}

}  // namespace

async::Task<FoundImage> Packages::find(const std::string& uri) {
  FoundImage found;
  const auto name = parse_image_uri(uri);
  if (!name) refuse_image(uri, {ImageFault::Kind::invalid, "not the URI of an image in ECR"});
  try {
    co_await loops_.block([&] { found = find_image(images_, *name); });
  } catch (const ImageFault& fault) {
    refuse_image(uri, fault);
  }
  found.code.image->uri = uri;
  co_return found;
}

async::Task<Code> Packages::check_image(const std::string& uri) {
  auto found = co_await find(uri);
  co_return std::move(found.code);
}

async::Task<Packages::Kept> Packages::keep_image(std::string uri) {
  auto found = co_await find(uri);
  Kept kept;
  kept.code = found.code;
  kept.pins.push_back(co_await pin(kept.code.zip));
  for (const auto& part : kept.code.image->parts) kept.pins.push_back(co_await pin(part));
  try {
    co_await loops_.block([&] { copy_image(found, blobs_); });
  } catch (const ImageFault& fault) {
    refuse_image(uri, fault);
  }
  co_return kept;
}

async::Task<Packages::DirectoryRef> Packages::unpacked(Code code) {
  const auto& zip = code.zip;
  const auto pinned = co_await pin(zip);
  for (;;) {
    const auto ticket = changed_.ticket();
    DirectoryRef ready;
    bool mine = false;
    {
      const std::lock_guard lock(mutex_);
      if (const auto it = directories_.find(zip); it != directories_.end()) ready = it->second.lock();
      if (!ready) mine = unpacking_.insert(zip).second;
    }
    if (ready) co_return ready;
    if (mine) break;
    co_await changed_.wait(ticket, 1s);
  }
  const Finally release{[&] {
    {
      const std::lock_guard lock(mutex_);
      unpacking_.erase(zip);
    }
    changed_.notify_all();
  }};
  const auto path = directory_ / zip;
  bool there = false;
  co_await loops_.block([&] { there = fs::is_directory(path); });
  if (!there && code.image) {
    co_await loops_.block(
        [&] { unpack_into(directory_, zip, [&](const fs::path& into) { unpack_image(*code.image, blobs_, into); }); });
  } else if (!there) {
    const auto bytes = co_await blobs_.get(zip);
    if (!bytes) throw std::runtime_error("the package of a function is missing");
    co_await loops_.block([&] {
      unpack_into(directory_, zip, [&](const fs::path& into) {
        if (unpack(*bytes, into).problem != PackageProblem::none) throw std::runtime_error("a kept package is not readable");
      });
    });
  }
  auto made = std::make_shared<const Directory>(Directory{path});
  {
    const std::lock_guard lock(mutex_);
    directories_[zip] = made;
  }
  co_return made;
}

async::Task<std::optional<std::string>> Packages::bytes(std::string zip) { co_return co_await blobs_.get(zip); }

void Packages::suspect(const std::vector<std::string>& zips) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  for (const auto& zip : zips) suspects_[zip] = now;
}

async::Task<> Packages::sweep(std::chrono::milliseconds age) {
  const auto before = std::chrono::steady_clock::now() - age;
  std::vector<std::string> candidates;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = suspects_.begin(); it != suspects_.end();) {
      const auto zip = it->first;
      const auto directory = directories_.find(zip);
      const bool held = it->second > before || pins_.contains(zip) || unpacking_.contains(zip) || erasing_.contains(zip) ||
                        (directory != directories_.end() && !directory->second.expired());
      if (held) {
        ++it;
        continue;
      }
      erasing_.insert(zip);
      candidates.push_back(zip);
      it = suspects_.erase(it);
    }
  }
  for (auto& zip : candidates) co_await discard(std::move(zip));
}

async::Task<> Packages::discard(std::string zip) {
  const Finally release{[&] {
    {
      const std::lock_guard lock(mutex_);
      erasing_.erase(zip);
      directories_.erase(zip);
    }
    changed_.notify_all();
  }};
  try {
    const bool used = co_await store_.transact([&](store::Transaction& t) {
      const bool still = rows::used(t, zip);
      if (still) rows::erase_loose(t, zip);
      return still;
    });
    if (used) co_return;
    co_await loops_.block([&] {
      // Out of sight at once, so that a stop in the middle leaves nothing that looks whole.
      const auto doomed = directory_ / (std::string(kTemporary) + base::hex(base::random_bytes(8)));
      std::error_code error;
      fs::rename(directory_ / zip, doomed, error);
      if (!error) fs::remove_all(doomed, error);
    });
    co_await blobs_.erase(zip);
    co_await store_.commit([&](store::Transaction& t) { rows::erase_loose(t, zip); });
  } catch (const std::exception& e) {
    // Its row in lambda/loose stays, so the next start tries again.
    base::log_warn("unused package not removed", {{"zip", zip}, {"error", e.what()}});
  }
}

async::Task<> Packages::start() {
  std::vector<std::string> found;
  co_await loops_.block([&] {
    const auto marker = directory_ / ".boot";
    std::string last;
    {
      std::ifstream in(marker);
      std::getline(in, last);
    }
    const auto boot = boot_id();
    const bool rebooted = boot.empty() || last != boot;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      const auto name = entry.path().filename().string();
      if (name == ".boot") continue;
      const bool package = name.size() == 64 && base::unhex(name);
      if (package) found.push_back(name);
      if (name.starts_with(kTemporary) || (rebooted && package)) {
        std::error_code ignored;
        fs::remove_all(entry.path(), ignored);
      }
    }
    if (rebooted) std::ofstream(marker) << boot << '\n';
  });
  suspect(found);
  suspect(rows::loose(*store_.read()));
  co_await sweep(0ms);
}

async::Task<> Packages::erase_all(std::vector<std::string> zips) {
  suspect(zips);
  co_await sweep(0ms);
}

}  // namespace lambari::lambda
