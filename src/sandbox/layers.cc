#include "sandbox/layers.h"

#include <system_error>

#include "base/ids.h"

namespace lambari::sandbox {
namespace {

namespace fs = std::filesystem;

// Names are taken as they are: a link in a layer is copied, never followed.
void merge(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    const auto target = to / entry.path().filename();
    const auto kind = entry.symlink_status().type();
    const auto there = fs::symlink_status(target).type();
    if (kind == fs::file_type::directory) {
      if (there != fs::file_type::directory) {
        fs::remove(target);
        fs::create_directory(target, entry.path());
      }
      merge(entry.path(), target);
      continue;
    }
    if (there != fs::file_type::not_found) fs::remove_all(target);
    std::error_code refused;
    if (kind == fs::file_type::regular) fs::create_hard_link(entry.path(), target, refused);
    if (kind != fs::file_type::regular || refused) fs::copy(entry.path(), target, fs::copy_options::copy_symlinks);
  }
}

}  // namespace

fs::path merge_layers(const fs::path& cache, const std::vector<fs::path>& layers) {
  // Layers are immutable, so their paths name their content.
  std::string names;
  for (const auto& layer : layers) names += layer.string() + '\n';
  const auto done = cache / fmt::format("{:016x}", std::hash<std::string>()(names));
  if (fs::exists(done)) return done;
  const auto work = cache / ("making-" + base::random_text(12, base::kLowerAlphanumeric));
  fs::create_directories(work);
  for (const auto& layer : layers) merge(layer, work);
  std::error_code taken;
  fs::rename(work, done, taken);
  if (taken) fs::remove_all(work);  // somebody else was quicker
  if (taken && !fs::exists(done)) throw fs::filesystem_error("merge layers", done, taken);
  return done;
}

}  // namespace lambari::sandbox
